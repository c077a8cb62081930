#include "shim_stream.h"
#include "internal.h"
#include "tls.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum stream_state {
	STREAM_CONNECTING,
	STREAM_HANDSHAKING, ///< of TLS
	STREAM_OPEN,
	STREAM_SEND_FAILED, ///< bytes to send are dropped; what the peer has sent can still be read
	STREAM_ENDED,
};

struct shim_stream {
	shim_loop *loop;
	int fd;
	enum stream_state state;
	bool reading;    ///< whether the owner wants to read
	int write_error; ///< why sending failed, an errno; otherwise 0
	struct queued_event readable, writable;
	struct evbuffer *overflow; ///< bytes that the socket did not take; NULL until needed
	struct tls *tls;           ///< NULL: bytes are sent as they are
	shim_stream_callbacks callbacks;
	void *context;
};

static size_t overflow_count(const shim_stream *self) {
	return self->overflow ? evbuffer_get_length(self->overflow) : 0;
}

size_t shim_stream_unsent(const shim_stream *self) {
	if (self->state == STREAM_SEND_FAILED) return 0;
	return overflow_count(self) + (self->tls ? tls_unsent(self->tls) : 0);
}

/// Whether the owner has not been told yet that the connection is established.
static bool is_opening(const shim_stream *self) { return self->state <= STREAM_HANDSHAKING; }

/// Records that nothing more can be sent. The owner learns it from the readable side, because after a reset recv(2)
/// still returns what the peer sent before.
static void stream_break(shim_stream *self, int error) {
	self->state = STREAM_SEND_FAILED;
	self->write_error = error;
	queued_event_stop(&self->writable);
	if (self->overflow) evbuffer_drain(self->overflow, overflow_count(self));
}

static void stream_end(shim_stream *self, int error) {
	self->state = STREAM_ENDED;
	queued_event_stop(&self->readable);
	queued_event_stop(&self->writable);
	self->callbacks.ended(self->context, error); // may free the stream
}

/// Handles what recv(2) or its like has returned. Returns whether there was anything: bytes, or the end. Then the
/// stream may be freed.
static inline bool handle_read(shim_stream *self, ssize_t count) {
	if (count > 0) self->callbacks.received(self->context, self->loop->buffer, (size_t)count);
	else if (count == 0)
		// A failed send(2) has consumed the socket's error, so a RST looks like a FIN here. Only EPIPE means a real
		// FIN.
		stream_end(self, self->write_error == EPIPE ? 0 : self->write_error);
	else if (errno == EAGAIN || errno == EINTR) return false;
	else stream_end(self, self->write_error == ENOMEM ? ENOMEM : errno);
	return true;
}

static bool read_encrypted(shim_stream *self) {
	const ssize_t count = tls_receive(self->tls, self->loop->buffer, sizeof self->loop->buffer);
	const int error = errno;
	if (tls_has_more(self->tls)) queued_event_push(&self->readable);
	if (shim_stream_unsent(self)) queued_event_watch(&self->writable, NULL);
	errno = error;
	return handle_read(self, count);
}

static bool read_stream(shim_stream *self) {
	if (self->tls) return read_encrypted(self);
	return handle_read(self, recv(self->fd, self->loop->buffer, sizeof self->loop->buffer, 0));
}

/// Goes on with the handshake of TLS. Returns false if the stream ended.
static bool shake_hands(shim_stream *self) {
	const int result = tls_handshake(self->tls);
	if (result < 0) {
		stream_end(self, errno);
		return false;
	}
	if (tls_unsent(self->tls)) queued_event_watch(&self->writable, NULL);
	if (result > 0) self->state = STREAM_OPEN;
	return true;
}

static void on_readable(struct queued_event *event) {
	shim_stream *self = EVENT_OWNER(event, shim_stream, readable);
	if (self->state != STREAM_HANDSHAKING) {
		read_stream(self);
		return;
	}
	if (!shake_hands(self) || self->state != STREAM_OPEN) return;
	if (self->reading) queued_event_push(&self->readable); // what came with the last of it
	else queued_event_stop(&self->readable);
	self->callbacks.connected(self->context); // may free the stream
}

