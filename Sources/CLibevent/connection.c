#define _GNU_SOURCE // POLLRDHUP
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HELD_LIMIT = 64 * 1024 };      // of requests behind a pending one; beyond it the socket is not read
enum { REQUESTS_A_TURN = 32 };        // of one connection, so that a pipeline does not hold up the others
enum { LINGER_LIMIT = 64 * 1024 * 1024 }; // bytes: a client may send a whole body before it looks for the refusal
static const int64_t LINGER_TIME = INT64_C(2000000000);
static const int64_t PAUSE_CHECK = INT64_C(500000000);

static void connection_process(struct shim_exchange *self);

// ---- small things

static void set_reading(struct shim_exchange *self, bool on) {
	if (self->reading == on) return;
	self->reading = on;
	if (on) event_add(&self->readable, NULL);
	else event_del(&self->readable);
}

static void set_writing(struct shim_exchange *self, bool on) {
	if (self->writing == on) return;
	self->writing = on;
	if (on) event_add(&self->writable, NULL);
	else event_del(&self->writable);
}

static void set_deadline(struct shim_exchange *self, int64_t interval) {
	shim_timer_set(&self->deadline, interval ? shim_loop_now(self->server->loop) + interval : 0);
}

static size_t overflow_count(const struct shim_exchange *self) {
	return self->overflow ? evbuffer_get_length(self->overflow) : 0;
}

static void hold(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	struct held *held = &self->held;
	if (held->count + count > held->capacity) {
		held->capacity = (held->count + count) * 2;
		held->bytes = realloc(held->bytes, held->capacity);
		if (!held->bytes) abort();
	}
	memcpy(held->bytes + held->count, bytes, count);
	held->count += count;
}

static void unhold(struct shim_exchange *self, size_t count) {
	struct held *held = &self->held;
	held->count -= count;
	if (held->count) {
		memmove(held->bytes, held->bytes + count, held->count);
	} else {
		free(held->bytes);
		*held = (struct held){ 0 };
	}
}

static void account_body(struct shim_exchange *self, size_t count) {
	self->body_count += count;
	atomic_fetch_add_explicit(&self->server->account->bytes, count, memory_order_relaxed);
}

static void forget_body(struct shim_exchange *self) {
	atomic_fetch_sub_explicit(&self->server->account->bytes, self->body_count, memory_order_relaxed);
	self->body_count = 0;
}

// ---- the end of a connection

static void unpin(struct shim_exchange *self) {
	if (--self->pins == 0 && self->closed) free(self);
}

/// evhttp frees its connection, whoever asked for it: the socket stays, since the bufferevent no longer has it.
static void on_evhttp_closed(struct evhttp_connection *evcon, void *context) {
	(void)evcon;
	struct shim_exchange *self = context;
	self->evcon = NULL;
	self->bev = NULL;
	self->request = NULL;
}

/// Frees evhttp's side, and its request with it. evhttp shuts the socket's writing side down.
static void close_evhttp(struct shim_exchange *self) {
	struct evhttp_connection *evcon = self->evcon;
	if (self->decoded) evbuffer_free(self->decoded);
	self->decoded = NULL;
	if (!evcon) return;
	forget_body(self);
	evhttp_connection_free(evcon);
}

/// Sends a RST now. (SO_LINGER would too, but evhttp's shutdown comes before our close, and a FIN before the RST can pass for
/// the proper end of a reply that has no other.)
static void reset_socket(int fd) {
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	connect(fd, &nowhere, sizeof nowhere);
}

/// Takes the socket from evhttp, before anything was read. False: evhttp ran out of memory and has freed everything.
static bool take_socket(struct shim_exchange *self) {
	void *evcon = NULL; // the argument of evhttp's callbacks
	bufferevent_getcb(self->bev, NULL, NULL, NULL, &evcon);
	self->phase = PHASE_IDLE;
	self->fd = evcon ? bufferevent_getfd(self->bev) : -1;
	if (evcon) bufferevent_setfd(self->bev, -1);
	bufferevent_decref(self->bev);
	self->evcon = evcon;
	if (evcon) evhttp_connection_set_closecb(evcon, on_evhttp_closed, self);
	else self->bev = NULL;
	return evcon;
}

