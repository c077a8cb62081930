#include "connection.h"

#include "input.h"

/// The most bytes of pending input behind a request. Above it, the socket is not read.
enum { PENDING_INPUT_LIMIT = 64 * 1024 };

/// The most steps through one connection's input at once, so that a pipeline does not delay other connections.
enum { STEPS_AT_ONCE = 32 };

static bool connection_takes_input(const struct connection *self) {
	return self->state == CONNECTION_OPEN && exchange_takes_input(&self->exchange);
}

/// Has evhttp parse the head. Returns whether it could.
static bool parse_head(struct connection *self) {
	struct evhttp_request *request = parser_parse(&self->parser, &self->group->parsing);
	if (!request) { // out of memory; evhttp has no reason to reject a canonical head
		if (self->parser.evcon) connection_reject(self, SHIM_REJECT_BUFFERS_FULL);
		else connection_end(self, END_CLOSE);
		return false;
	}
	self->exchange.request = request;
	self->exchange.judged = !exchange_is_handled(&self->exchange); // there is nothing to decide on others
	return true;
}

/// Handles a complete request: the function gets it, unless its head decides already.
static void request_complete(struct connection *self) {
	struct connection_group *group = self->group;
	self->exchange.state = EXCHANGE_PENDING;
	watch_set_deadline(&self->watch, 0);
	if (self->exchange.judged || !group->callbacks.refused(group->context, &self->exchange))
		group->callbacks.requested(group->context, &self->exchange);
}

/// Has the head of a request whose body has not arrived judged, once. Returns whether it is refused.
static bool is_refused(struct connection *self) {
	struct connection_group *group = self->group;
	struct shim_exchange *exchange = &self->exchange;
	if (exchange->judged) return false;
	const enum exchange_verdict verdict = exchange->verdict;
	exchange->judged = true;
	exchange->state = EXCHANGE_PENDING;
	exchange->verdict = VERDICT_LINGER;
	watch_set_deadline(&self->watch, 0);
	if (group->callbacks.refused(group->context, exchange)) return true;
	exchange->state = EXCHANGE_BODY;
	exchange->verdict = verdict;
	connection_begin_upload(self);
	return false;
}

/// Handles the time before more of a body comes. What the head decides is decided now.
static void await_body(struct connection *self) {
	struct shim_exchange *exchange = &self->exchange;
	if (is_refused(self) || !exchange->head.expect_continue) return;
	exchange->head.expect_continue = false;
	if (!exchange->body_count) reply_send_continue(&self->reply, self->fd);
}

/// Makes room for the next `count` bytes of a body. Before others have to make way for it, its head is judged. Returns
/// false if the request was answered instead.
static bool make_room_for_body(struct connection *self, size_t count) {
	const size_t bytes = input_body_bytes(&self->exchange, count);
	if (connection_has_room(self, bytes)) return true;
	if (is_refused(self)) return false;
	if (connection_make_room(self, bytes)) return true;
	connection_reject(self, SHIM_REJECT_BUFFERS_FULL);
	return false;
}

/// Whether the connection has an ordinary slot. If it needs one, another may have to make room for it.
static bool has_ordinary_slot(struct connection *self, bool is_needed) {
	struct connection_limits *slots = &self->group->slots;
	if (!connection_limits_is_reserved(slots, &self->slot)) return true;
	if (!is_needed) return false;
	connection_make_slot(self);
	return !connection_limits_is_reserved(slots, &self->slot);
}

/// Handles a complete head.
static void head_complete(struct connection *self) {
	struct connection_group *group = self->group;
	struct shim_exchange *exchange = &self->exchange;
	const bool has_body = input_has_body(exchange);
	const bool is_reserved = !has_ordinary_slot(self, exchange_is_handled(exchange));
	const int64_t now = shim_loop_now(group->loop);
	const bool is_full = group->loop->queues.full[EVENT_URGENT];
	const bool is_earned = urgency_is_earned(&group->urgency, now - self->last_request, now, is_full);
	watch_set_urgent(&self->watch, is_earned);
	self->last_request = now;
	// The body of a health check may turn out to be empty only at its end: envoy sends such chunked ones.
	const bool may_be_empty = exchange->head.chunked && !exchange_is_handled(exchange);
	if (is_reserved && (exchange_is_handled(exchange) || (has_body && !may_be_empty))) {
		connection_reject(self, SHIM_REJECT_TOO_MANY_CONNECTIONS);
		return;
	}
	exchange->verdict = exchange->head.keep_alive && !is_reserved ? VERDICT_KEEP : VERDICT_CLOSE;
	if (!parse_head(self)) return;
	if (has_body && exchange->head.method != SHIM_METHOD_HEAD) {
		exchange->state = EXCHANGE_BODY;
		connection_begin_upload(self);
		return;
	}
	if (has_body) exchange->verdict = VERDICT_LINGER; // the body of a HEAD request is not read
	request_complete(self);
}

