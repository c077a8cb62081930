#define _GNU_SOURCE // POLLRDHUP
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

/// The most bytes discarded while lingering. A client may send a whole body before it reads the rejection.
enum { LINGER_LIMIT = 64 * 1024 * 1024 };

/// Handles the peer's FIN.
static void received_end(struct connection *self) {
	// A client that closed only its sending side still gets the reply that is being sent, and the replies to requests
	// that had arrived completely. Reading resumes after them, and finds the end again.
	if (self->state == CONNECTION_OPEN && (self->exchange.state == EXCHANGE_SENDING || self->deferred)) {
		if (self->exchange.verdict == VERDICT_LINGER) self->exchange.verdict = VERDICT_CLOSE;
		watch_set_reading(&self->watch, false);
		return;
	}
	connection_end(self, END_CLOSE);
}

static void received(struct connection *self, const uint8_t *bytes, size_t count) {
	watch_set_urgent(&self->watch, false); // until a request earns it
	if (self->state == CONNECTION_LINGERING) {
		self->lingered += (uint32_t)count;
		if (self->lingered > LINGER_LIMIT) connection_end(self, END_CLOSE);
		return;
	}
	connection_pump(self, bytes, count);
}

/// The time for a handshake if heads have no limit.
#define HANDSHAKE_TIME INT64_C(15000000000)

static void report_handshake(struct connection *self, int error) {
	struct connection_group *group = self->group;
	if (group->callbacks.handshake_failed)
		group->callbacks.handshake_failed(group->context, parser_peer(&self->parser), error);
}

/// Starts the time in which the first bytes of a request must come.
static void set_idle_deadline(struct connection *self) {
	const shim_server_limits *limits = &self->group->limits;
	// A reserved slot is for short use only.
	const bool is_short = self->slot.kind == SLOT_RESERVED && limits->header_timeout;
	watch_set_deadline(&self->watch, is_short ? limits->header_timeout : limits->idle_timeout);
}

/// Goes on with the handshake of TLS. Returns whether requests can come.
static bool shake_hands(struct connection *self) {
	const int result = tls_handshake(self->tls), error = errno;
	if (result < 0) {
		report_handshake(self, error);
		connection_end(self, END_CLOSE);
		return false;
	}
	if (tls_unsent(self->tls)) watch_set_writing(&self->watch, true);
	if (!result) return false;
	self->shaking_hands = false;
	set_idle_deadline(self);
	return true;
}

/// The same as recv(2), or decrypted.
static ssize_t receive(struct connection *self, void *buffer, size_t size) {
	// While it lingers, what comes is only counted.
	if (!self->tls || self->state == CONNECTION_LINGERING) return recv(self->fd, buffer, size, 0);
	const ssize_t count = tls_receive(self->tls, buffer, size);
	self->watch.has_more = tls_has_more(self->tls);
	if (self->watch.has_more && self->watch.reading) queued_event_push(&self->watch.readable);
	if (tls_unsent(self->tls)) watch_set_writing(&self->watch, true);
	return count;
}

static void on_readable(struct queued_event *event) {
	struct connection *self = EVENT_OWNER(event, struct connection, watch.readable);
	if (self->shaking_hands && !shake_hands(self)) return;
	shim_loop *loop = self->group->loop;
	const ssize_t count = receive(self, loop->buffer, sizeof loop->buffer);
	if (count > 0) received(self, loop->buffer, (size_t)count);
	else if (count == 0) received_end(self);
	else if (errno != EAGAIN && errno != EINTR) connection_end(self, END_CLOSE);
}

static void flush(struct connection *self) {
	size_t sent = 0;
	if (!reply_flush(&self->reply, self->fd, &sent)) {
		connection_end(self, END_CLOSE);
		return;
	}
	connection_count(self);
	if (reply_overflow(&self->reply)) {
		if (sent) connection_check_progress(self);
		return;
	}
	watch_set_writing(&self->watch, false);
	watch_set_deadline(&self->watch, self->watch.reading ? 0 : CONNECTION_PAUSE_CHECK);
	if (self->exchange.state == EXCHANGE_SENDING) connection_reply_complete(self);
	else if (self->exchange.state == EXCHANGE_PENDING && self->exchange.context)
		self->group->callbacks.drained(self->exchange.context);
}

