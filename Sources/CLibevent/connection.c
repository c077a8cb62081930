#define _GNU_SOURCE // POLLRDHUP
#include "connection.h"

#include "input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	/// The most bytes of pending input behind a request. Above it, the socket is not read.
	PENDING_INPUT_LIMIT = 64 * 1024,
	/// The most steps through one connection's input in a turn, so that a pipeline does not delay other connections.
	STEPS_A_TURN = 32,
	/// The most bytes discarded while lingering. A client may send a whole body before it reads the rejection.
	LINGER_LIMIT = 64 * 1024 * 1024,
};

static const int64_t MILLISECOND = 1000 * 1000;

/// The shortest time between two requests of an urgent client.
#define URGENT_INTERVAL (5 * MILLISECOND)
#define LINGER_TIME (2000 * MILLISECOND)
/// While reading is paused because a client sends too much, the time between checks that the client is still there.
#define PAUSE_CHECK (500 * MILLISECOND)

// ---- helpers

static struct connection *connection_of(shim_exchange *exchange) { return (struct connection *)exchange; }

static void set_reading(struct connection *self, bool on) {
	if (self->reading == on) return;
	self->reading = on;
	if (on) event_add(&self->readable, NULL);
	else event_del(&self->readable);
}

static void set_writing(struct connection *self, bool on) {
	if (self->writing == on) return;
	self->writing = on;
	if (on) event_add(&self->writable, NULL);
	else event_del(&self->writable);
}

/// Sets the deadline to `interval` from now; 0 removes it.
static void set_deadline(struct connection *self, int64_t interval) {
	shim_timer_set(&self->deadline, interval ? shim_loop_now(self->group->loop) + interval : 0);
}

/// Serves clients with few, small requests first, such as health checks among ten thousand prompts.
static void set_urgent(struct connection *self, bool urgent) {
	if (self->urgent == urgent) return;
	const int priority = urgent ? SHIM_PRIORITY_URGENT : SHIM_PRIORITY_NORMAL;
	if (event_priority_set(&self->readable, priority) == 0) self->urgent = urgent; // refused while the event is active
}

static void release(struct connection *self) {
	if (--self->references == 0) free(self);
}

static bool takes_input(const struct connection *self) {
	return self->state == CONNECTION_OPEN && exchange_takes_input(&self->exchange);
}

// ---- closing

/// Sends a RST now. SO_LINGER would also send one, but evhttp's shutdown comes before our close, and a FIN before the
/// RST can look like the proper end of a reply that has no other end mark.
static void reset_socket(int fd) {
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	connect(fd, &nowhere, sizeof nowhere);
}

/// Waits for the peer to close. False: too many connections linger already.
static bool linger(struct connection *self) {
	if (self->state != CONNECTION_OPEN || !connection_limits_linger(&self->group->slots, &self->slot)) return false;
	self->state = CONNECTION_LINGERING;
	exchange_clear(&self->exchange);
	parser_free(&self->parser); // also shuts down the sending side
	pending_input_consume(&self->input, self->input.count);
	set_deadline(self, LINGER_TIME);
	set_reading(self, true);
	return true;
}

void connection_end(struct connection *self, enum connection_end how) {
	struct connection_group *group = self->group;
	if (self->state == CONNECTION_CLOSED || (how == END_LINGER && linger(self))) return;
	void *context = self->exchange.state == EXCHANGE_PENDING ? self->exchange.context : NULL;
	if (self->state == CONNECTION_NEW) {
		event_del(&self->writable);
		group->adopting--;
		self->fd = parser_take_socket(&self->parser);
	}
	self->state = CONNECTION_CLOSED;
	set_reading(self, false);
	set_writing(self, false);
	shim_timer_stop(&self->deadline);
	if (how == END_RESET) reset_socket(self->fd);
	exchange_free(&self->exchange);
	parser_free(&self->parser);
	if (self->fd >= 0) close(self->fd);
	reply_free(&self->reply);
	pending_input_consume(&self->input, self->input.count);
	connection_limits_leave(&group->slots, &self->slot);
	*self->link = self->next;
	if (self->next) self->next->link = self->link;
	release(self);
	if (--group->count == 0) group->callbacks.emptied(group->context);
	if (context) group->callbacks.gone(context);
}

