/// TLS on a socket that the shim reads and writes itself. Source: ssl(7ssl).
#ifndef TLS_H
#define TLS_H

#include "shim_tls.h"
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/// One side of a connection. Its functions have the conventions of the socket's: bytes are counted as they are before
/// encryption; -1 sets errno, which may be an error of TLS: see `shim_tls_error_text`.
struct tls;

/// Makes the client's side of a connection. NULL: there is no memory.
struct tls *tls_new_client(shim_tls_peer *peer, int fd);

/// Makes the server's side of a connection. NULL: there is no memory.
struct tls *tls_new_server(shim_tls_context *context, int fd);

/// Goes on with the handshake. Returns 1 when it is done, 0 if bytes must come or go first, and -1 if it has failed.
int tls_handshake(struct tls *self);

/// Receives what there is, from all records that have arrived. 0: the peer has ended its side properly. If it has not,
/// the end is an error: what came may be cut.
ssize_t tls_receive(struct tls *self, void *buffer, size_t size);

/// Whether `tls_receive` may return more without another byte from the socket. Not for a part of a record.
bool tls_has_more(const struct tls *self);

/// Encrypts and sends some of the bytes, or none if earlier ones still wait for the socket.
ssize_t tls_send(struct tls *self, const struct iovec *pieces, int count);

/// Encrypted bytes that wait for the socket.
size_t tls_unsent(const struct tls *self);

/// Sends what waits for the socket. Returns -1 if the socket is broken.
int tls_flush(struct tls *self);

/// Encrypted bytes that the socket has taken since the connection began.
uint64_t tls_sent(const struct tls *self);

/// Tells the peer that nothing more comes, if the socket takes it at once.
void tls_end(struct tls *self);

/// Frees it, and tells the peer nothing: to it, an answer that is under way is cut. Does not close the socket.
void tls_free(struct tls *self);

#endif
