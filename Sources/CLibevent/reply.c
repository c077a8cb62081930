#include "reply.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static bool is_temporary(int error) { return error == EAGAIN || error == EINTR; }

size_t reply_capacity(const struct reply *self) {
	return self->overflow.capacity + (self->tls ? tls_unsent(self->tls) : 0);
}

/// The same as sendmsg(2), or encrypted.
static inline ssize_t send_pieces(const struct reply *self, int fd, struct iovec *pieces, size_t count) {
	if (self->tls) return tls_send(self->tls, pieces, (int)count);
	const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	return sendmsg(fd, &message, MSG_NOSIGNAL);
}

/// Keeps all of `pieces` except the first `sent` bytes. Returns false if there is no memory.
static bool keep(struct reply *self, const struct iovec *pieces, size_t count, size_t sent) {
	for (size_t i = 0; i < count; i++) {
		const size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
		const char *rest = (const char *)pieces[i].iov_base + skip;
		if (!byte_buffer_append(&self->overflow, rest, pieces[i].iov_len - skip, 0)) return false;
		sent -= skip;
	}
	return true;
}

enum reply_result reply_send(struct reply *self, int fd, struct iovec pieces[REPLY_MAX_PIECES], size_t count) {
	if (self->broken) return REPLY_BROKEN;
	size_t total = 0, sent = 0;
	for (size_t i = 0; i < count; i++) total += pieces[i].iov_len;
	if (!reply_overflow(self)) {
		const ssize_t result = send_pieces(self, fd, pieces, count);
		if (result < 0 && !is_temporary(errno)) {
			self->broken = true;
			return REPLY_BROKEN;
		}
		if (result > 0) sent = (size_t)result;
		self->written += sent;
		if (sent == total) return reply_overflow(self) ? REPLY_WAITS : REPLY_SENT;
	}
	if (keep(self, pieces, count, sent)) return REPLY_WAITS;
	self->broken = true;
	return REPLY_NO_MEMORY;
}

void reply_send_continue(struct reply *self, int fd) {
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec piece = { (void *)line, sizeof line - 1 };
	const ssize_t count = send_pieces(self, fd, &piece, 1);
	if (count > 0) self->written += (size_t)count;
	if (count >= 0 && (size_t)count < sizeof line - 1) self->broken = true;
}

/// The bytes that the socket has taken since the connection began.
static uint64_t sent_bytes(const struct reply *self) { return self->tls ? tls_sent(self->tls) : self->written; }

bool reply_flush(struct reply *self, int fd, size_t *sent) {
	const uint64_t before = sent_bytes(self);
	struct iovec piece = { (void *)byte_buffer_bytes(&self->overflow), byte_buffer_count(&self->overflow) };
	const ssize_t count = send_pieces(self, fd, &piece, 1);
	const int error = errno;
	if (count > 0) {
		byte_buffer_consume(&self->overflow, (size_t)count);
		self->written += (uint64_t)count;
	}
	*sent = (size_t)(sent_bytes(self) - before);
	return count >= 0 || is_temporary(error);
}

/// The number of bytes that have reached the client since the connection began. The number that the socket took says
/// little: for a client that reads nothing, the socket takes megabytes, and then nothing more until a third of them has
/// left. Source: tcp(7), SIOCOUTQ.
static uint64_t taken_by_client(const struct reply *self, int fd) {
	const uint64_t written = sent_bytes(self);
	int queued = 0;
	if (ioctl(fd, TIOCOUTQ, &queued) < 0 || queued < 0 || (uint64_t)queued > written) return self->taken;
	return written - (uint64_t)queued;
}

void reply_begin_waiting(struct reply *self, int fd) { self->taken = taken_by_client(self, fd); }

size_t reply_progress(const struct reply *self, int fd) {
	const uint64_t taken = taken_by_client(self, fd);
	return taken > self->taken ? (size_t)(taken - self->taken) : 0;
}

void reply_free(struct reply *self) { byte_buffer_free(&self->overflow); }