void connection_close_if_idle(struct connection *self) {
	const bool is_idle = self->state == CONNECTION_OPEN && self->exchange.state == EXCHANGE_IDLE;
	if (is_idle && !self->input.count) connection_end(self, END_CLOSE);
}

// ---- requests

/// Rejects the request. The function sends the reply.
static void reject(struct connection *self, shim_reject reason) {
	exchange_clear(&self->exchange);
	self->exchange.state = EXCHANGE_PENDING;
	self->exchange.verdict = VERDICT_LINGER;
	set_deadline(self, 0);
	self->group->callbacks.rejected(self->group->context, &self->exchange, reason);
}

/// Handles a complete request: evhttp parses its head, and the function gets it.
static void request_complete(struct connection *self) {
	struct connection_group *group = self->group;
	struct evhttp_request *request = parser_parse(&self->parser, &group->parsing);
	if (!request) { // out of memory, because a canonical head is always well-formed
		if (self->parser.evcon) reject(self, SHIM_REJECT_MALFORMED);
		else connection_end(self, END_CLOSE);
		return;
	}
	self->exchange.request = request;
	self->exchange.state = EXCHANGE_PENDING;
	set_deadline(self, 0);
	group->callbacks.requested(group->context, &self->exchange);
}

/// Handles a complete head. `is_all`: no more bytes have arrived after it.
static void head_complete(struct connection *self, bool is_all) {
	struct connection_group *group = self->group;
	struct shim_exchange *exchange = &self->exchange;
	const bool has_body = input_has_body(exchange);
	const bool is_reserved = connection_limits_is_reserved(&group->slots, &self->slot);
	const int64_t now = shim_loop_now(group->loop);
	set_urgent(self, !has_body && now - self->last_request >= URGENT_INTERVAL);
	self->last_request = now;
	if (is_reserved && (has_body || exchange->head.method == SHIM_METHOD_POST)) {
		reject(self, SHIM_REJECT_TOO_MANY_CONNECTIONS);
		return;
	}
	exchange->verdict = exchange->head.keep_alive && !is_reserved ? VERDICT_KEEP : VERDICT_CLOSE;
	if (has_body && exchange->head.method != SHIM_METHOD_HEAD) {
		exchange->state = EXCHANGE_BODY;
		set_deadline(self, group->limits.body_timeout);
		if (exchange->head.expect_continue && is_all) reply_send_continue(&self->reply, self->fd);
		return;
	}
	if (has_body) exchange->verdict = VERDICT_LINGER; // the body of a HEAD request is not read
	request_complete(self);
}

/// Consumes as much of `bytes` as possible. Returns the number of bytes consumed.
static size_t take(struct connection *self, const uint8_t *bytes, size_t count) {
	const shim_server_limits *limits = &self->group->limits;
	size_t at = 0;
	for (int steps = 0; at < count && takes_input(self); steps++) {
		if (steps == STEPS_A_TURN) {
			self->deferred = true;
			set_writing(self, true); // fires in the next turn, because the socket is writable
			break;
		}
		const struct input_step step = input_next(
			&self->exchange, limits, parser_input(&self->parser), bytes + at, count - at);
		at += step.used;
		switch (step.event) {
		case INPUT_NEEDS_MORE:
			if (step.used) continue;
			if (self->exchange.state == EXCHANGE_IDLE) {
				self->exchange.state = EXCHANGE_HEAD;
				set_deadline(self, limits->header_timeout);
			}
			return at;
		case INPUT_HEAD: head_complete(self, at == count); break;
		case INPUT_COMPLETE: request_complete(self); break;
		case INPUT_REJECTED: reject(self, step.reason); return count;
		}
	}
	return at;
}

/// Stops reading while there is too much pending input, and then checks regularly that the client is still there.
static void bound_input(struct connection *self) {
	const bool waits = !takes_input(self) || self->deferred;
	if (!waits || self->input.count <= PENDING_INPUT_LIMIT) {
		set_reading(self, true);
		return;
	}
	set_reading(self, false);
	if (self->exchange.state == EXCHANGE_PENDING && !reply_overflow(&self->reply)) set_deadline(self, PAUSE_CHECK);
}

/// Consumes the pending input.
static void take_pending(struct connection *self) {
	while (takes_input(self) && self->input.count && !self->deferred) {
		const size_t used = take(self, self->input.bytes, self->input.count);
		if (!self->input.count) return; // the connection lingers or is closed
		pending_input_consume(&self->input, used);
		if (!used) break;
	}
}

