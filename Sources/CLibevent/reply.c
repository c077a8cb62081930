/// Replies: what is sent, how fast it is taken, and what comes after it.
#include "connection.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

// ---- how fast a client takes what is sent

static int64_t write_timeout(const struct shim_exchange *self) {
	const int64_t servers = self->server->limits.write_timeout, own = self->write_timeout;
	return own && (!servers || own < servers) ? own : servers;
}

/// Bytes that have arrived at the peer since the connection began. What the socket took says little: it takes megabytes
/// for a peer that takes nothing, and then nothing more until a third of them is out. Source: tcp(7), SIOCOUTQ.
static uint64_t taken_by_peer(const struct shim_exchange *self) {
	int queued = 0;
	if (ioctl(self->fd, TIOCOUTQ, &queued) < 0 || queued < 0 || (uint64_t)queued > self->written) return self->taken;
	return self->written - (uint64_t)queued;
}

/// From now on the client has to take something.
static void begin_waiting(struct shim_exchange *self) {
	self->taken = taken_by_peer(self);
	connection_set_deadline(self, write_timeout(self));
}

bool connection_note_progress(struct shim_exchange *self) {
	const uint64_t taken = taken_by_peer(self);
	if (taken < self->taken + SHIM_MIN_PACE_BYTES) return false;
	self->taken = taken;
	connection_set_deadline(self, write_timeout(self));
	return true;
}

void connection_check_pace(struct shim_exchange *self) {
	if (connection_note_progress(self)) return;
	struct shim_server *server = self->server;
	server->callbacks.dropped(server->context, self, (size_t)(taken_by_peer(self) - self->taken), write_timeout(self));
	connection_cut(self);
}

void shim_exchange_set_write_timeout(shim_exchange *self, int64_t interval) {
	self->write_timeout = interval;
	if (connection_overflow(self)) begin_waiting(self);
}

// ---- sending

size_t shim_exchange_send(shim_exchange *self, const void *first, size_t first_count, const void *second,
	size_t second_count, const void *third, size_t third_count) {
	struct iovec pieces[3] = { { (void *)first, first_count }, { (void *)second, second_count },
		{ (void *)third, third_count } };
	const size_t total = first_count + second_count + third_count;
	size_t sent = 0;
	if (self->broken || !total) return 0;
	if (!connection_overflow(self)) {
		const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = third_count ? 3 : second_count ? 2 : 1 };
		const ssize_t count = sendmsg(self->fd, &message, MSG_NOSIGNAL);
		if (count < 0 && errno != EAGAIN && errno != EINTR) { // the readable side will tell
			self->broken = true;
			connection_set_reading(self, true);
			return 0;
		}
		if (count > 0) sent = (size_t)count;
		self->written += sent;
		if (sent == total) return 0;
		begin_waiting(self);
	}
	connection_keep(self, pieces, sent);
	return connection_overflow(self);
}

// ---- the end of a reply

/// The reply is complete and sent: on to the next request, or the end.
void connection_completed(struct shim_exchange *self) {
	struct evhttp_request *request = self->request;
	self->request = NULL;
	self->context = NULL;
	connection_forget_body(self);
	if (self->close_after) {
		if (self->linger_after || self->held.count) connection_linger(self);
		else connection_close(self, false);
		return;
	}
	self->phase = PHASE_IDLE;
	connection_set_deadline(self, self->server->limits.idle_timeout);
	evhttp_send_reply_end(request); // its output is empty: it gets ready for the next request at once
	if (!self->evcon) {             // evhttp saw a reason to close that the guard did not
		connection_close(self, false);
		return;
	}
	connection_set_reading(self, true);
	if (self->held.count) connection_process(self);
}

static void finish(struct shim_exchange *self) {
	if (self->broken) {
		connection_close(self, false);
	} else if (!connection_overflow(self)) {
		connection_completed(self);
	} else if (self->place == PLACE_NONE) { // a connection without a place is not waited for
		connection_close(self, false);
	} else {
		self->phase = PHASE_FINISHING;
		self->context = NULL;
	}
}

/// Does what the function asked for while evhttp was on the stack.
void connection_settle_reply(struct shim_exchange *self) {
	if (self->cut) connection_close(self, self->reset);
	else if (self->finished) finish(self);
}

void shim_exchange_finish(shim_exchange *self, bool keep_alive) {
	if (!keep_alive) self->close_after = true;
	self->finished = true;
	if (!self->in_evhttp) finish(self);
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
	self->write_timeout = 0;
	self->close_after = self->linger_after = true;
	connection_set_deadline(self, 0);
	self->server->callbacks.rejected(self->server->context, self, reason);
}
