#include "tls.h"

#include "tls_error.h"
#include "tls_peer.h"
#include <errno.h>
#include <event2/buffer.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
	RECEIVE_AT_ONCE = 64 * 1024, ///< the most that is taken from the socket in one call
	RECORD_BYTES = 16 * 1024,    ///< the most that a record has. Source: RFC 8446, 5.1
	UNSENT_LIMIT = 64 * 1024,    ///< encrypted bytes that may wait for the socket before more are encrypted
	/// More can only wait if the peer has TLS answer it again and again, and reads nothing.
	MOST_UNSENT = 4 * UNSENT_LIMIT,
	/// The records without data, such as those that ask for other keys, that a peer may send in a row. A server sends
	/// two tickets.
	MOST_IDLE_RECORDS = 32,
	/// The most of them in one call, so that they do not keep others waiting.
	IDLE_RECORDS_AT_ONCE = 8,
};

struct tls {
	SSL *ssl;
	int fd;
	struct evbuffer *unsent; ///< encrypted bytes
	shim_tls_peer *peer;
	size_t allowance;      ///< bytes that may be received in this call
	unsigned idle_records; ///< records without data since the last data
	bool blocked;          ///< the socket has no more, or may give no more in this call
	bool has_more;
	uint64_t sent;     ///< encrypted bytes that the socket has taken
	int error;         ///< why it has failed; otherwise 0
	bool peer_ended;   ///< the peer has said that nothing more comes
	bool socket_ended; ///< the socket has said so
};

// MARK: The socket

/// OpenSSL's own BIO for sockets raises SIGPIPE, and sends each record on its own.
static int bio_read(BIO *bio, char *buffer, int size) {
	struct tls *self = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (!self->allowance) {
		self->blocked = true; // the loop tells of the rest
		BIO_set_retry_read(bio);
		return -1;
	}
	const ssize_t count = recv(self->fd, buffer, (size_t)size < self->allowance ? (size_t)size : self->allowance, 0);
	if (count > 0) {
		self->allowance -= (size_t)count;
		return (int)count;
	}
	if (count == 0) {
		self->socket_ended = true;
		return 0;
	}
	self->blocked = true;
	if (errno == EAGAIN || errno == EINTR) BIO_set_retry_read(bio);
	else self->error = errno;
	return -1;
}

static int bio_write(BIO *bio, const char *bytes, int count) {
	struct tls *self = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	const bool is_much = evbuffer_get_length(self->unsent) > MOST_UNSENT;
	if (!is_much && evbuffer_add(self->unsent, bytes, (size_t)count) == 0) return count;
	self->error = is_much ? ENOBUFS : ENOMEM;
	return -1;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
	(void)number;
	(void)pointer;
	const struct tls *self = BIO_get_data(bio);
	switch (command) {
	case BIO_CTRL_FLUSH: return 1;
	case BIO_CTRL_EOF: return self->socket_ended;
	default: return 0;
	}
}

static BIO_METHOD *bio_method;

static void make_bio_method(void) {
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "promptd socket");
	if (!method) return;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_control);
	bio_method = method;
}

static BIO *new_bio(struct tls *owner) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_bio_method);
	BIO *bio = bio_method ? BIO_new(bio_method) : NULL;
	if (!bio) return NULL;
	BIO_set_data(bio, owner);
	BIO_set_init(bio, 1);
	return bio;
}

/// Notes why an operation has failed, if it has.
static void note_failure(struct tls *self, int result) {
	const int kind = SSL_get_error(self->ssl, result);
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return;
	if (kind == SSL_ERROR_ZERO_RETURN) {
		self->peer_ended = true;
		return;
	}
	const int failure = tls_take_error();
	if (self->error) return;
	const long verdict = SSL_get_verify_result(self->ssl);
	if (verdict != X509_V_OK && !SSL_is_init_finished(self->ssl)) self->error = SHIM_TLS_UNTRUSTED | (int)verdict;
	// The connection has ended, and nobody said that it was whole.
	else if (self->socket_ended) self->error = ECONNRESET;
	else self->error = failure;
}

// MARK: One connection

/// Takes a connection that nobody has begun yet.
static struct tls *tls_new(SSL *ssl, int fd) {
	struct tls *self = calloc(1, sizeof *self);
	struct evbuffer *unsent = evbuffer_new();
	BIO *bio = self && unsent && ssl ? new_bio(self) : NULL;
	if (!bio) {
		free(self);
		if (unsent) evbuffer_free(unsent);
		SSL_free(ssl);
		return NULL;
	}
	*self = (struct tls){ .ssl = ssl, .fd = fd, .unsent = unsent };
	SSL_set_bio(ssl, bio, bio);
	return self;
}

struct tls *tls_new_server(shim_tls_context *context, int fd) {
	SSL *ssl = SSL_new((SSL_CTX *)context);
	if (ssl) SSL_set_accept_state(ssl);
	return tls_new(ssl, fd);
}