bool shim_stream_read_now(shim_stream *self) {
	if (!self->reading || is_opening(self) || self->state == STREAM_ENDED) return false;
	return read_stream(self);
}

/// Finishes connecting. Returns false if the stream ended.
static bool stream_connected(shim_stream *self) {
	int error = 0;
	socklen_t length = sizeof error;
	if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
	if (error) {
		stream_end(self, error);
		return false;
	}
	self->state = self->tls ? STREAM_HANDSHAKING : STREAM_OPEN;
	if (self->reading || self->tls) queued_event_watch(&self->readable, NULL);
	return !self->tls || shake_hands(self);
}

/// The same as sendmsg(2), or encrypted.
static ssize_t send_pieces(shim_stream *self, struct iovec *pieces, int count) {
	if (self->tls) return tls_send(self->tls, pieces, count);
	const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)count };
	return sendmsg(self->fd, &message, MSG_NOSIGNAL);
}

/// Sends as much of the overflow as the socket takes. Unlike evbuffer_write(3), it never raises SIGPIPE.
static void flush_stream(shim_stream *self) {
	struct evbuffer_iovec pieces[16];
	int count = evbuffer_peek(self->overflow, -1, NULL, pieces, 16);
	if (count > 16) count = 16;
	const ssize_t sent = send_pieces(self, pieces, count);
	if (sent > 0) evbuffer_drain(self->overflow, (size_t)sent);
	else if (sent < 0 && errno != EAGAIN && errno != EINTR) stream_break(self, errno);
}

static void on_writable(struct queued_event *event) {
	shim_stream *self = EVENT_OWNER(event, shim_stream, writable);
	if (self->state == STREAM_CONNECTING) {
		if (!stream_connected(self)) return;
		if (!shim_stream_unsent(self)) queued_event_stop(&self->writable);
		if (self->state == STREAM_OPEN) self->callbacks.connected(self->context); // may free the stream
		return;
	}
	if (self->tls && tls_flush(self->tls) < 0) {
		if (self->state == STREAM_HANDSHAKING) {
			stream_end(self, errno);
			return;
		}
		stream_break(self, errno);
	}
	if (self->state == STREAM_HANDSHAKING) {
		if (!tls_unsent(self->tls)) queued_event_stop(&self->writable);
		return;
	}
	if (self->state == STREAM_OPEN && overflow_count(self)) flush_stream(self);
	if (!shim_stream_unsent(self)) queued_event_stop(&self->writable);
}

shim_stream *shim_stream_connect(shim_loop *loop, const struct sockaddr *address, socklen_t length, shim_tls_peer *peer,
	shim_stream_callbacks callbacks, void *context, int *error) {
	const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		*error = errno;
		return NULL;
	}
	const int one = 1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	const bool connected = connect(fd, address, length) == 0;
	shim_stream *self = connected || errno == EINPROGRESS ? calloc(1, sizeof *self) : NULL;
	struct tls *tls = self && peer ? tls_new_client(peer, fd) : NULL;
	if (!self || (peer && !tls)) {
		*error = self ? ENOMEM : errno;
		free(self);
		close(fd);
		return NULL;
	}
	// With TLS, the first event begins the handshake, also if it is connected.
	const bool is_open = connected && !tls;
	*self = (shim_stream){ .loop = loop,
		.fd = fd,
		.state = is_open ? STREAM_OPEN : STREAM_CONNECTING,
		.reading = true,
		.tls = tls,
		.callbacks = callbacks,
		.context = context };
	shim_loop_map(loop, fd);
	queued_event_init(&self->readable, &loop->queues, fd, EV_READ | EV_PERSIST, EVENT_OUTBOUND, on_readable);
	queued_event_init(&self->writable, &loop->queues, fd, EV_WRITE | EV_PERSIST, EVENT_OUTBOUND, on_writable);
	queued_event_watch(is_open ? &self->readable : &self->writable, NULL);
	return self;
}