/// Handles `bytes`, which have just arrived, after the pending input. Without bytes, it continues with the pending
/// input. All input goes through this function.
static void connection_pump(struct connection *self, const uint8_t *bytes, size_t count) {
	if (self->pumping) return; // the outer call continues
	self->pumping = true;
	self->references++;
	const bool is_direct = count && !self->input.count && takes_input(self);
	const size_t used = is_direct ? take(self, bytes, count) : 0;
	if (self->state == CONNECTION_OPEN) {
		if (used < count) pending_input_append(&self->input, bytes + used, count - used);
		if (!is_direct) take_pending(self);
		if (self->state == CONNECTION_OPEN && (self->input.count || !count)) bound_input(self);
	}
	self->pumping = false;
	release(self);
}

// ---- replies

/// The time in which the client must take enough bytes.
static int64_t write_timeout(const struct connection *self) {
	const int64_t servers = self->group->limits.write_timeout, own = self->exchange.write_timeout;
	return own && (!servers || own < servers) ? own : servers;
}

/// Starts the time in which the client must take enough bytes.
static void begin_waiting(struct connection *self) {
	reply_begin_waiting(&self->reply, self->fd);
	set_deadline(self, write_timeout(self));
}

/// Gives the client more time if it has taken enough bytes. Returns whether it has.
static bool extend_deadline(struct connection *self) {
	if (reply_progress(&self->reply, self->fd) < SHIM_MIN_PACE_BYTES) return false;
	begin_waiting(self);
	return true;
}

/// Handles the end of a write timeout: drops the client unless it has taken enough bytes.
static void check_pace(struct connection *self) {
	if (extend_deadline(self)) return;
	struct connection_group *group = self->group;
	group->callbacks.dropped(
		group->context, &self->exchange, reply_progress(&self->reply, self->fd), write_timeout(self));
	connection_end(self, END_RESET);
}

/// Handles a reply that is complete and sent: continues with the next request, or ends the connection.
static void reply_complete(struct connection *self) {
	const enum exchange_verdict verdict = self->exchange.verdict;
	exchange_clear(&self->exchange);
	if (verdict != VERDICT_KEEP) {
		connection_end(self, verdict == VERDICT_LINGER || self->input.count ? END_LINGER : END_CLOSE);
		return;
	}
	self->exchange.state = EXCHANGE_IDLE;
	set_deadline(self, self->group->limits.idle_timeout);
	if (!parser_complete(&self->parser)) { // evhttp ran out of memory
		connection_end(self, END_CLOSE);
		return;
	}
	set_reading(self, true);
	if (self->input.count) connection_pump(self, NULL, 0);
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
	case REPLY_BROKEN: set_reading(self, true); return 0; // the readable side reports it
	case REPLY_WAITS: break;
	}
	if (!has_waited) begin_waiting(self);
	set_writing(self, true);
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
	if (!keep_alive && exchange->verdict == VERDICT_KEEP) exchange->verdict = VERDICT_CLOSE;
	if (self->reply.broken) connection_end(self, END_CLOSE);
	else if (!reply_overflow(&self->reply)) reply_complete(self);
	else if (self->slot.slot == SLOT_NONE) connection_end(self, END_CLOSE); // no slot, so we do not wait for the client
	else exchange->state = EXCHANGE_SENDING;
}

void shim_exchange_cut(shim_exchange *exchange, bool reset) {
	exchange->context = NULL;
	connection_end(connection_of(exchange), reset ? END_RESET : END_CLOSE);
}

const char *shim_exchange_peer(const shim_exchange *exchange) {
	return parser_peer(&((const struct connection *)exchange)->parser);
}

// ---- events

/// Handles the peer's FIN.
static void received_end(struct connection *self) {
	// A client that closed only its sending side still gets the reply that is being sent, and the replies to requests
	// that had arrived completely. Reading resumes after them, and finds the end again.
	if (self->state == CONNECTION_OPEN && (self->exchange.state == EXCHANGE_SENDING || self->deferred)) {
		if (self->exchange.verdict == VERDICT_LINGER) self->exchange.verdict = VERDICT_CLOSE;
		set_reading(self, false);
		return;
	}
	connection_end(self, END_CLOSE);
}

