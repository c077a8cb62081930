/// What a connection's socket and its deadline have to tell.
#define _GNU_SOURCE // POLLRDHUP
#include "connection.h"

#include <errno.h>
#include <poll.h>

enum { LINGER_LIMIT = 64 * 1024 * 1024 }; // bytes: a client may send a whole body before it looks for the refusal

static void check_paused(struct shim_exchange *self) {
	struct pollfd peer = { .fd = self->fd, .events = POLLRDHUP };
	if (poll(&peer, 1, 0) > 0) connection_lost(self);
	else connection_set_deadline(self, CONNECTION_PAUSE_CHECK);
}

static void connection_received(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	if (self->phase == PHASE_LINGERING) {
		self->lingered += (uint32_t)count;
		if (self->lingered > LINGER_LIMIT) connection_close(self, false);
		return;
	}
	self->pins++;
	const bool direct = !self->held.count && connection_takes_input(self);
	const size_t used = direct ? connection_take(self, bytes, count) : 0;
	if (!self->closed && self->phase != PHASE_LINGERING) {
		if (used < count) connection_hold(self, bytes + used, count - used);
		if (!direct) connection_process_held(self);
		if (!self->closed && self->held.count) connection_bound_held(self);
	}
	connection_unpin(self);
}

/// The peer has sent its FIN, or the connection broke.
static void connection_ended(struct shim_exchange *self, bool by_fin) {
	// A client that only closed its sending side still gets the reply that is being sent, and those to requests that
	// were here, whole, before: reading goes on after them, and finds the end again.
	if (by_fin && (self->phase == PHASE_FINISHING || self->continue_later)) {
		self->linger_after = false;
		connection_set_reading(self, false);
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

void connection_set_urgent(struct shim_exchange *self, bool urgent) {
	if (self->urgent == urgent) return;
	const int priority = urgent ? SHIM_PRIORITY_URGENT : SHIM_PRIORITY_NORMAL;
	if (event_priority_set(&self->readable, priority) == 0) self->urgent = urgent; // refused while the event is active
}

static void flush_overflow(struct shim_exchange *self) {
	const int count = evbuffer_write(self->overflow, self->fd);
	if (count < 0 && errno != EAGAIN && errno != EINTR) {
		connection_lost(self);
		return;
	}
	if (count > 0) self->written += (size_t)count;
	if (connection_overflow(self)) {
		if (count > 0) connection_note_progress(self);
		return;
	}
	connection_set_writing(self, false);
	connection_set_deadline(self, self->reading ? 0 : CONNECTION_PAUSE_CHECK);
	if (self->phase == PHASE_FINISHING) connection_completed(self);
	else if (self->phase == PHASE_PENDING && self->context) self->server->callbacks.drained(self->context);
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	struct shim_exchange *self = context;
	shim_loop *loop = self->server->loop;
	if (connection_overflow(self)) {
		flush_overflow(self);
	} else {
		connection_set_writing(self, false);
		if (self->continue_later) connection_continue(self);
	}
	shim_loop_settle(loop);
}

static void on_deadline(void *context) {
	struct shim_exchange *self = context;
	switch (self->phase) {
	case PHASE_HEAD:
	case PHASE_BODY: connection_reject(self, SHIM_REJECT_TOO_SLOW); break;
	case PHASE_PENDING:
		if (!connection_overflow(self)) {
			check_paused(self);
			break;
		}
		// fall through
	case PHASE_FINISHING: connection_check_pace(self); break;
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
	if (++server->connection_count > server->peak) server->peak = server->connection_count;
}

void connection_open(struct shim_exchange *self) {
	struct shim_server *server = self->server;
	struct event_base *base = server->loop->base;
	if (!connection_take_socket(self)) {
		connection_close(self, false);
		return;
	}
	shim_loop_map(server->loop, self->fd);
	event_assign(&self->readable, base, self->fd, EV_READ | EV_PERSIST, on_readable, self);
	event_assign(&self->writable, base, self->fd, EV_WRITE | EV_PERSIST, on_writable, self);
	event_priority_set(&self->readable, SHIM_PRIORITY_URGENT); // until it is known what it asks
	event_priority_set(&self->writable, SHIM_PRIORITY_NORMAL);
	self->urgent = true;
	connection_set_reading(self, true);
	const int refused = connection_find_place(self);
	if (refused) connection_reject(self, refused);
	else if (self->place == PLACE_RESERVED && server->limits.header_timeout) // as short as its purpose
		connection_set_deadline(self, server->limits.header_timeout);
	else connection_set_deadline(self, server->limits.idle_timeout);
}
