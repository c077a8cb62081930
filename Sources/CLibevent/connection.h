/// One client connection, and the exchange on it. Internal to the shim.
#ifndef SHIM_CONNECTION_H
#define SHIM_CONNECTION_H

#include "addresses.h"
#include "guard.h"
#include "internal.h"
#include "shim_server.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdatomic.h>
#include <sys/uio.h>

enum phase {
	PHASE_IDLE,      ///< between requests
	PHASE_HEAD,      ///< some bytes of a head are here
	PHASE_BODY,      ///< evhttp's input has the head and what came of the body
	PHASE_PENDING,   ///< the function has the request
	PHASE_FINISHING, ///< the reply is complete but not all sent
	PHASE_NEW,       ///< accepted, and still evhttp's
	PHASE_LINGERING, ///< evhttp's side is gone; the peer may still be sending, and a close would reset what it has to
					 ///< read
};

enum place {
	PLACE_NONE,        ///< not taken yet, or turned away at once
	PLACE_ORDINARY,    ///< one of `max_connections`
	PLACE_RESERVED,    ///< beyond them: for one request without a body
	PLACE_TURNED_AWAY, ///< lingering, without a place of the others
};

/// How accept(2) goes.
enum accepting {
	ACCEPTING_WELL,
	ACCEPTING_PAUSED, ///< it failed
	ACCEPTING_AGAIN,  ///< after a pause, and too short a time to call it well
};

/// Bytes that came too early: the part of a head, or the next request behind one that is pending.
struct held {
	uint8_t *bytes;
	size_t count, capacity;
};

/// Bytes of bodies, counted until each is freed, on whatever thread: so it outlives the server.
struct body_account {
	atomic_size_t bytes;
	atomic_size_t users;
};

struct shim_exchange {
	struct shim_server *server;
	struct shim_exchange *next, **link;
	int fd;
	enum phase phase;
	enum place place;
	struct address_key address; ///< counted in the server's; family 0: not counted
	/// evhttp's connection and bufferevent: they live and die together. NULL when evhttp has closed its side.
	struct evhttp_connection *evcon;
	struct bufferevent *bev;
	/// evhttp's request, while pending; freed with evcon, or by completing the reply.
	struct evhttp_request *request;
	struct event readable, writable;
	struct shim_timer deadline;
	struct held held;
	struct evbuffer *decoded;  ///< what came of a chunked body; NULL otherwise
	struct evbuffer *overflow; ///< what the socket did not take of replies; NULL until needed
	size_t scanned;            ///< how far held's head has been searched for its end
	size_t body_count;         ///< body bytes of this request so far, all in the account
	uint64_t body_left;        ///< of Content-Length
	struct guard_head head;
	struct guard_chunks chunks;
	void *context;         ///< the function's; NULL: it does not want to hear of the client's leaving
	int64_t write_timeout; ///< lowers the server's for this request; 0: it does not
	uint64_t written;      ///< bytes that the socket took since the connection began
	uint64_t taken;        ///< of them, those that had arrived when the deadline to take more was set
	uint32_t lingered;     ///< bytes discarded while lingering
	bool in_evhttp;        ///< evhttp is on the stack: nothing of its may be freed
	bool finished;         ///< by the function
	bool cut, reset;       ///< by the function, while in_evhttp
	bool close_after;      ///< no further request after this one
	bool linger_after;     ///< closing must not reset: the peer was turned away in mid-request
	bool broken;           ///< writing failed
	bool reading, writing;
	bool urgent;          ///< its bytes are looked at before those of others
	int64_t last_request; ///< when its last head was complete
	bool continue_later;  ///< held has more requests, left for the next turn
	bool closed;          ///< to be freed when `pins` is 0
	unsigned pins;
};

struct shim_server {
	struct shim_server *next; ///< of the servers of this thread
	shim_loop *loop;
	struct evhttp *http;
	shim_server_limits limits;
	shim_server_callbacks callbacks;
	void *context;
	struct shim_exchange *connections; ///< all of them, newest first
	size_t connection_count, peak;
	size_t places[4];              ///< connections in each place but PLACE_NONE
	struct addresses addresses;    ///< of connections, if their number per address is limited
	unsigned adopting;             ///< connections whose sockets evhttp still has
	bool accepted_enough;          ///< for this turn
	struct shim_exchange *parsing; ///< whose bytes evhttp looks at now
	struct body_account *account;
	struct evhttp_bound_socket *listeners[16];
	size_t listener_count;
	enum accepting accepting;
	struct shim_timer accept_timer;
	time_t date_second;
	char date[40];
};

