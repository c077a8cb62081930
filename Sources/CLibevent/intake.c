/// From a connection's bytes to requests.
#include "connection.h"

#include <stdlib.h>
#include <string.h>

enum { HELD_LIMIT = 64 * 1024 }; // of requests that wait behind another; beyond it the socket is not read
enum { REQUESTS_A_TURN = 32 };   // of one connection, so that a pipeline does not hold up the others

static const int64_t URGENT_INTERVAL = 5 * 1000 * 1000; // between two requests of a client that is served first

/// From now on the function has the request, and evhttp waits for its reply.
void connection_requested(struct shim_exchange *self, struct evhttp_request *request) {
	self->request = request;
	self->phase = PHASE_PENDING;
	self->finished = false;
	self->write_timeout = 0;
	connection_set_deadline(self, 0);
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
	if (self->phase == PHASE_PENDING) connection_settle_reply(self);
	else if (self->evcon) connection_reject(self, SHIM_REJECT_MALFORMED); // evhttp's own error page goes nowhere
	else connection_close(self, false);
}

/// Gives evhttp the head, in words that it cannot misunderstand: after a chunked request it takes the reply for
/// chunked, too, and never gets ready for the next one. So a chunked body becomes one with a Content-Length once it is
/// whole.
static void give_head(struct shim_exchange *self, const uint8_t *bytes, size_t length) {
	const struct guard_head *head = &self->head;
	struct evbuffer *input = bufferevent_get_input(self->bev);
	if (head->method == SHIM_METHOD_HEAD) {
		evbuffer_add(input, bytes, length);
	} else if (head->chunked) {
		evbuffer_add(input, bytes, head->encoding_at);
		evbuffer_add(input, bytes + head->encoding_end, length - 2 - head->encoding_end);
		if (!(self->decoded = evbuffer_new())) abort();
	} else {
		evbuffer_add(input, bytes, length);
	}
}

/// Asks for the body. Not by way of `overflow`: a client that does not read while it waits gets no invitation.
static void send_continue(struct shim_exchange *self) {
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const ssize_t count = send(self->fd, line, sizeof line - 1, MSG_NOSIGNAL);
	if (count > 0) self->written += (size_t)count;
	if (count >= 0 && (size_t)count < sizeof line - 1) self->broken = true;
}

/// Clients that ask for little, and not all the time, are served first: health checks among ten thousand prompts.
static void note_pace(struct shim_exchange *self, bool has_body) {
	const int64_t now = shim_loop_now(self->server->loop);
	connection_set_urgent(self, !has_body && now - self->last_request >= URGENT_INTERVAL);
	self->last_request = now;
}

/// Takes a complete head. Returns the bytes used.
static size_t take_head(struct shim_exchange *self, const uint8_t *bytes, size_t length, size_t count) {
	const shim_server_limits *limits = &self->server->limits;
	int refused = guard_check_head(bytes, length, &self->head);
	if (!refused && length > limits->max_header_bytes) refused = SHIM_REJECT_HEAD_TOO_LARGE;
	if (!refused && self->head.content_length > limits->max_body_bytes) refused = SHIM_REJECT_BODY_TOO_LARGE;
	const bool has_body = self->head.chunked || self->head.content_length;
	const bool reserved = connection_is_reserved(self);
	note_pace(self, has_body);
	if (!refused && reserved && (has_body || self->head.method == SHIM_METHOD_POST))
		refused = SHIM_REJECT_TOO_MANY_CONNECTIONS;
	if (refused) {
		connection_reject(self, refused);
		return length;
	}
	self->close_after = !self->head.keep_alive || reserved;
	self->linger_after = false;
	give_head(self, bytes, length);
	if (has_body && self->head.method != SHIM_METHOD_HEAD) {
		self->phase = PHASE_BODY;
		self->body_left = self->head.content_length;
		self->chunks = (struct guard_chunks){ 0 };
		connection_set_deadline(self, limits->body_timeout);
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
	connection_account_body(self, count);
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
		case GUARD_END: dispatch_decoded(self); return at + used;
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
		connection_set_deadline(self, self->server->limits.header_timeout);
	}
	return 0;
}

bool connection_takes_input(const struct shim_exchange *self) { return !self->closed && self->phase <= PHASE_BODY; }

/// Goes through `bytes` as far as possible. Returns the bytes used. The caller has pinned the connection.
size_t connection_take(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	size_t at = 0;
	for (int turns = 0; at < count && connection_takes_input(self); turns++) {
		if (turns == REQUESTS_A_TURN) {
			self->continue_later = true;
			connection_set_writing(self, true); // fires in the next turn: the socket is writable
			break;
		}
		const size_t used = take(self, bytes + at, count - at);
		if (!used) break;
		at += used;
	}
	return at;
}

/// The client floods us behind requests that wait: stop reading, and look now and then whether it is still there.
static void pause_reading(struct shim_exchange *self) {
	connection_set_reading(self, false);
	if (self->phase == PHASE_PENDING && !connection_overflow(self))
		connection_set_deadline(self, CONNECTION_PAUSE_CHECK);
}

void connection_bound_held(struct shim_exchange *self) {
	const bool waits = !connection_takes_input(self) || self->continue_later;
	if (waits && self->held.count > HELD_LIMIT) pause_reading(self);
	else connection_set_reading(self, true);
}

/// Goes on with the bytes that are held. The caller has pinned the connection.
void connection_process_held(struct shim_exchange *self) {
	while (connection_takes_input(self) && self->held.count && !self->continue_later) {
		const size_t used = connection_take(self, self->held.bytes, self->held.count);
		if (self->closed || !self->held.count) return;
		connection_unhold(self, used);
		if (!used) break;
	}
	if (!self->closed) connection_bound_held(self);
}

void connection_continue(struct shim_exchange *self) {
	self->continue_later = false;
	connection_process(self);
}

void connection_process(struct shim_exchange *self) {
	if (self->pins) return; // an outer call does it
	self->pins++;
	connection_process_held(self);
	connection_unpin(self);
}
