#include "watch.h"

void watch_socket(
	struct watch *self, int fd, event_callback_fn on_readable, event_callback_fn on_writable, void *context) {
	struct event_base *base = self->deadline.loop->base;
	shim_loop_map(self->deadline.loop, fd);
	event_assign(&self->readable, base, fd, EV_READ | EV_PERSIST, on_readable, context);
	event_assign(&self->writable, base, fd, EV_WRITE | EV_PERSIST, on_writable, context);
	event_priority_set(&self->readable, SHIM_PRIORITY_URGENT); // until we know what it asks for
	event_priority_set(&self->writable, SHIM_PRIORITY_NORMAL);
	self->urgent = true;
}

void watch_call_soon(struct watch *self, event_callback_fn callback, void *context) {
	event_assign(&self->writable, self->deadline.loop->base, -1, 0, callback, context);
	event_active(&self->writable, 0, 0);
}

void watch_cancel_call(struct watch *self) { event_del(&self->writable); }

void watch_set_reading(struct watch *self, bool on) {
	if (self->reading == on) return;
	self->reading = on;
	if (on) event_add(&self->readable, NULL);
	else event_del(&self->readable);
}

void watch_set_writing(struct watch *self, bool on) {
	if (self->writing == on) return;
	self->writing = on;
	if (on) event_add(&self->writable, NULL);
	else event_del(&self->writable);
}

void watch_set_deadline(struct watch *self, int64_t interval) {
	shim_timer_set(&self->deadline, interval ? shim_loop_now(self->deadline.loop) + interval : 0);
}

void watch_set_urgent(struct watch *self, bool urgent) {
	if (self->urgent == urgent) return;
	const int priority = urgent ? SHIM_PRIORITY_URGENT : SHIM_PRIORITY_NORMAL;
	if (event_priority_set(&self->readable, priority) == 0) self->urgent = urgent; // refused while the event is active
}

void watch_stop(struct watch *self) {
	watch_set_reading(self, false);
	watch_set_writing(self, false);
	shim_timer_stop(&self->deadline);
}