static void received(struct connection *self, const uint8_t *bytes, size_t count) {
	if (self->state == CONNECTION_LINGERING) {
		self->lingered += (uint32_t)count;
		if (self->lingered > LINGER_LIMIT) connection_end(self, END_CLOSE);
		return;
	}
	connection_pump(self, bytes, count);
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
	(void)what;
	struct connection *self = context;
	shim_loop *loop = self->group->loop;
	const ssize_t count = recv(fd, loop->buffer, sizeof loop->buffer, 0);
	if (count > 0) received(self, loop->buffer, (size_t)count);
	else if (count == 0) received_end(self);
	else if (errno != EAGAIN && errno != EINTR) connection_end(self, END_CLOSE);
	shim_loop_settle(loop);
}

static void flush(struct connection *self) {
	size_t sent = 0;
	if (!reply_flush(&self->reply, self->fd, &sent)) {
		connection_end(self, END_CLOSE);
		return;
	}
	if (reply_overflow(&self->reply)) {
		if (sent) extend_deadline(self);
		return;
	}
	set_writing(self, false);
	set_deadline(self, self->reading ? 0 : PAUSE_CHECK);
	if (self->exchange.state == EXCHANGE_SENDING) reply_complete(self);
	else if (self->exchange.state == EXCHANGE_PENDING && self->exchange.context)
		self->group->callbacks.drained(self->exchange.context);
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	struct connection *self = context;
	shim_loop *loop = self->group->loop;
	if (reply_overflow(&self->reply)) {
		flush(self);
	} else {
		set_writing(self, false);
		if (self->deferred) {
			self->deferred = false;
			connection_pump(self, NULL, 0);
		}
	}
	shim_loop_settle(loop);
}

/// While reading is paused, checks whether the client is still there.
static void check_paused(struct connection *self) {
	struct pollfd peer = { .fd = self->fd, .events = POLLRDHUP };
	if (poll(&peer, 1, 0) > 0) connection_end(self, END_CLOSE);
	else set_deadline(self, PAUSE_CHECK);
}

static void on_deadline(void *context) {
	struct connection *self = context;
	if (self->state != CONNECTION_OPEN) {
		connection_end(self, END_CLOSE);
		return;
	}
	switch (self->exchange.state) {
	case EXCHANGE_IDLE: connection_end(self, END_CLOSE); break;
	case EXCHANGE_HEAD:
	case EXCHANGE_BODY: reject(self, SHIM_REJECT_TOO_SLOW); break;
	case EXCHANGE_PENDING:
		if (reply_overflow(&self->reply)) check_pace(self);
		else check_paused(self);
		break;
	case EXCHANGE_SENDING: check_pace(self); break;
	}
}

// ---- opening

struct connection *connection_new(struct connection_group *group, struct bufferevent *bev) {
	struct connection *self = calloc(1, sizeof *self);
	if (!self) return NULL;
	self->group = group;
	self->fd = -1;
	self->references = 1;
	self->exchange.budget = group->budget;
	parser_begin(&self->parser, bev);
	shim_timer_init(&self->deadline, group->loop, on_deadline, self);
	self->next = group->connections;
	if (self->next) self->next->link = &self->next;
	self->link = &group->connections;
	group->connections = self;
	group->adopting++;
	if (++group->count > group->peak) group->peak = group->count;
	return self;
}

void connection_open(struct connection *self) {
	struct connection_group *group = self->group;
	struct event_base *base = group->loop->base;
	group->adopting--;
	self->state = CONNECTION_OPEN;
	self->fd = parser_take_socket(&self->parser);
	if (self->fd < 0) {
		connection_end(self, END_CLOSE);
		return;
	}
	shim_loop_map(group->loop, self->fd);
	event_assign(&self->readable, base, self->fd, EV_READ | EV_PERSIST, on_readable, self);
	event_assign(&self->writable, base, self->fd, EV_WRITE | EV_PERSIST, on_writable, self);
	event_priority_set(&self->readable, SHIM_PRIORITY_URGENT); // until we know what it asks for
	event_priority_set(&self->writable, SHIM_PRIORITY_NORMAL);
	self->urgent = true;
	set_reading(self, true);
	const int reason = connection_limits_admit(&group->slots, &self->slot, self->fd);
	if (reason) reject(self, (shim_reject)reason);
	else if (self->slot.slot == SLOT_RESERVED && group->limits.header_timeout) // a reserved slot is for short use only
		set_deadline(self, group->limits.header_timeout);
	else set_deadline(self, group->limits.idle_timeout);
}