void connection_close(struct shim_exchange *self, bool reset) {
	if (self->closed) return;
	self->closed = true;
	if (self->phase == PHASE_NEW) {
		event_del(&self->writable);
		take_socket(self);
	}
	set_reading(self, false);
	set_writing(self, false);
	shim_timer_stop(&self->deadline);
	if (reset) reset_socket(self->fd);
	close_evhttp(self);
	if (self->fd >= 0) close(self->fd);
	if (self->overflow) evbuffer_free(self->overflow);
	free(self->held.bytes);
	*self->link = self->next;
	if (self->next) self->next->link = self->link;
	struct shim_server *server = self->server;
	self->pins++;
	unpin(self);
	if (--server->connection_count == 0) server->callbacks.emptied(server->context);
}

/// The client is gone: whoever works for it may stop.
static void connection_lost(struct shim_exchange *self) {
	void *context = self->phase == PHASE_PENDING ? self->context : NULL;
	struct shim_server *server = self->server;
	connection_close(self, false);
	if (context) server->callbacks.gone(context);
}

void connection_cut(struct shim_exchange *self) {
	if (self->phase != PHASE_NEW) reset_socket(self->fd);
	connection_lost(self);
}

static void begin_linger(struct shim_exchange *self) {
	close_evhttp(self); // shuts down writing
	unhold(self, self->held.count);
	self->phase = PHASE_LINGERING;
	set_deadline(self, LINGER_TIME);
	set_reading(self, true);
}

// ---- replying

/// The reply is complete and sent: on to the next request, or the end.
static void connection_completed(struct shim_exchange *self) {
	struct evhttp_request *request = self->request;
	self->request = NULL;
	self->context = NULL;
	forget_body(self);
	if (self->close_after) {
		if (self->linger_after || self->held.count) begin_linger(self);
		else connection_close(self, false);
		return;
	}
	self->phase = PHASE_IDLE;
	set_deadline(self, self->server->limits.idle_timeout);
	evhttp_send_reply_end(request); // its output is empty: it gets ready for the next request at once
	if (!self->evcon) { // evhttp saw a reason to close that the guard did not
		connection_close(self, false);
		return;
	}
	set_reading(self, true);
	if (self->held.count) connection_process(self);
}

static void connection_finish(struct shim_exchange *self) {
	if (self->broken) {
		connection_close(self, false);
	} else if (overflow_count(self)) {
		self->phase = PHASE_FINISHING;
		self->context = NULL;
	} else {
		connection_completed(self);
	}
}

/// Does what the function asked for while evhttp was on the stack.
static void settle_reply(struct shim_exchange *self) {
	if (self->cut) connection_close(self, self->reset);
	else if (self->finished) connection_finish(self);
}

