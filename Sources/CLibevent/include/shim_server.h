#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H

#include "shim_loop.h"
#include <sys/socket.h>

#pragma clang assume_nonnull begin

/// An HTTP/1.1 server: evhttp parses, the shim owns the sockets, guards the framing and sends the bytes.
typedef struct shim_server shim_server;

/// One request that waits for its reply. Valid until it is finished or cut, or `gone` was called for it.
typedef struct shim_exchange shim_exchange;

/// A request's body on its own: no part of the exchange, and free to go to another thread.
typedef struct shim_body shim_body;

/// Why the shim turned a request away before the function saw it.
typedef enum __attribute__((enum_extensibility(closed))) {
	/// The request is not well-formed HTTP/1.1 (RFC 9112), or its framing is ambiguous.
	SHIM_REJECT_MALFORMED = 1,
	/// An HTTP version other than 1.0 and 1.1.
	SHIM_REJECT_VERSION,
	/// A method other than GET, HEAD and POST.
	SHIM_REJECT_METHOD,
	/// An expectation other than 100-continue.
	SHIM_REJECT_EXPECTATION,
	/// The head is longer than `max_header_bytes` or has more than 128 fields.
	SHIM_REJECT_HEAD_TOO_LARGE,
	/// The body is longer than `max_body_bytes`.
	SHIM_REJECT_BODY_TOO_LARGE,
	/// All bodies together are longer than `max_buffered_bytes`.
	SHIM_REJECT_BUFFERS_FULL,
	/// `max_connections` are open, and the reserve beyond them is taken too or is not for this request.
	SHIM_REJECT_TOO_MANY_CONNECTIONS,
	/// `max_connections_per_address` from the same address are open.
	SHIM_REJECT_TOO_MANY_FROM_ADDRESS,
	/// The head or the body took too long.
	SHIM_REJECT_TOO_SLOW,
} shim_reject;

typedef enum __attribute__((enum_extensibility(closed))) {
	SHIM_METHOD_NONE,
	SHIM_METHOD_GET,
	SHIM_METHOD_HEAD,
	SHIM_METHOD_POST,
} shim_method;

typedef struct {
	size_t max_header_bytes;   ///< of one request's head
	uint64_t max_body_bytes;   ///< of one request
	size_t max_buffered_bytes; ///< bodies of all connections, until their `shim_body` is freed
	size_t max_connections;    ///< one more gets a place of the reserve, or is rejected
	/// Connections beyond `max_connections`, each for one request without a body, so that health checks are answered
	/// when the others are taken. One that sends nothing is closed after `header_timeout`.
	size_t reserved_connections;
	size_t max_connections_per_address; ///< from one IPv4 address or IPv6 /64, reserve included; 0: any number
	int64_t header_timeout;             ///< from a head's first byte to its last
	int64_t body_timeout;               ///< from the head's end to the body's last byte
	int64_t idle_timeout;               ///< of a connection between requests
	int64_t write_timeout;              ///< in which the peer must take SHIM_MIN_PACE_BYTES, or all that waits
} shim_server_limits;

enum {
	/// What a client must take in each `write_timeout` while a reply waits for it: one that drips holds nothing for
	/// ever.
	SHIM_MIN_PACE_BYTES = 1024,
	/// Connections without a place of their own that may stay open, for two seconds, to let the peer read why.
	SHIM_MAX_LINGERING = 64,
};

typedef struct {
	/// A request is here, whole. Reply in the callback, or set a context and reply later.
	void (*requested)(void *_Nullable context, shim_exchange *exchange);
	/// A request was rejected: send an answer and finish. The exchange has no method, target or body.
	void (*rejected)(void *_Nullable context, shim_exchange *exchange, shim_reject reason);
	/// The client of the exchange with this context left. The exchange is no more.
	void (*gone)(void *exchange_context);
	/// All bytes sent on the exchange with this context have left the shim's buffer.
	void (*drained)(void *exchange_context);
	/// accept(2) failed with `error`, as it does when descriptors run out. It is tried again every 100 ms.
	void (*accept_failed)(void *_Nullable context, int error);
	/// Since a failure, which `accept_failed` told, accept(2) has not failed for a second.
	void (*accept_recovered)(void *_Nullable context);
	/// The client took only `taken` bytes, too few, in the last `interval`, a `write_timeout`. The exchange may be
	/// looked at; it is cut next, and `gone` called if it has a context.
	void (*dropped)(void *_Nullable context, const shim_exchange *exchange, size_t taken, int64_t interval);
	/// The last connection was closed.
	void (*emptied)(void *_Nullable context);
} shim_server_callbacks;

