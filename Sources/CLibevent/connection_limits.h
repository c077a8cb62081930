/// Decides which connections are accepted, and counts them. Internal to the shim.
#ifndef SHIM_CONNECTION_LIMITS_H
#define SHIM_CONNECTION_LIMITS_H

#include "address_table.h"
#include "shim_server.h"

/// What a connection counts as.
enum slot {
	SLOT_NONE,     ///< nothing yet, or rejected at once
	SLOT_ORDINARY, ///< one of `max_connections`
	SLOT_RESERVED, ///< one beyond them: for one request without a body
	SLOT_REJECTED, ///< lingers without one of the other slots
	SLOTS,
};

/// A connection's part in the counts. All zero at the start.
struct connection_slot {
	enum slot slot;
	struct address_key address; ///< counted too; family 0: it is not
};

/// The counts of a server. All zero at the start, but for the limits.
struct connection_limits {
	size_t max, reserved, max_per_address;
	size_t taken[SLOTS];
	struct address_table addresses; ///< empty unless `max_per_address` is set
};

/// Gives a new connection from the peer of `fd` a slot. Returns 0, or why there is none (a `shim_reject`).
int connection_limits_admit(struct connection_limits *self, struct connection_slot *connection, int fd);

/// Gives a connection on the reserve an ordinary slot if there is one now. Returns whether it is still on the reserve.
bool connection_limits_is_reserved(struct connection_limits *self, struct connection_slot *connection);

/// Lets a connection linger: an ordinary one keeps its slot, so that those are bounded too. False: too many linger.
bool connection_limits_linger(struct connection_limits *self, struct connection_slot *connection);

/// Gives the connection's slot to others.
void connection_limits_leave(struct connection_limits *self, struct connection_slot *connection);

#endif
