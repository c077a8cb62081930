#include "watch.h"

void watch_call_soon(struct watch *self, event_callback_fn callback, void *context) {
	event_assign(&self->writable.event, shim_timer_loop(&self->deadline)->base, -1, 0, callback, context);
	event_active(&self->writable.event, 0, 0);
}

void watch_cancel_call(struct watch *self) { event_del(&self->writable.event); }

void watch_socket(struct watch *self, int fd, void (*on_readable)(struct queued_event *),
	void (*on_writable)(struct queued_event *)) {
	shim_loop *loop = shim_timer_loop(&self->deadline);
	shim_loop_map(loop, fd);
	queued_event_init(&self->readable, &loop->queues, fd, EV_READ | EV_PERSIST, EVENT_URGENT, on_readable);
	queued_event_init(&self->writable, &loop->queues, fd, EV_WRITE | EV_PERSIST, EVENT_CLIENT, on_writable);
}

void watch_set_reading(struct watch *self, bool on) {
	if (self->reading == on) return;
	self->reading = on;
	if (!on) {
		queued_event_stop(&self->readable);
		return;
	}
	queued_event_watch(&self->readable, NULL);
	if (self->has_more) queued_event_push(&self->readable);
}

void watch_set_writing(struct watch *self, bool on) {
	if (self->writing == on) return;
	self->writing = on;
	if (on) queued_event_watch(&self->writable, NULL);
	else queued_event_stop(&self->writable);
}

void watch_set_deadline(struct watch *self, int64_t interval) {
	shim_loop *loop = shim_timer_loop(&self->deadline);
	shim_timer_set(&self->deadline, interval ? shim_loop_now(loop) + interval : 0);
}

void watch_set_urgent(struct watch *self, bool urgent) {
	queued_event_set_class(&self->readable, urgent ? EVENT_URGENT : EVENT_CLIENT);
}

void watch_continue_later(struct watch *self) { queued_event_push(&self->writable); }

void watch_stop(struct watch *self) {
	if (self->readable.queues) { // `watch_socket` was called
		queued_event_stop(&self->readable);
		queued_event_stop(&self->writable);
	}
	self->reading = self->writing = false;
	shim_timer_stop(&self->deadline);
}