struct tls *tls_new_client(shim_tls_peer *peer, int fd) {
	SSL *ssl = tls_peer_connection(peer);
	struct tls *self = tls_new(ssl, fd);
	if (self) self->peer = peer;
	else if (ssl) shim_tls_peer_free(peer);
	return self;
}

int tls_handshake(struct tls *self) {
	ERR_clear_error();
	self->allowance = RECEIVE_AT_ONCE;
	const int result = SSL_do_handshake(self->ssl);
	if (result != 1) note_failure(self, result);
	const int flushed = tls_flush(self); // also what says why it has failed
	if (self->error || self->peer_ended) {
		errno = self->error ? self->error : ECONNRESET;
		return -1;
	}
	return flushed < 0 ? -1 : result == 1;
}

/// Handles one record without data. Returns whether another may be read now.
static bool pass_idle_record(struct tls *self, unsigned *passed) {
	if (++self->idle_records > MOST_IDLE_RECORDS) {
		self->error = SHIM_TLS_FAILED | SSL_R_TOO_MANY_KEY_UPDATES;
		return false;
	}
	return ++*passed < IDLE_RECORDS_AT_ONCE;
}

ssize_t tls_receive(struct tls *self, void *buffer, size_t size) {
	size_t total = 0;
	unsigned passed = 0;
	self->allowance = RECEIVE_AT_ONCE;
	self->has_more = true;
	while (total < size && !self->error && !self->peer_ended) {
		size_t count;
		ERR_clear_error();
		self->blocked = false;
		if (SSL_read_ex(self->ssl, (char *)buffer + total, size - total, &count)) {
			total += count;
			self->idle_records = 0;
			if (SSL_has_pending(self->ssl)) continue;
			self->has_more = false;
			break;
		}
		note_failure(self, 0);
		if (self->error || self->peer_ended) break;
		if (self->blocked) {
			self->has_more = false; // the loop tells when the rest of a record has come
			break;
		}
		if (!pass_idle_record(self, &passed)) break;
	}
	if (tls_unsent(self)) tls_flush(self); // answers to the peer's requests for other keys
	if (total) return (ssize_t)total;
	if (self->peer_ended) return 0;
	errno = self->error ? self->error : EAGAIN;
	return -1;
}

bool tls_has_more(const struct tls *self) { return self->has_more || self->peer_ended || self->error; }

size_t tls_unsent(const struct tls *self) { return evbuffer_get_length(self->unsent); }

int tls_flush(struct tls *self) {
	while (tls_unsent(self)) {
		struct evbuffer_iovec pieces[16];
		int count = evbuffer_peek(self->unsent, -1, NULL, pieces, 16);
		if (count > 16) count = 16;
		const struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)count };
		const ssize_t sent = sendmsg(self->fd, &message, MSG_NOSIGNAL);
		if (sent > 0) {
			self->sent += (uint64_t)sent;
			evbuffer_drain(self->unsent, (size_t)sent);
		} else if (sent < 0 && errno == EAGAIN) return 0;
		else if (sent < 0 && errno != EINTR) return -1;
	}
	return 0;
}

/// Encrypts some of a piece. Returns how much; -1 if it has failed.
static ssize_t encrypt(struct tls *self, const struct iovec *piece) {
	size_t done = 0;
	while (done < piece->iov_len && tls_unsent(self) < UNSENT_LIMIT) {
		const size_t rest = piece->iov_len - done;
		size_t count;
		ERR_clear_error();
		if (!SSL_write_ex(
				self->ssl, (const char *)piece->iov_base + done, rest < RECORD_BYTES ? rest : RECORD_BYTES, &count)) {
			note_failure(self, 0);
			return -1;
		}
		done += count;
	}
	return (ssize_t)done;
}

ssize_t tls_send(struct tls *self, const struct iovec *pieces, int count) {
	if (tls_flush(self) < 0) return -1;
	ssize_t total = 0;
	for (int index = 0; index < count; index++) {
		const ssize_t done = encrypt(self, &pieces[index]);
		if (done < 0) {
			errno = self->error ? self->error : EIO;
			return -1;
		}
		total += done;
		if ((size_t)done < pieces[index].iov_len) break;
	}
	if (tls_flush(self) < 0) return -1;
	if (total) return total;
	errno = EAGAIN;
	return -1;
}

uint64_t tls_sent(const struct tls *self) { return self->sent; }

void tls_end(struct tls *self) {
	ERR_clear_error();
	if (!self->error && SSL_is_init_finished(self->ssl) && SSL_shutdown(self->ssl) >= 0) tls_flush(self);
	ERR_clear_error();
}

void tls_free(struct tls *self) {
	SSL_free(self->ssl);
	evbuffer_free(self->unsent);
	if (self->peer) shim_tls_peer_free(self->peer);
	free(self);
}
