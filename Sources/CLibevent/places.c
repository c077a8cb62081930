/// Which connections are taken, and which are turned away.
#include "connection.h"

static const int64_t LINGER_TIME = INT64_C(2000000000);

static void move(struct shim_exchange *self, enum place place) {
	size_t *const places = self->server->places;
	if (self->place) places[self->place]--;
	self->place = place;
	if (place) places[place]++;
}

static bool has_room(const struct shim_server *server) {
	return server->places[PLACE_ORDINARY] < server->limits.max_connections;
}

/// Whether the connection's address has too many. Counts it if not.
static bool is_beyond_address(struct shim_exchange *self) {
	struct shim_server *server = self->server;
	const size_t limit = server->limits.max_connections_per_address;
	struct sockaddr_storage peer;
	socklen_t length = sizeof peer;
	if (!limit || getpeername(self->fd, (struct sockaddr *)&peer, &length) < 0) return false; // it has left already
	const struct address_key key = address_key_of((struct sockaddr *)&peer);
	if (!key.family) return false;
	if (!addresses_enter(&server->addresses, key, limit)) return true;
	self->address = key;
	return false;
}

int connection_find_place(struct shim_exchange *self) {
	struct shim_server *server = self->server;
	if (is_beyond_address(self)) return SHIM_REJECT_TOO_MANY_FROM_ADDRESS;
	if (has_room(server)) move(self, PLACE_ORDINARY);
	else if (server->places[PLACE_RESERVED] < server->limits.reserved_connections) move(self, PLACE_RESERVED);
	else return SHIM_REJECT_TOO_MANY_CONNECTIONS;
	return 0;
}

void connection_leave_place(struct shim_exchange *self) {
	move(self, PLACE_NONE);
	if (self->address.family) addresses_leave(&self->server->addresses, self->address);
	self->address.family = 0;
}

bool connection_is_reserved(struct shim_exchange *self) {
	if (self->place == PLACE_RESERVED && has_room(self->server)) move(self, PLACE_ORDINARY);
	return self->place == PLACE_RESERVED;
}

/// An ordinary connection lingers in its place, so that those, too, are bounded.
void connection_linger(struct shim_exchange *self) {
	if (self->place != PLACE_ORDINARY) {
		if (self->server->places[PLACE_TURNED_AWAY] >= SHIM_MAX_LINGERING) {
			connection_close(self, false);
			return;
		}
		move(self, PLACE_TURNED_AWAY);
	}
	connection_close_evhttp(self); // shuts down writing
	connection_unhold(self, self->held.count);
	self->phase = PHASE_LINGERING;
	connection_set_deadline(self, LINGER_TIME);
	connection_set_reading(self, true);
}
