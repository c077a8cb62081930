/// One client connection: its socket, its events, and the exchange on it. Internal to the shim.
#ifndef SHIM_CONNECTION_H
#define SHIM_CONNECTION_H

#include "connection_limits.h"
#include "exchange.h"
#include "internal.h"
#include "parser.h"
#include "pending_input.h"
#include "reply.h"

enum connection_state {
	CONNECTION_NEW,       ///< accepted, and still evhttp's
	CONNECTION_OPEN,      ///< the exchange's state says the rest
	CONNECTION_LINGERING, ///< the peer may still be sending, and a close would reset what it has yet to read
	CONNECTION_CLOSED,    ///< freed with its last reference
};

/// How a connection ends.
enum connection_end {
	END_CLOSE,  ///< by FIN
	END_RESET,  ///< by RST, so that the client sees that what it got is not whole
	END_LINGER, ///< by FIN, once the peer has closed or sent enough: a close at once might reset what it has yet to
				///< read
};

struct connection {
	/// The first member: the function knows a connection by its exchange.
	struct shim_exchange exchange;
	struct connection_group *group;
	struct connection *next, **link;
	enum connection_state state;
	unsigned references; ///< one while it is open, and one of each caller that goes on after a callback
	int fd;
	struct connection_slot slot;
	struct parser parser;
	struct reply reply;
	struct pending_input input;
	struct event readable, writable;
	struct shim_timer deadline;
	int64_t last_request; ///< when its last head was complete
	uint32_t lingered;    ///< bytes discarded while lingering
	bool reading, writing;
	bool pumping;  ///< `connection_pump` is on the stack
	bool deferred; ///< the input has more requests, left for the next turn
	bool urgent;   ///< its bytes are looked at before those of others
};

/// What the connections of one server share.
struct connection_group {
	shim_loop *loop;
	shim_server_limits limits;
	shim_server_callbacks callbacks;
	void *context;                  ///< of the callbacks
	struct connection *connections; ///< all of them, newest first
	size_t count, peak;
	unsigned adopting; ///< connections in the state CONNECTION_NEW
	struct connection_limits slots;
	struct body_budget *budget;
	struct parser *parsing; ///< whose bytes evhttp looks at now
};

/// Adds a connection that evhttp is about to set up on `bev` to the group. NULL when there is no memory.
struct connection *connection_new(struct connection_group *group, struct bufferevent *bev);

/// Takes the socket over from evhttp, and begins to watch it.
void connection_open(struct connection *self);

/// Closes the connection if it is between requests.
void connection_close_if_idle(struct connection *self);

/// The one way out: ends the connection, and tells the function if it has a request.
void connection_end(struct connection *self, enum connection_end how);

#endif
