/// Sends bytes to a client, and watches how fast it takes them. Internal to the shim.
#ifndef SHIM_REPLY_H
#define SHIM_REPLY_H

#include "byte_buffer.h"
#include "tls.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { REPLY_MAX_PIECES = 3 };

/// The state of sending on one connection. All zero at the start.
struct reply {
	struct byte_buffer overflow; ///< bytes that the socket did not take
	uint64_t written;            ///< bytes that the socket took since the connection began
	uint64_t taken;              ///< of `written`, the bytes that had reached the client when its time was last renewed
	bool broken;                 ///< sending failed: nothing more is sent
	struct tls *tls;             ///< the connection's; NULL: bytes are sent as they are
};

enum reply_result {
	REPLY_SENT,      ///< the socket has taken everything
	REPLY_WAITS,     ///< a part of it waits in `overflow`
	REPLY_BROKEN,    ///< sending failed
	REPLY_NO_MEMORY, ///< a part of it is lost: the connection must be reset
};

/// Bytes that the socket has not taken yet, encrypted ones included.
static inline size_t reply_overflow(const struct reply *self) {
	const size_t plain = byte_buffer_count(&self->overflow);
	return self->tls ? plain + tls_unsent(self->tls) : plain;
}

/// The memory of the bytes that wait, in bytes.
size_t reply_capacity(const struct reply *self);

/// Sends `pieces` in one system call, after the bytes that wait already, and keeps what the socket does not take.
enum reply_result reply_send(struct reply *self, int fd, struct iovec pieces[REPLY_MAX_PIECES], size_t count);

/// Sends "100 Continue", which asks the client for the body. It is never kept for later: if the socket cannot take it,
/// the client is not asked.
void reply_send_continue(struct reply *self, int fd);

/// Sends the waiting bytes, as far as the socket takes them. `*sent` is the number of bytes sent. False: sending
/// failed.
bool reply_flush(struct reply *self, int fd, size_t *sent);

/// Gives the client time from now on: `reply_progress` counts from here.
void reply_begin_waiting(struct reply *self, int fd);

/// The number of bytes that have reached the client since its time was last renewed.
size_t reply_progress(const struct reply *self, int fd);

void reply_free(struct reply *self);

#endif
