/// One client connection: its socket, its events, and the exchange on it. Internal to the shim.
#ifndef SHIM_CONNECTION_H
#define SHIM_CONNECTION_H

#include "byte_buffer.h"
#include "connection_limits.h"
#include "exchange.h"
#include "internal.h"
#include "parser.h"
#include "reply.h"
#include "tls.h"
#include "urgency.h"
#include "watch.h"

#include <stddef.h>

enum connection_state {
	CONNECTION_NEW,       ///< accepted; evhttp still owns it
	CONNECTION_OPEN,      ///< see the exchange's state for details
	CONNECTION_LINGERING, ///< the peer may still be sending; a close would reset what it has not read yet
	CONNECTION_CLOSED,    ///< freed with its last reference
};

/// How a connection ends.
enum connection_end {
	END_CLOSE,  ///< by FIN
	END_CUT,    ///< by FIN, while a reply is incomplete: TLS does not say that it is whole
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
	struct tls *tls;    ///< NULL: bytes are sent as they are
	bool shaking_hands; ///< of TLS: no request can come yet
	size_t counted;     ///< what it holds besides the body: these bytes are in the budget
	size_t share;       ///< what it holds in all: these bytes are in its client's share
	struct connection_slot slot;
	struct parser parser;
	struct reply reply;
	/// Bytes that arrived before they can be handled: a part of a head, or the requests behind a pending one.
	struct byte_buffer input;
	struct watch watch;
	int64_t last_request; ///< when its last head was complete
	int64_t waits_since;  ///< when it began to be idle, to receive a head, or to linger
	uint32_t lingered;    ///< bytes discarded while lingering
	bool pumping;         ///< `connection_pump` is on the stack
	bool deferred;        ///< the input has more requests, left for later
};

_Static_assert(offsetof(struct connection, exchange) == 0, "the function identifies a connection by its exchange");

/// A search for a body that makes room for others, which found none. The search is long. In one turn of the loop, it is
/// repeated only for a body of half the length, which may find more.
struct failed_search {
	uint32_t turn;
	struct address_key client;
	size_t need; ///< the bytes for which there was no room
};

/// State that the connections of one server share.
struct connection_group {
	shim_loop *loop;
	shim_server_limits limits;
	shim_server_callbacks callbacks;
	void *context;                  ///< passed to the callbacks
	struct connection *connections; ///< all of them, newest first
	struct connection *hand;        ///< where the search for an idle one continues; NULL: at the first
	size_t count, peak;
	struct connection_limits slots;
	struct urgency urgency;
	struct byte_budget *budget;
	shim_tls_context *tls; ///< of new connections; NULL: without TLS
	bool hurries;          ///< the server stops: connections linger only shortly
	/// The last searches for a body that makes room: in the budget, and in a client's share of it.
	struct failed_search failed[2];
	struct parser *parsing; ///< the parser whose bytes evhttp reads now
};

// ---- connection_events.c: opening connections, and what happens on their sockets

/// Allocates what the connection of the next client needs. NULL if there is no memory.
struct connection *connection_new(struct connection_group *group);

/// Adds it to its group, when evhttp has accepted a client for it.
void connection_join(struct connection *self);

/// Frees a connection that has not joined its group.
void connection_discard(struct connection *self);

/// Takes the socket from evhttp, and begins to watch it.
void connection_open(struct connection *self);

// ---- connection_reply.c: sending replies, and how fast the client takes them

/// Handles a reply that is complete and sent: continues with the next request, or ends the connection.
void connection_reply_complete(struct connection *self);

/// Gives the client more time if it has taken enough bytes. Returns whether it has.
bool connection_check_progress(struct connection *self);

/// Handles the end of a write timeout: drops the client unless it has taken enough bytes.
void connection_check_pace(struct connection *self);

// ---- connection_input.c: from bytes to requests

/// Handles `bytes`, which have just arrived, after the pending input. Without bytes, it continues with the pending
/// input. All input goes through this function.
void connection_pump(struct connection *self, const uint8_t *bytes, size_t count);

// ---- connection_budget.c: what a connection holds, and who makes room for others

/// Counts what the connection holds. Must be called after each change of the pending input or of the reply.
void connection_count(struct connection *self);

/// Frees what belongs to the request, and counts again. The state does not change.
void connection_clear_exchange(struct connection *self);

/// Whether the connection may hold `count` more bytes. Source: A. Choudhury and E. Hahne, "Dynamic queue length
/// thresholds for shared-memory packet switches", 1998: a client may hold a multiple of what is free.
bool connection_has_room(struct connection *self, size_t count);

/// If all slots are taken, makes room for a new connection, or for one that needs an ordinary slot, if it soon finds
/// one to end: one that has been idle, has not finished a head, or has lingered for a second or longer; else one that
/// waits for its client, of an address that has more connections than the new one's would have, or that is in the
/// reserve and has not sent its request, while the new one has sent something. So no one can keep others out by opening
/// again what was closed.
void connection_make_slot(struct connection *newcomer);

/// Makes room for `count` more bytes of this connection, at the expense of other bodies that are still arriving: of one
/// that holds twice as much as this one would, else of one that comes too slowly. If it is this client's share that has
/// no room, of the same client's bodies only. Returns whether there is room.
bool connection_make_room(struct connection *self, size_t count);

// ---- connection_upload.c: how fast the client sends a body

/// Starts the time in which the client must send a body.
void connection_begin_upload(struct connection *self);

/// Gives the client more time for its body if enough of it has arrived.
void connection_check_upload(struct connection *self);

// ---- connection.c: the end

/// Rejects the request. The function sends the reply.
void connection_reject(struct connection *self, shim_reject reason);

/// While reading is paused because a client sends too much, the time between checks that the client is still there, in
/// nanoseconds.
#define CONNECTION_PAUSE_CHECK INT64_C(500000000)

/// Drops a reference. The last one frees the connection.
void connection_release(struct connection *self);

/// Closes the connection if it is between requests. If a part of a request has arrived, the rest has at most
/// `interval`.
void connection_hurry(struct connection *self, int64_t interval);

/// Ends the connection, and tells the function if it has a request. All connections end through this function.
void connection_end(struct connection *self, enum connection_end how);

#endif
