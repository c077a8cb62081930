/// Decides which connections are accepted, and counts them. Internal to the shim.
#ifndef SHIM_CONNECTION_LIMITS_H
#define SHIM_CONNECTION_LIMITS_H

#include "address_table.h"
#include "shim_server.h"

/// The kind of slot that a connection has.
enum slot_kind {
	SLOT_NONE,     ///< none yet, or rejected at once
	SLOT_ORDINARY, ///< one of `max_connections`
	SLOT_RESERVED, ///< one beyond `max_connections`, for one request without a body
	SLOT_REJECTED, ///< lingers without an ordinary or reserved slot
	SLOTS,
};

/// What the limits record about one connection. All zero at the start.
struct connection_slot {
	enum slot_kind kind;
	struct address_key address; ///< family 0: it was not needed yet
	bool is_counted;            ///< in the number of connections from its address
};

/// The counts of a server. All zero at the start, except the limits.
struct connection_limits {
	size_t max, reserved, max_per_address;
	size_t taken[SLOTS];
	struct address_table addresses;
};

/// Looks up the peer's address, if that has not been done.
void connection_limits_find_address(struct connection_slot *connection, int fd);

/// How many connections the address of `connection` has, if it has been looked up; 0 otherwise.
size_t connection_limits_of_same_address(
	const struct connection_limits *self, const struct connection_slot *connection);

/// Whether all ordinary slots are taken.
bool connection_limits_are_full(const struct connection_limits *self);

/// Gives a new connection from the peer of `fd` a slot. Returns 0, or the reason for the rejection (a `shim_reject`).
int connection_limits_admit(struct connection_limits *self, struct connection_slot *connection, int fd);

/// Moves a reserved connection to an ordinary slot if one is free now. Returns whether it is still reserved.
bool connection_limits_is_reserved(struct connection_limits *self, struct connection_slot *connection);

/// Lets a connection linger. An ordinary connection keeps its slot, so that lingering ones are limited too. False: too
/// many connections linger.
bool connection_limits_linger(struct connection_limits *self, struct connection_slot *connection);

/// Frees the connection's slot.
void connection_limits_leave(struct connection_limits *self, struct connection_slot *connection);

#endif