/// Consumes as much of `bytes` as possible. Returns the number of bytes consumed.
static size_t take_requests(struct connection *self, const uint8_t *bytes, size_t count) {
	const shim_server_limits *limits = &self->group->limits;
	size_t at = 0;
	for (int steps = 0; at < count && connection_takes_input(self); steps++) {
		if (steps == STEPS_AT_ONCE) {
			self->deferred = true;
			watch_continue_later(&self->watch);
			break;
		}
		if (self->exchange.state == EXCHANGE_BODY && !make_room_for_body(self, count - at)) return count;
		const struct input_step step = input_next(
			&self->exchange, limits, parser_input(&self->parser), bytes + at, count - at);
		at += step.used;
		if (self->exchange.body_count && connection_limits_is_reserved(&self->group->slots, &self->slot)) {
			connection_reject(self, SHIM_REJECT_TOO_MANY_CONNECTIONS);
			return count;
		}
		switch (step.event) {
		case INPUT_NEEDS_MORE:
			if (step.used) continue;
			if (self->exchange.state == EXCHANGE_IDLE && bytes[at] != '\r') { // half an empty line begins no head
				self->exchange.state = EXCHANGE_HEAD;
				self->waits_since = shim_loop_now(self->group->loop);
				watch_set_deadline(&self->watch, limits->header_timeout);
			}
			return at;
		case INPUT_HEAD: head_complete(self); break;
		case INPUT_COMPLETE: request_complete(self); break;
		case INPUT_REJECTED: connection_reject(self, step.reason); return count;
		}
	}
	return at;
}

/// Consumes as much of `bytes` as possible. Returns the number of bytes consumed.
static size_t take(struct connection *self, const uint8_t *bytes, size_t count) {
	const size_t used = take_requests(self, bytes, count);
	if (self->state == CONNECTION_OPEN && self->exchange.state == EXCHANGE_BODY) {
		connection_check_upload(self);
		if (!self->deferred) await_body(self);
	}
	return used;
}

/// Gives up what exceeds the budget: a part of a head, or requests behind this one, after which the connection ends.
static void bound_counted(struct connection *self) {
	connection_count(self);
	if (!self->counted || !byte_buffer_count(&self->input) || connection_has_room(self, 0)) return;
	if (connection_takes_input(self)) {
		connection_reject(self, SHIM_REJECT_BUFFERS_FULL);
		return;
	}
	self->exchange.verdict = VERDICT_LINGER;
	byte_buffer_free(&self->input);
	connection_count(self);
}

/// Stops reading while there is too much pending input, and then checks regularly that the client is still there.
static void bound_input(struct connection *self) {
	const bool waits = !connection_takes_input(self) || self->deferred;
	if (!waits || byte_buffer_count(&self->input) <= PENDING_INPUT_LIMIT) {
		watch_set_reading(&self->watch, true);
		return;
	}
	watch_set_reading(&self->watch, false);
	if (self->exchange.state == EXCHANGE_PENDING && !reply_overflow(&self->reply))
		watch_set_deadline(&self->watch, CONNECTION_PAUSE_CHECK);
}

/// Consumes the pending input.
static void take_pending(struct connection *self) {
	while (connection_takes_input(self) && byte_buffer_count(&self->input) && !self->deferred) {
		const size_t used = take(self, byte_buffer_bytes(&self->input), byte_buffer_count(&self->input));
		if (!byte_buffer_count(&self->input)) return; // the connection lingers or is closed
		byte_buffer_consume(&self->input, used);
		if (!used) break;
	}
}

void connection_pump(struct connection *self, const uint8_t *bytes, size_t count) {
	if (self->pumping) return; // the outer call continues
	self->pumping = true;
	self->references++;
	const bool is_direct = count && !byte_buffer_count(&self->input) && connection_takes_input(self);
	const size_t used = is_direct ? take(self, bytes, count) : 0;
	if (self->state == CONNECTION_OPEN) {
		const bool has_memory = byte_buffer_append(&self->input, bytes + used, count - used, 0);
		if (!has_memory) connection_end(self, END_RESET);
		else if (!is_direct) take_pending(self);
		if (byte_buffer_count(&self->input) || self->share || exchange_holds_much(&self->exchange)) bound_counted(self);
		if (self->state == CONNECTION_OPEN && (byte_buffer_count(&self->input) || !count)) bound_input(self);
	}
	self->pumping = false;
	connection_release(self);
}
