#include "manual_clock.h"

#include <stdlib.h>
#include <string.h>

struct shim_manual_clock {
	int64_t now;
	struct shim_timer **timers; ///< in the order in which they were added; owned by the code that made them
	size_t count;
	size_t capacity;
};

struct shim_manual_clock *manual_clock_new(void) {
	struct shim_manual_clock *self = calloc(1, sizeof *self);
	if (self) self->now = INT64_C(3600) * 1000000000; // an hour: earlier times must exist, and 0 means "no deadline"
	return self;
}

void manual_clock_free(struct shim_manual_clock *self) {
	if (!self) return;
	free(self->timers);
	free(self);
}

int64_t manual_clock_now(const struct shim_manual_clock *self) { return self->now; }

void manual_clock_add(struct shim_manual_clock *self, struct shim_timer *timer) {
	if (self->count == self->capacity) {
		self->capacity = self->capacity ? 2 * self->capacity : 64;
		self->timers = realloc(self->timers, self->capacity * sizeof(struct shim_timer *));
		if (!self->timers) abort();
	}
	self->timers[self->count++] = timer;
}

static void remove_at(struct shim_manual_clock *self, size_t index) {
	self->count--;
	memmove(&self->timers[index], &self->timers[index + 1], (self->count - index) * sizeof(struct shim_timer *));
}

void manual_clock_remove(struct shim_manual_clock *self, struct shim_timer *timer) {
	for (size_t index = self->count; index > 0; index--) { // timers added last are usually removed first
		if (self->timers[index - 1] != timer) continue;
		remove_at(self, index - 1);
		return;
	}
}

bool manual_clock_has(const struct shim_manual_clock *self, int64_t deadline) {
	for (size_t index = 0; index < self->count; index++) {
		if (self->timers[index]->deadline == deadline) return true;
	}
	return false;
}

bool manual_clock_step(struct shim_manual_clock *self, int64_t limit) {
	int64_t next = INT64_MAX;
	for (size_t index = 0; index < self->count; index++) {
		// 0: the deadline was removed while the timer waited.
		const int64_t deadline = self->timers[index]->deadline;
		if (deadline && deadline < next) next = deadline;
	}
	if (next > limit) {
		self->now = limit;
		return false;
	}
	if (next > self->now) self->now = next;
	for (size_t index = 0; index < self->count;) {
		struct shim_timer *timer = self->timers[index];
		if (!timer->deadline || timer->deadline > next) {
			index++;
			continue;
		}
		remove_at(self, index);
		queued_event_push(&timer->event);
	}
	return true;
}
