/// Decides which clients ask so seldom that their next request is urgent. Internal to the shim.
#ifndef SHIM_URGENCY_H
#define SHIM_URGENCY_H

#include <stdbool.h>
#include <stdint.h>

/// Shared by the clients of a server. All zero at the start. Times are nanoseconds.
struct urgency {
	int64_t interval; ///< a client that asks less often is urgent
	int64_t changed;  ///< when the interval was changed
};

/// Whether a client's next request will be urgent, if its last two came `interval` apart.
///
/// Thousands of clients that each ask seldom are many requests together. If more of them are urgent than a turn of the
/// loop serves (`is_full`), the interval grows, until only those are urgent that ask less often than most.
bool urgency_is_earned(struct urgency *self, int64_t interval, int64_t now, bool is_full);

#endif