size_t shim_exchange_send(shim_exchange *self, const void *first, size_t first_count, const void *second,
	size_t second_count, const void *third, size_t third_count) {
	struct iovec pieces[3] = { { (void *)first, first_count }, { (void *)second, second_count },
		{ (void *)third, third_count } };
	const size_t total = first_count + second_count + third_count;
	size_t sent = 0;
	if (self->broken || !total) return 0;
	if (!overflow_count(self)) {
		const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = third_count ? 3 : second_count ? 2 : 1 };
		const ssize_t count = sendmsg(self->fd, &message, MSG_NOSIGNAL);
		if (count < 0 && errno != EAGAIN && errno != EINTR) { // the readable side will tell
			self->broken = true;
			set_reading(self, true);
			return 0;
		}
		if (count > 0) sent = (size_t)count;
		if (sent == total) return 0;
		set_deadline(self, self->server->limits.write_timeout);
	}
	if (!self->overflow && !(self->overflow = evbuffer_new())) abort();
	for (size_t i = 0; i < 3; i++) {
		const size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
		evbuffer_add(self->overflow, (const char *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
		sent -= skip;
	}
	set_writing(self, true);
	return overflow_count(self);
}

void shim_exchange_finish(shim_exchange *self, bool keep_alive) {
	if (!keep_alive) self->close_after = true;
	self->finished = true;
	if (!self->in_evhttp) connection_finish(self);
}

void shim_exchange_cut(shim_exchange *self, bool reset) {
	self->cut = true;
	self->reset = reset;
	if (!self->in_evhttp) connection_close(self, reset);
}

void connection_reject(struct shim_exchange *self, shim_reject reason) {
	self->phase = PHASE_PENDING;
	self->context = NULL;
	self->finished = false;
	self->close_after = self->linger_after = true;
	set_deadline(self, 0);
	self->server->callbacks.rejected(self->server->context, self, reason);
}

// ---- requests

/// From now on the function has the request, and evhttp waits for its reply.
void connection_requested(struct shim_exchange *self, struct evhttp_request *request) {
	self->request = request;
	self->phase = PHASE_PENDING;
	self->finished = false;
	set_deadline(self, 0);
	self->server->callbacks.requested(self->server->context, self);
}

/// All bytes of a request are in evhttp's input: let it parse them.
static void dispatch(struct shim_exchange *self) {
	struct shim_server *server = self->server;
	self->in_evhttp = true;
	server->parsing = self;
	bufferevent_trigger(self->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
	server->parsing = NULL;
	self->in_evhttp = false;
	if (self->phase == PHASE_PENDING) settle_reply(self);
	else if (self->evcon) connection_reject(self, SHIM_REJECT_MALFORMED); // evhttp's own error page goes nowhere
	else connection_close(self, false);
}

/// Gives evhttp the head, in words that it cannot misunderstand: it fails for a POST that has `Connection: keep-alive` and no
/// Content-Length, and after a chunked request it takes the reply for chunked, too, and waits for ever to send the last chunk.
/// So each POST gets a Content-Length: a chunked one when its body is whole.
static void give_head(struct shim_exchange *self, const uint8_t *bytes, size_t length) {
	const struct guard_head *head = &self->head;
	struct evbuffer *input = bufferevent_get_input(self->bev);
	if (head->method == SHIM_METHOD_HEAD) {
		evbuffer_add(input, bytes, length);
	} else if (head->chunked) {
		evbuffer_add(input, bytes, head->encoding_at);
		evbuffer_add(input, bytes + head->encoding_end, length - 2 - head->encoding_end);
		if (!(self->decoded = evbuffer_new())) abort();
	} else if (head->method == SHIM_METHOD_POST && !head->has_length) {
		evbuffer_add(input, bytes, length - 2);
		evbuffer_add_printf(input, "Content-Length: 0\r\n\r\n");
	} else {
		evbuffer_add(input, bytes, length);
	}
}

/// Asks for the body. Not by way of `overflow`: a client that does not read while it waits gets no invitation.
static void send_continue(struct shim_exchange *self) {
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const ssize_t count = send(self->fd, line, sizeof line - 1, MSG_NOSIGNAL);
	if (count >= 0 && (size_t)count < sizeof line - 1) self->broken = true;
}

/// Takes a complete head. Returns the bytes used.
static size_t take_head(struct shim_exchange *self, const uint8_t *bytes, size_t length, size_t count) {
	const shim_server_limits *limits = &self->server->limits;
	int refused = guard_check_head(bytes, length, &self->head);
	if (!refused && length > limits->max_header_bytes) refused = SHIM_REJECT_HEAD_TOO_LARGE;
	if (!refused && self->head.content_length > limits->max_body_bytes) refused = SHIM_REJECT_BODY_TOO_LARGE;
	const bool has_body = self->head.chunked || self->head.content_length;
	if (refused) {
		connection_reject(self, refused);
		return length;
	}
	self->close_after = !self->head.keep_alive;
	self->linger_after = false;
	give_head(self, bytes, length);
	if (has_body && self->head.method != SHIM_METHOD_HEAD) {
		self->phase = PHASE_BODY;
		self->body_left = self->head.content_length;
		self->chunks = (struct guard_chunks){ 0 };
		set_deadline(self, limits->body_timeout);
		if (self->head.expect_continue && length == count) send_continue(self);
		return length;
	}
	// evhttp does not read a HEAD's body, and would take it for the next request.
	if (has_body) self->close_after = self->linger_after = true;
	dispatch(self);
	return length;
}

/// Adds bytes to the body. False: turned away.
static bool take_body_bytes(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	const shim_server_limits *limits = &self->server->limits;
	account_body(self, count);
	if (self->body_count > limits->max_body_bytes) {
		connection_reject(self, SHIM_REJECT_BODY_TOO_LARGE);
		return false;
	}
	if (shim_server_buffered_bytes(self->server) > limits->max_buffered_bytes) {
		connection_reject(self, SHIM_REJECT_BUFFERS_FULL);
		return false;
	}
	evbuffer_add(self->decoded ? self->decoded : bufferevent_get_input(self->bev), bytes, count);
	return true;
}

/// The chunked body is whole: evhttp gets it as one of known length. Its bytes are moved, not copied.
static void dispatch_decoded(struct shim_exchange *self) {
	struct evbuffer *input = bufferevent_get_input(self->bev);
	evbuffer_add_printf(input, "Content-Length: %zu\r\n\r\n", self->body_count);
	evbuffer_add_buffer(input, self->decoded);
	evbuffer_free(self->decoded);
	self->decoded = NULL;
	dispatch(self);
}

static size_t take_chunked_body(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	size_t at = 0, used = 0, data = 0;
	while (at < count) {
		const enum guard_step step = guard_next_chunk(&self->chunks, bytes + at, count - at, &used, &data);
		switch (step) {
		case GUARD_BAD_CHUNK: connection_reject(self, SHIM_REJECT_MALFORMED); return count;
		case GUARD_MORE: return count;
		case GUARD_DATA:
			if (!take_body_bytes(self, bytes + at + used - data, data)) return count;
			break;
		case GUARD_END:
			dispatch_decoded(self);
			return at + used;
		}
		at += used;
	}
	return at;
}

static size_t take_body(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	if (self->head.chunked) return take_chunked_body(self, bytes, count);
	const size_t part = count < self->body_left ? count : (size_t)self->body_left;
	if (!take_body_bytes(self, bytes, part)) return part;
	self->body_left -= part;
	if (!self->body_left) dispatch(self);
	return part;
}

/// Takes what it can of `bytes`, which begin where the last call stopped. Returns the bytes used; 0: it needs more.
static size_t take(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	if (self->phase == PHASE_BODY) return take_body(self, bytes, count);
	if (self->scanned == 0 && bytes[0] == '\r') { // empty lines before a request: RFC 9112, 2.2
		size_t empty = 0;
		while (empty + 2 <= count && bytes[empty] == '\r' && bytes[empty + 1] == '\n') empty += 2;
		if (empty) return empty;
		if (count >= 2) {
			connection_reject(self, SHIM_REJECT_MALFORMED);
			return count;
		}
	} else {
		switch (guard_find_end(bytes, count, &self->scanned)) {
		case GUARD_BAD: connection_reject(self, SHIM_REJECT_MALFORMED); return count;
		case GUARD_COMPLETE: {
			const size_t length = self->scanned;
			self->scanned = 0;
			return take_head(self, bytes, length, count);
		}
		case GUARD_INCOMPLETE: break;
		}
	}
	if (count > self->server->limits.max_header_bytes) {
		connection_reject(self, SHIM_REJECT_HEAD_TOO_LARGE);
		return count;
	}
	if (self->phase == PHASE_IDLE) {
		self->phase = PHASE_HEAD;
		set_deadline(self, self->server->limits.header_timeout);
	}
	return 0;
}

static bool takes_input(const struct shim_exchange *self) { return !self->closed && self->phase <= PHASE_BODY; }

/// Goes through `bytes` as far as possible. Returns the bytes used. The caller has pinned the connection.
static size_t take_all(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	size_t at = 0;
	for (int turns = 0; at < count && takes_input(self); turns++) {
		if (turns == REQUESTS_A_TURN) {
			self->continue_later = true;
			set_writing(self, true); // fires in the next turn: the socket is writable
			break;
		}
		const size_t used = take(self, bytes + at, count - at);
		if (!used) break;
		at += used;
	}
	return at;
}

/// Goes on with the bytes that are held. The caller has pinned the connection.
static void process_held(struct shim_exchange *self) {
	while (takes_input(self) && self->held.count && !self->continue_later) {
		const size_t used = take_all(self, self->held.bytes, self->held.count);
		if (self->closed || !self->held.count) return;
		unhold(self, used);
		if (!used) break;
	}
	if (!self->closed && self->held.count <= HELD_LIMIT) set_reading(self, true);
}

static void continue_held(struct shim_exchange *self) {
	self->continue_later = false;
	connection_process(self);
}

static void connection_process(struct shim_exchange *self) {
	if (self->pins) return; // an outer call does it
	self->pins++;
	process_held(self);
	unpin(self);
}

// ---- the socket

/// The client floods us behind requests that wait: stop reading, and look now and then whether it is still there.
static void pause_reading(struct shim_exchange *self) {
	set_reading(self, false);
	if (self->phase == PHASE_PENDING && !overflow_count(self)) set_deadline(self, PAUSE_CHECK);
}

static void check_paused(struct shim_exchange *self) {
	struct pollfd peer = { .fd = self->fd, .events = POLLRDHUP };
	if (poll(&peer, 1, 0) > 0) connection_lost(self);
	else set_deadline(self, PAUSE_CHECK);
}

static void connection_received(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	if (self->phase == PHASE_LINGERING) {
		self->lingered += (uint32_t)count;
		if (self->lingered > LINGER_LIMIT) connection_close(self, false);
		return;
	}
	self->pins++;
	const bool direct = !self->held.count && takes_input(self);
	const size_t used = direct ? take_all(self, bytes, count) : 0;
	if (!self->closed && self->phase != PHASE_LINGERING) {
		if (used < count) hold(self, bytes + used, count - used);
		if (!direct) process_held(self);
		const bool waits = !takes_input(self) || self->continue_later;
		if (!self->closed && waits && self->held.count > HELD_LIMIT) pause_reading(self);
	}
	unpin(self);
}

/// The peer has sent its FIN, or the connection broke.
static void connection_ended(struct shim_exchange *self, bool by_fin) {
	// A client that only closed its sending side still gets the reply that is being sent, and those to requests that were
	// here, whole, before: reading goes on after them, and finds the end again.
	if (by_fin && (self->phase == PHASE_FINISHING || self->continue_later)) {
		self->linger_after = false;
		set_reading(self, false);
		return;
	}
	connection_lost(self);
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
	(void)what;
	struct shim_exchange *self = context;
	shim_loop *loop = self->server->loop;
	const ssize_t count = recv(fd, loop->buffer, sizeof loop->buffer, 0);
	if (count > 0) connection_received(self, loop->buffer, (size_t)count);
	else if (count == 0) connection_ended(self, true);
	else if (errno != EAGAIN && errno != EINTR) connection_ended(self, false);
	shim_loop_settle(loop);
}

static void flush_overflow(struct shim_exchange *self) {
	const int count = evbuffer_write(self->overflow, self->fd);
	if (count < 0 && errno != EAGAIN && errno != EINTR) {
		connection_lost(self);
		return;
	}
	if (overflow_count(self)) {
		if (count > 0) set_deadline(self, self->server->limits.write_timeout);
		return;
	}
	set_writing(self, false);
	set_deadline(self, self->reading ? 0 : PAUSE_CHECK);
	if (self->phase == PHASE_FINISHING) connection_completed(self);
	else if (self->phase == PHASE_PENDING && self->context) self->server->callbacks.drained(self->context);
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	struct shim_exchange *self = context;
	shim_loop *loop = self->server->loop;
	if (overflow_count(self)) {
		flush_overflow(self);
	} else {
		set_writing(self, false);
		if (self->continue_later) continue_held(self);
	}
	shim_loop_settle(loop);
}

static void on_deadline(void *context) {
	struct shim_exchange *self = context;
	switch (self->phase) {
	case PHASE_HEAD:
	case PHASE_BODY: connection_reject(self, SHIM_REJECT_TOO_SLOW); break;
	case PHASE_PENDING:
		if (!overflow_count(self)) {
			check_paused(self);
			break;
		}
		// fall through
	case PHASE_FINISHING: // the peer takes nothing
		connection_cut(self);
		break;
	case PHASE_NEW:
	case PHASE_IDLE:
	case PHASE_LINGERING: connection_close(self, false); break;
	}
}

void connection_register(struct shim_exchange *self, struct shim_server *server) {
	self->server = server;
	self->phase = PHASE_NEW;
	shim_timer_init(&self->deadline, server->loop, on_deadline, self);
	self->next = server->connections;
	if (self->next) self->next->link = &self->next;
	self->link = &server->connections;
	server->connections = self;
	server->connection_count++;
}

void connection_open(struct shim_exchange *self) {
	struct shim_server *server = self->server;
	struct event_base *base = server->loop->base;
	if (!take_socket(self)) {
		connection_close(self, false);
		return;
	}
	event_assign(&self->readable, base, self->fd, EV_READ | EV_PERSIST, on_readable, self);
	event_assign(&self->writable, base, self->fd, EV_WRITE | EV_PERSIST, on_writable, self);
	set_reading(self, true);
	if (server->connection_count > server->limits.max_connections)
		connection_reject(self, SHIM_REJECT_TOO_MANY_CONNECTIONS);
	else
		set_deadline(self, server->limits.idle_timeout);
}
