#include "connection.h"

static struct connection *connection_of(shim_exchange *exchange) { return (struct connection *)exchange; }

/// The time in which the client must take enough bytes.
static int64_t write_timeout(const struct connection *self) {
	const int64_t servers = self->group->limits.write_timeout, own = self->exchange.write_timeout;
	return own && (!servers || own < servers) ? own : servers;
}

/// Starts the time in which the client must take enough bytes.
static void begin_waiting(struct connection *self) {
	reply_begin_waiting(&self->reply, self->fd);
	watch_set_deadline(&self->watch, write_timeout(self));
}

bool connection_check_progress(struct connection *self) {
	if (reply_progress(&self->reply, self->fd) < SHIM_MIN_PACE_BYTES) return false;
	begin_waiting(self);
	return true;
}

void connection_check_pace(struct connection *self) {
	if (connection_check_progress(self)) return;
	struct connection_group *group = self->group;
	group->callbacks.dropped(
		group->context, &self->exchange, reply_progress(&self->reply, self->fd), write_timeout(self));
	connection_end(self, END_RESET);
}

void connection_reply_complete(struct connection *self) {
	const enum exchange_verdict verdict = self->exchange.verdict;
	connection_clear_exchange(self);
	if (verdict != VERDICT_KEEP) {
		connection_end(self, verdict == VERDICT_LINGER || byte_buffer_count(&self->input) ? END_LINGER : END_CLOSE);
		return;
	}
	self->exchange.state = EXCHANGE_IDLE;
	self->waits_since = shim_loop_now(self->group->loop);
	self->exchange.head.method = SHIM_METHOD_NONE;
	self->exchange.has_target = false;
	watch_set_deadline(&self->watch, self->group->limits.idle_timeout);
	if (!parser_complete(&self->parser)) { // evhttp ran out of memory
		connection_end(self, END_CLOSE);
		return;
	}
	watch_set_reading(&self->watch, true);
	if (byte_buffer_count(&self->input)) connection_pump(self, NULL, 0);
}

size_t shim_exchange_send(shim_exchange *exchange, const void *first, size_t first_count, const void *second,
	size_t second_count, const void *third, size_t third_count) {
	struct connection *self = connection_of(exchange);
	struct iovec pieces[REPLY_MAX_PIECES] = {
		{ (void *)first, first_count },
		{ (void *)second, second_count },
		{ (void *)third, third_count },
	};
	if (first_count + second_count + third_count == 0) return 0;
	const bool has_waited = reply_overflow(&self->reply);
	switch (reply_send(&self->reply, self->fd, pieces, third_count ? 3 : second_count ? 2 : 1)) {
	case REPLY_SENT: return 0;
	case REPLY_NO_MEMORY: shim_reset_socket(self->fd); __attribute__((fallthrough));
	case REPLY_BROKEN: watch_set_reading(&self->watch, true); return 0; // the readable side reports it
	case REPLY_WAITS: break;
	}
	if (!has_waited || !self->watch.deadline.deadline) begin_waiting(self);
	watch_set_writing(&self->watch, true);
	connection_count(self);
	return reply_overflow(&self->reply);
}

void shim_exchange_set_write_timeout(shim_exchange *exchange, int64_t interval) {
	struct connection *self = connection_of(exchange);
	exchange->write_timeout = interval;
	if (reply_overflow(&self->reply)) begin_waiting(self);
}

void shim_exchange_finish(shim_exchange *exchange, bool keep_alive) {
	struct connection *self = connection_of(exchange);
	exchange->context = NULL;
	exchange->held = exchange->taken = 0;
	if (!keep_alive && exchange->verdict == VERDICT_KEEP) exchange->verdict = VERDICT_CLOSE;
	if (self->reply.broken) connection_end(self, END_CLOSE);
	else if (!reply_overflow(&self->reply)) connection_reply_complete(self);
	else if (self->slot.kind == SLOT_NONE) connection_end(self, END_CLOSE); // no slot, so we do not wait for the client
	else {
		exchange->state = EXCHANGE_SENDING;
		connection_count(self);
	}
}

bool shim_exchange_is_reserved(const shim_exchange *exchange) {
	return ((const struct connection *)exchange)->slot.kind == SLOT_RESERVED;
}

void shim_exchange_cut(shim_exchange *exchange, bool reset) {
	exchange->context = NULL;
	connection_end(connection_of(exchange), reset ? END_RESET : END_CUT);
}

const char *shim_exchange_peer(const shim_exchange *exchange) {
	return parser_peer(&((const struct connection *)exchange)->parser);
}
