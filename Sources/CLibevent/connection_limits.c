#include "connection_limits.h"

static void move(struct connection_limits *self, struct connection_slot *connection, enum slot_kind kind) {
	if (connection->kind != SLOT_NONE) self->taken[connection->kind]--;
	connection->kind = kind;
	if (kind != SLOT_NONE) self->taken[kind]++;
}

bool connection_limits_are_full(const struct connection_limits *self) {
	return self->taken[SLOT_ORDINARY] >= self->max;
}

void connection_limits_find_address(struct connection_slot *connection, int fd) {
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	if (connection->address.family || getpeername(fd, (struct sockaddr *)&peer, &length) < 0) return; // the peer left
	connection->address = address_key_of((struct sockaddr *)&peer);
}

size_t connection_limits_of_same_address(
	const struct connection_limits *self, const struct connection_slot *connection) {
	return connection->address.family ? address_table_connections(&self->addresses, connection->address) : 0;
}

/// Whether the peer's address has too many connections. If not, counts this one.
static bool is_beyond_address(struct connection_limits *self, struct connection_slot *connection, int fd) {
	connection_limits_find_address(connection, fd);
	if (!connection->address.family) return false;
	const size_t limit = self->max_per_address ? self->max_per_address : SIZE_MAX;
	connection->is_counted = address_table_add(&self->addresses, connection->address, limit);
	return self->max_per_address && !connection->is_counted;
}

int connection_limits_admit(struct connection_limits *self, struct connection_slot *connection, int fd) {
	if (is_beyond_address(self, connection, fd)) return SHIM_REJECT_TOO_MANY_FROM_ADDRESS;
	if (!connection_limits_are_full(self)) move(self, connection, SLOT_ORDINARY);
	else if (self->taken[SLOT_RESERVED] < self->reserved) move(self, connection, SLOT_RESERVED);
	else return SHIM_REJECT_TOO_MANY_CONNECTIONS;
	return 0;
}

bool connection_limits_is_reserved(struct connection_limits *self, struct connection_slot *connection) {
	if (connection->kind == SLOT_RESERVED && !connection_limits_are_full(self)) move(self, connection, SLOT_ORDINARY);
	return connection->kind == SLOT_RESERVED;
}

size_t shim_lingering_connections(size_t max_connections) {
	const size_t half = max_connections / 2;
	return half < SHIM_MIN_LINGERING ? SHIM_MIN_LINGERING : half > SHIM_MAX_LINGERING ? SHIM_MAX_LINGERING : half;
}

bool connection_limits_linger(struct connection_limits *self, struct connection_slot *connection) {
	if (connection->kind == SLOT_ORDINARY) return true;
	if (self->taken[SLOT_REJECTED] >= shim_lingering_connections(self->max)) return false;
	move(self, connection, SLOT_REJECTED);
	return true;
}

void connection_limits_leave(struct connection_limits *self, struct connection_slot *connection) {
	move(self, connection, SLOT_NONE);
	if (connection->is_counted) address_table_remove(&self->addresses, connection->address);
	connection->is_counted = false;
}
