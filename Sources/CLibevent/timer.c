#include "internal.h"
#include "manual_clock.h"

#include <stdlib.h>

static void timer_arm(struct shim_timer *self) {
	if (queued_event_waits(&self->event)) return; // `on_due` looks at the new deadline
	shim_loop *loop = shim_timer_loop(self);
	int64_t wait = self->deadline - shim_loop_now(loop);
	if (wait < 0) wait = 0;
	self->armed = self->deadline;
	if (loop->manual_clock) {
		manual_clock_remove(loop->manual_clock, self);
		if (wait) {
			manual_clock_add(loop->manual_clock, self);
			return;
		}
	}
	// Rounded up, because libevent's clock is coarse, and a timer that fires early has to wait again.
	const int64_t microseconds = wait / 1000 + 1;
	const struct timeval interval = { .tv_sec = microseconds / 1000000, .tv_usec = microseconds % 1000000 };
	queued_event_watch(&self->event, &interval);
}

static void on_due(struct queued_event *event) {
	struct shim_timer *self = EVENT_OWNER(event, struct shim_timer, event);
	self->armed = 0;
	if (!self->deadline) return;
	if (shim_loop_now(shim_timer_loop(self)) < self->deadline) {
		timer_arm(self);
		return;
	}
	self->deadline = 0;
	self->fire(self->context); // may free the timer
}

void shim_timer_init(struct shim_timer *self, shim_loop *loop, void (*fire)(void *), void *context) {
	*self = (struct shim_timer){ .fire = fire, .context = context };
	queued_event_init(&self->event, &loop->queues, -1, 0, EVENT_TIMER, on_due);
}

void shim_timer_stop(struct shim_timer *self) {
	self->deadline = 0;
	if (!self->armed) return;
	struct shim_manual_clock *clock = shim_timer_loop(self)->manual_clock;
	if (clock) manual_clock_remove(clock, self);
	queued_event_stop(&self->event);
	self->armed = 0;
}

shim_timer *shim_timer_new(shim_loop *loop, void (*fire)(void *), void *context) {
	shim_timer *self = malloc(sizeof *self);
	if (self) shim_timer_init(self, loop, fire, context);
	return self;
}

void shim_timer_set(shim_timer *self, int64_t deadline) {
	self->deadline = deadline;
	if (!deadline || (self->armed && self->armed <= deadline)) return;
	timer_arm(self);
}

void shim_timer_free(shim_timer *self) {
	shim_timer_stop(self);
	free(self);
}