/// Makes a server that listens nowhere yet. The caller owns it. NULL when there is no memory.
shim_server *_Nullable shim_server_new(
	shim_loop *loop, shim_server_limits limits, shim_server_callbacks callbacks, void *_Nullable context);

/// Listens on `address`, which then holds the real port. `ipv6_only` matters for IPv6 alone.
/// Returns 0, or the errno of what failed.
int shim_server_listen(shim_server *self, struct sockaddr_storage *address, socklen_t length, bool ipv6_only);

/// Closes the listening sockets. What the kernel has accepted on them, and the loop has not seen yet, is reset.
void shim_server_stop_listening(shim_server *self);

/// Closes the connections that are between requests.
void shim_server_close_idle(shim_server *self);

/// Cuts every connection by RST, and calls `gone` for those with a pending request.
void shim_server_cut_all(shim_server *self);

/// Connections that are open, those included that only wait for the peer's close.
size_t shim_server_connection_count(const shim_server *self);

/// The most connections that were open at once since the last call.
size_t shim_server_take_peak(shim_server *self);

/// Bytes of bodies held now.
size_t shim_server_buffered_bytes(const shim_server *self);

/// Cuts every connection and frees the server. No exchange with a context may be left.
void shim_server_free(shim_server *self);

/// Remembers `context` for `gone` and `drained`. NULL: neither will be called.
void shim_exchange_set_context(shim_exchange *self, void *_Nullable context);

shim_method shim_exchange_method(const shim_exchange *self);

/// The request's path as it was sent, without query, and its length. Valid as long as the exchange.
const char *shim_exchange_path(const shim_exchange *self, size_t *count);

/// The first field called `name`, in any case; NULL if there is none. Valid as long as the exchange.
const char *_Nullable shim_exchange_header(const shim_exchange *self, const char *name);

/// The field called `name` that comes after `index` others of that name; NULL if there is none. Valid as long as the
/// exchange.
const char *_Nullable shim_exchange_header_at(const shim_exchange *self, const char *name, size_t index);

/// The client's address, numeric, without port; IPv4 in its own form, whatever the socket. Valid as long as the
/// exchange.
const char *shim_exchange_peer(const shim_exchange *self);

/// Whether the connection may serve another request after this one.
bool shim_exchange_keep_alive(const shim_exchange *self);

/// Whether the client speaks HTTP/1.0: no chunks, and keep-alive must be said.
bool shim_exchange_is_http10(const shim_exchange *self);

/// Bytes of the body.
size_t shim_exchange_body_count(const shim_exchange *self);

/// Moves the body out of the exchange. The caller owns it. NULL when there is none, or no memory.
shim_body *_Nullable shim_exchange_take_body(shim_exchange *self);

/// Sends up to three pieces in one system call, and keeps what the socket does not take yet. Returns the bytes kept.
/// Does nothing once the peer is gone.
size_t shim_exchange_send(shim_exchange *self, const void *_Nullable first, size_t first_count,
	const void *_Nullable second, size_t second_count, const void *_Nullable third, size_t third_count);

/// Lowers `write_timeout` to `interval` for this request; 0 gives it the server's back, and so does more than the
/// server's.
void shim_exchange_set_write_timeout(shim_exchange *self, int64_t interval);

/// The reply is complete. Keeps the connection for the next request if `keep_alive`, else closes it once all is sent.
/// The exchange must not be used afterwards.
void shim_exchange_finish(shim_exchange *self, bool keep_alive);

/// Ends the connection at once, so that the client sees that the reply is not whole: by RST if `reset`, else by FIN.
/// The exchange must not be used afterwards.
void shim_exchange_cut(shim_exchange *self, bool reset);

/// Bytes of the body. Any thread, one at a time.
size_t shim_body_count(const shim_body *self);

/// Copies the body to `bytes`, which has room for `shim_body_count`. Any thread, one at a time.
void shim_body_copy(const shim_body *self, void *bytes);

/// Frees the body. Any thread.
void shim_body_free(shim_body *self);

/// The time as a Date field wants it (RFC 9110, 5.6.7): 29 characters, cached for a second.
const char *shim_server_date(shim_server *self);

#pragma clang assume_nonnull end

#endif