bool shim_stream_is_connected(const shim_stream *self) { return self->state == STREAM_OPEN; }

struct borrowed_body {
	void (*release)(void *owner);
	void *owner;
};

static void on_body_sent(const void *bytes, size_t count, void *context) {
	(void)bytes;
	(void)count;
	struct borrowed_body *borrowed = context;
	borrowed->release(borrowed->owner);
	free(borrowed);
}

/// Sends both pieces as far as the socket takes them. Returns the number of bytes sent.
static size_t stream_write(
	shim_stream *self, const void *head, size_t head_count, const void *body, size_t body_count) {
	if (self->state != STREAM_OPEN || shim_stream_unsent(self)) return 0;
	struct iovec pieces[2] = { { (void *)head, head_count }, { (void *)body, body_count } };
	const ssize_t count = send_pieces(self, pieces, body_count ? 2 : 1);
	if (count < 0 && errno != EAGAIN && errno != EINTR) stream_break(self, errno);
	return count > 0 ? (size_t)count : 0;
}

/// Keeps all but the first `sent` bytes, and releases the body when they are sent. Returns false, and does not release
/// it, if there is no memory.
static bool keep_unsent(shim_stream *self, const void *head, size_t head_count, const void *body, size_t body_count,
	size_t sent, void (*release)(void *owner), void *owner) {
	if (!self->overflow && !(self->overflow = evbuffer_new())) return false;
	const size_t head_sent = sent < head_count ? sent : head_count, body_sent = sent - head_sent;
	if (head_count > head_sent &&
		evbuffer_add(self->overflow, (const char *)head + head_sent, head_count - head_sent) < 0)
		return false;
	if (body_count == body_sent) {
		release(owner);
		return true;
	}
	struct borrowed_body *borrowed = malloc(sizeof *borrowed);
	if (!borrowed) return false;
	*borrowed = (struct borrowed_body){ release, owner };
	if (evbuffer_add_reference(
			self->overflow, (const char *)body + body_sent, body_count - body_sent, on_body_sent, borrowed) == 0)
		return true;
	free(borrowed);
	return false;
}

void shim_stream_send(shim_stream *self, const void *head, size_t head_count, const void *body, size_t body_count,
	void (*release)(void *owner), void *owner) {
	const size_t sent = stream_write(self, head, head_count, body, body_count);
	const bool is_lost = self->state == STREAM_SEND_FAILED || self->state == STREAM_ENDED;
	if (is_lost || sent == head_count + body_count) {
		release(owner);
		if (self->tls && tls_unsent(self->tls)) queued_event_watch(&self->writable, NULL);
		return;
	}
	if (keep_unsent(self, head, head_count, body, body_count, sent, release, owner)) {
		queued_event_watch(&self->writable, NULL);
		return;
	}
	release(owner);
	stream_break(self, ENOMEM);
	shim_reset_socket(self->fd);
	if (self->reading) queued_event_push(&self->readable); // which reports the end, even while it is connecting
}

void shim_stream_set_reading(shim_stream *self, bool reading) {
	if (self->reading == reading) return;
	self->reading = reading;
	if (is_opening(self) || self->state == STREAM_ENDED) return;
	if (!reading) {
		queued_event_stop(&self->readable);
		return;
	}
	queued_event_watch(&self->readable, NULL);
	if (self->tls && tls_has_more(self->tls)) queued_event_push(&self->readable);
}

void shim_stream_free(shim_stream *self) {
	queued_event_stop(&self->readable);
	queued_event_stop(&self->writable);
	if (self->tls) {
		if (!is_opening(self)) tls_end(self->tls);
		tls_free(self->tls);
	}
	close(self->fd);
	if (self->overflow) evbuffer_free(self->overflow);
	free(self);
}
