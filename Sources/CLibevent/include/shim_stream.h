#ifndef SHIM_STREAM_H
#define SHIM_STREAM_H

#include "shim_loop.h"
#include "shim_tls.h"
#include <sys/socket.h>

#pragma clang assume_nonnull begin

/// An outbound byte stream: a connected TCP socket on the loop.
typedef struct shim_stream shim_stream;

typedef struct {
	/// The connection is established. Not called if it was established at once: see `shim_stream_is_connected`.
	void (*connected)(void *_Nullable context);
	/// `count` bytes arrived. They lie in the loop's shared buffer and are valid only during the call, which may free
	/// the stream.
	void (*received)(void *_Nullable context, const uint8_t *bytes, size_t count);
	/// The peer ended the stream (0) or the stream broke (an errno, or an error of TLS: see `shim_tls_error_text`).
	/// This is the last callback; the owner must still free the stream.
	void (*ended)(void *_Nullable context, int error);
} shim_stream_callbacks;

/// Begins to connect to `address`; with TLS if there is a `peer`, whose certificate is then verified. The caller owns
/// the stream. NULL, with an errno in `*error`, if it failed at once.
shim_stream *_Nullable shim_stream_connect(shim_loop *loop, const struct sockaddr *address, socklen_t length,
	shim_tls_peer *_Nullable peer, shim_stream_callbacks callbacks, void *_Nullable context, int *error);

/// Reads what has arrived, as if the loop had told of it, if reading is not paused. Returns whether there was anything:
/// bytes, or the end. Then the callbacks may have freed the stream.
bool shim_stream_read_now(shim_stream *self);

/// Whether the connection is established and, as far as is known, open in both directions.
bool shim_stream_is_connected(const shim_stream *self);

/// Sends `head` and `body` in one system call, and keeps what the socket does not take yet. Either may be empty.
///
/// The head is copied. The body is never copied: it must not change until `release(owner)`, which is called exactly
/// once, possibly before this function returns. A broken stream drops the bytes; `ended` reports the failure.
void shim_stream_send(shim_stream *self, const void *_Nullable head, size_t head_count, const void *_Nullable body,
	size_t body_count, void (*release)(void *_Nullable owner), void *_Nullable owner);

/// Bytes that the socket has not taken yet.
size_t shim_stream_unsent(const shim_stream *self);

/// Stops or resumes reading. While stopped, neither `received` nor `ended` is called.
void shim_stream_set_reading(shim_stream *self, bool reading);

/// Closes the connection and frees the stream. No callback follows. May be called from the stream's callbacks.
void shim_stream_free(shim_stream *self);

#pragma clang assume_nonnull end

#endif
