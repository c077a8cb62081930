/// A clock that moves only when it is told to, and the timers that wait for it. For tests.
#ifndef SHIM_MANUAL_CLOCK_H
#define SHIM_MANUAL_CLOCK_H

#include "internal.h"

/// Makes a clock. The caller owns it. NULL when there is no memory.
struct shim_manual_clock *manual_clock_new(void);

/// Frees the clock. No timer may wait for it.
void manual_clock_free(struct shim_manual_clock *self);

/// The time that it shows.
int64_t manual_clock_now(const struct shim_manual_clock *self);

/// Has `timer` fire once the clock has reached its deadline, which is later than now.
void manual_clock_add(struct shim_manual_clock *self, struct shim_timer *timer);

/// Forgets `timer`, if it waits.
void manual_clock_remove(struct shim_manual_clock *self, struct shim_timer *timer);

/// Whether a timer waits for `deadline`.
bool manual_clock_has(const struct shim_manual_clock *self, int64_t deadline);

/// Moves the clock to the next deadline, and makes the events of its timers active, first added first. Moves it to
/// `limit` where no deadline comes until then, and returns false.
bool manual_clock_step(struct shim_manual_clock *self, int64_t limit);

#endif
