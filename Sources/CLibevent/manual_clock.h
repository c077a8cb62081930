/// A clock that moves only on request, and the timers that wait for it. For tests.
#ifndef SHIM_MANUAL_CLOCK_H
#define SHIM_MANUAL_CLOCK_H

#include "internal.h"

/// Makes a clock. The caller owns it. NULL if there is no memory.
struct shim_manual_clock *manual_clock_new(void);

/// Frees the clock. No timer may be waiting for it.
void manual_clock_free(struct shim_manual_clock *self);

/// The current time of the clock.
int64_t manual_clock_now(const struct shim_manual_clock *self);

/// Makes `timer` fire when the clock reaches its deadline, which must be later than now.
void manual_clock_add(struct shim_manual_clock *self, struct shim_timer *timer);

/// Removes `timer` if it waits for the clock.
void manual_clock_remove(struct shim_manual_clock *self, struct shim_timer *timer);

/// Whether a timer waits for `deadline`.
bool manual_clock_has(const struct shim_manual_clock *self, int64_t deadline);

/// Moves the clock to the next deadline, and activates the events of its timers in the order in which they were added.
/// If there is no deadline up to `limit`, moves the clock to `limit` and returns false.
bool manual_clock_step(struct shim_manual_clock *self, int64_t limit);

#endif
