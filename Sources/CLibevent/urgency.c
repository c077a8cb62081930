#include "urgency.h"

static const int64_t SHORTEST = INT64_C(5) * 1000 * 1000, LONGEST = INT64_C(2000) * 1000 * 1000;
/// How soon the interval may grow again, and how late it shrinks.
static const int64_t GROWS_AFTER = INT64_C(10) * 1000 * 1000, SHRINKS_AFTER = INT64_C(1000) * 1000 * 1000;

static void set(struct urgency *self, int64_t interval, int64_t now) {
	self->interval = interval < SHORTEST ? SHORTEST : interval > LONGEST ? LONGEST : interval;
	self->changed = now;
}

bool urgency_is_earned(struct urgency *self, int64_t interval, int64_t now, bool is_full) {
	const int64_t unchanged = now - self->changed;
	if (!self->interval) set(self, SHORTEST, now);
	else if (is_full && unchanged >= GROWS_AFTER) set(self, self->interval * 2, now);
	else if (!is_full && unchanged >= SHRINKS_AFTER) set(self, self->interval / 2, now);
	return interval >= self->interval;
}