/// How long a request whose client floods us goes unread before we look whether the client is still there.
static const int64_t CONNECTION_PAUSE_CHECK = INT64_C(500000000);

// ---- socket.c

/// Adds a new connection to the server's.
void connection_register(struct shim_exchange *self, struct shim_server *server);

/// Takes the socket over, once evhttp has been set up on it, and begins to watch it.
void connection_open(struct shim_exchange *self);

/// Has the bytes of this connection looked at before those of others, or not.
void connection_set_urgent(struct shim_exchange *self, bool urgent);

// ---- intake.c

/// The bytes evhttp has parsed are a request of this exchange.
void connection_requested(struct shim_exchange *self, struct evhttp_request *request);

/// Whether bytes are for now, and not for after a reply.
bool connection_takes_input(const struct shim_exchange *self);

/// Goes through `bytes` as far as possible. Returns the bytes used. The caller has pinned the connection.
size_t connection_take(struct shim_exchange *self, const uint8_t *bytes, size_t count);

/// Goes on with the bytes that are held. The caller has pinned the connection.
void connection_process_held(struct shim_exchange *self);

/// Goes on with the bytes that are held, unless an outer call does it.
void connection_process(struct shim_exchange *self);

/// Goes on with what was left for the next turn.
void connection_continue(struct shim_exchange *self);

/// Reads the socket, unless too much is held already.
void connection_bound_held(struct shim_exchange *self);

// ---- connection.c

void connection_set_reading(struct shim_exchange *self, bool on);
void connection_set_writing(struct shim_exchange *self, bool on);

/// Sets the deadline to `interval` from now; 0 takes it away.
void connection_set_deadline(struct shim_exchange *self, int64_t interval);

/// Bytes of replies that the socket has not taken yet.
size_t connection_overflow(const struct shim_exchange *self);

/// Keeps what the socket did not take of `pieces`: all but the first `sent` bytes.
void connection_keep(struct shim_exchange *self, const struct iovec pieces[3], size_t sent);

void connection_hold(struct shim_exchange *self, const uint8_t *bytes, size_t count);
void connection_unhold(struct shim_exchange *self, size_t count);
void connection_account_body(struct shim_exchange *self, size_t count);
void connection_forget_body(struct shim_exchange *self);

/// Takes the socket from evhttp, before anything was read. False: evhttp ran out of memory and has freed everything.
bool connection_take_socket(struct shim_exchange *self);

/// Lets go of a pin, and frees the connection if it was closed meanwhile.
void connection_unpin(struct shim_exchange *self);

/// Frees evhttp's side, and its request with it. evhttp shuts the socket's writing side down.
void connection_close_evhttp(struct shim_exchange *self);

/// Ends both sides at once and frees the connection.
void connection_close(struct shim_exchange *self, bool reset);

/// The client is gone: whoever works for it may stop.
void connection_lost(struct shim_exchange *self);

/// Ends the connection by RST, and tells the function.
void connection_cut(struct shim_exchange *self);

// ---- reply.c

/// Turns the request away. The function answers.
void connection_reject(struct shim_exchange *self, shim_reject reason);

/// The reply is complete and sent: on to the next request, or the end.
void connection_completed(struct shim_exchange *self);

/// Does what the function asked for while evhttp was on the stack.
void connection_settle_reply(struct shim_exchange *self);

/// Gives the client another `write_timeout` if it has taken enough in this one. Whether it has.
bool connection_note_progress(struct shim_exchange *self);

/// A `write_timeout` is over: drops the client unless it has taken enough.
void connection_check_pace(struct shim_exchange *self);

// ---- places.c

/// Finds a place for a new connection. Returns 0, or why there is none.
int connection_find_place(struct shim_exchange *self);

/// Gives the connection's place to others.
void connection_leave_place(struct shim_exchange *self);

/// Whether the connection is on the reserve: it gets an ordinary place instead if there is one now.
bool connection_is_reserved(struct shim_exchange *self);

/// Closes the connection when the peer has closed, or sent enough: a close at once might reset what it has yet to read.
void connection_linger(struct shim_exchange *self);

// ---- server.c

void account_retain(struct body_account *self);
void account_release(struct body_account *self, size_t bytes);

#endif
