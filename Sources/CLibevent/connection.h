/// One client connection, and the exchange on it. Internal to the shim.
#ifndef SHIM_CONNECTION_H
#define SHIM_CONNECTION_H

#include "guard.h"
#include "internal.h"
#include "shim_server.h"
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdatomic.h>

enum phase {
	PHASE_IDLE,      ///< between requests
	PHASE_HEAD,      ///< some bytes of a head are here
	PHASE_BODY,      ///< evhttp's input has the head and what came of the body
	PHASE_PENDING,   ///< the function has the request
	PHASE_FINISHING, ///< the reply is complete but not all sent
	PHASE_NEW,       ///< accepted, and still evhttp's
	PHASE_LINGERING, ///< evhttp's side is gone; the peer may still be sending, and a close would reset what it has to read
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
	void *context;     ///< the function's; NULL: it does not want to hear of the client's leaving
	uint32_t lingered; ///< bytes discarded while lingering
	bool in_evhttp;    ///< evhttp is on the stack: nothing of its may be freed
	bool finished;     ///< by the function
	bool cut, reset;   ///< by the function, while in_evhttp
	bool close_after;  ///< no further request after this one
	bool linger_after; ///< closing must not reset: the peer was turned away in mid-request
	bool broken;       ///< writing failed
	bool reading, writing;
	bool continue_later; ///< held has more requests, left for the next turn
	bool closed;         ///< to be freed when `pins` is 0
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
	size_t connection_count;
	struct shim_exchange *parsing; ///< whose bytes evhttp looks at now
	struct body_account *account;
	struct evhttp_bound_socket *listeners[16];
	size_t listener_count;
	struct shim_timer accept_pause;
	time_t date_second;
	char date[40];
};

/// The bytes evhttp has parsed are a request of this exchange.
void connection_requested(struct shim_exchange *self, struct evhttp_request *request);

/// Adds a new connection to the server's.
void connection_register(struct shim_exchange *self, struct shim_server *server);

/// Takes the socket over, once evhttp has been set up on it, and begins to watch it.
void connection_open(struct shim_exchange *self);

/// Turns the request away. The function answers.
void connection_reject(struct shim_exchange *self, shim_reject reason);

/// Ends both sides at once and frees the connection.
void connection_close(struct shim_exchange *self, bool reset);

/// Ends the connection by RST, and tells the function.
void connection_cut(struct shim_exchange *self);

void account_retain(struct body_account *self);
void account_release(struct body_account *self, size_t bytes);

#endif
