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
	CONNECTION_NEW,       ///< accepted; evhttp still owns it
	CONNECTION_OPEN,      ///< see the exchange's state for details
	CONNECTION_LINGERING, ///< the peer may still be sending; a close would reset what it has not read yet
	CONNECTION_CLOSED,    ///< freed with its last reference
};

/// How a connection ends.
enum connection_end {
	END_CLOSE,  ///< by FIN
	END_RESET,  ///< by RST, so that the client sees that the reply is incomplete
	END_LINGER, ///< by FIN, once the peer has closed or sent enough: an immediate close might reset bytes that it has
				///< not read yet
};

struct connection {
	/// Must be the first member: the function identifies a connection by its exchange.
	struct shim_exchange exchange;
	struct connection_group *group;
	struct connection *next, **link;
	enum connection_state state;
	unsigned references; ///< one while it is open, and one for each caller that continues after a callback
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
	bool urgent;   ///< its bytes are handled before those of other connections
};

/// State that the connections of one server share.
struct connection_group {
	shim_loop *loop;
	shim_server_limits limits;
	shim_server_callbacks callbacks;
	void *context;                  ///< passed to the callbacks
	struct connection *connections; ///< all of them, newest first
	size_t count, peak;
	unsigned adopting; ///< number of connections in the state CONNECTION_NEW
	struct connection_limits slots;
	struct body_budget *budget;
	struct parser *parsing; ///< the parser whose bytes evhttp reads now
};

/// Adds to the group a connection that evhttp is about to set up on `bev`. NULL if there is no memory.
struct connection *connection_new(struct connection_group *group, struct bufferevent *bev);

/// Takes the socket from evhttp, and begins to watch it.
void connection_open(struct connection *self);

/// Closes the connection if it is between requests.
void connection_close_if_idle(struct connection *self);

/// Ends the connection, and tells the function if it has a request. All connections end through this function.
void connection_end(struct connection *self, enum connection_end how);

#endif