static void on_writable(struct queued_event *event) {
	struct connection *self = EVENT_OWNER(event, struct connection, watch.writable);
	const bool is_between = exchange_takes_input(&self->exchange) && !self->deferred;
	if (self->shaking_hands || (self->tls && is_between)) { // there is no reply
		if (tls_flush(self->tls) < 0) connection_end(self, END_CLOSE);
		else if (!tls_unsent(self->tls)) watch_set_writing(&self->watch, false);
	} else if (reply_overflow(&self->reply)) {
		flush(self);
	} else if (self->deferred) {
		self->deferred = false;
		connection_pump(self, NULL, 0);
	}
}

/// While reading is paused, checks whether the client is still there.
static void check_paused(struct connection *self) {
	struct pollfd peer = { .fd = self->fd, .events = POLLRDHUP };
	if (poll(&peer, 1, 0) > 0) connection_end(self, END_CLOSE);
	else watch_set_deadline(&self->watch, CONNECTION_PAUSE_CHECK);
}

/// Handles the deadline of what the connection waits for.
static void deadline_passed(struct connection *self) {
	if (self->state != CONNECTION_OPEN) {
		connection_end(self, END_CLOSE);
		return;
	}
	switch (self->exchange.state) {
	case EXCHANGE_IDLE:
		if (self->shaking_hands) report_handshake(self, ETIMEDOUT);
		connection_end(self, END_CLOSE);
		break;
	case EXCHANGE_HEAD:
	case EXCHANGE_BODY: connection_reject(self, SHIM_REJECT_TOO_SLOW); break;
	case EXCHANGE_PENDING:
		if (reply_overflow(&self->reply)) connection_check_pace(self);
		else check_paused(self);
		break;
	case EXCHANGE_SENDING: connection_check_pace(self); break;
	}
}

/// Bytes that have arrived before the deadline count, even if this process, suspended or busy, has not read them.
static void on_deadline(void *context) {
	struct connection *self = context;
	const enum exchange_state before = self->exchange.state;
	self->references++;
	if (self->watch.reading) queued_event_handle_now(&self->watch.readable);
	const bool is_met = self->watch.deadline.deadline || self->exchange.state != before;
	if (self->state != CONNECTION_CLOSED && !is_met) deadline_passed(self);
	connection_release(self);
}

// ---- opening

struct connection *connection_new(struct connection_group *group) {
	struct connection *self = calloc(1, sizeof *self);
	if (!self || !parser_begin(&self->parser, group->loop->base)) {
		free(self);
		return NULL;
	}
	self->group = group;
	self->fd = -1;
	self->references = 1;
	self->exchange.budget = group->budget;
	shim_timer_init(&self->watch.deadline, group->loop, on_deadline, self);
	return self;
}

void connection_discard(struct connection *self) {
	parser_give_up(&self->parser);
	free(self);
}

void connection_join(struct connection *self) {
	struct connection_group *group = self->group;
	self->next = group->connections;
	if (self->next) self->next->link = &self->next;
	self->link = &group->connections;
	group->connections = self;
	if (++group->count > group->peak) group->peak = group->count;
}

/// Returns false if there is no memory.
static bool begin_tls(struct connection *self) {
	self->tls = tls_new_server(self->group->tls, self->fd);
	self->reply.tls = self->tls;
	self->shaking_hands = self->tls != NULL;
	watch_set_urgent(&self->watch, false); // a handshake takes longer than a small request
	return self->tls != NULL;
}

void connection_open(struct connection *self) {
	struct connection_group *group = self->group;
	self->state = CONNECTION_OPEN;
	self->waits_since = shim_loop_now(group->loop);
	self->fd = parser_take_socket(&self->parser);
	if (self->fd < 0) {
		connection_end(self, END_CLOSE);
		return;
	}
	watch_socket(&self->watch, self->fd, on_readable, on_writable);
	if (group->tls && !begin_tls(self)) {
		connection_end(self, END_RESET);
		return;
	}
	watch_set_reading(&self->watch, true);
	// Nearly every client has sent its request by now: it need not wait for one more poll.
	if (group->loop->busy) queued_event_push(&self->watch.readable);
	connection_make_slot(self);
	const int reason = connection_limits_admit(&group->slots, &self->slot, self->fd);
	if (reason && self->tls) { // nothing can be said before the handshake
		report_handshake(self, SHIM_TLS_TOO_MANY);
		connection_end(self, END_CLOSE);
	} else if (reason) connection_reject(self, (shim_reject)reason);
	else if (self->tls)
		watch_set_deadline(&self->watch, group->limits.header_timeout ? group->limits.header_timeout : HANDSHAKE_TIME);
	else set_idle_deadline(self);
}
