#ifndef SHIM_SERVER_H
#define SHIM_SERVER_H

#include "shim_loop.h"
#include "shim_tls.h"
#include <sys/socket.h>

#pragma clang assume_nonnull begin

/// An HTTP/1.1 server: evhttp parses; the shim owns the sockets, checks the framing and sends the bytes.
typedef struct shim_server shim_server;

/// One request that waits for its reply. Valid until it is finished or cut, or until `gone` is called for it.
typedef struct shim_exchange shim_exchange;

/// The body of a request. It is independent of the exchange and may move to another thread.
typedef struct shim_body shim_body;

/// Why the shim rejected a request before it reached the `requested` callback.
typedef enum __attribute__((enum_extensibility(closed))) {
	/// The request is not well-formed HTTP/1.1 (RFC 9112), or its framing is ambiguous.
	SHIM_REJECT_MALFORMED = 1,
	/// An HTTP version other than 1.0 and 1.1.
	SHIM_REJECT_VERSION,
	/// A method other than GET, HEAD, OPTIONS and POST.
	SHIM_REJECT_METHOD,
	/// A transfer coding before `chunked`.
	SHIM_REJECT_CODING,
	/// An expectation other than 100-continue.
	SHIM_REJECT_EXPECTATION,
	/// The head is longer than `max_header_bytes` or has more than 128 fields.
	SHIM_REJECT_HEAD_TOO_LARGE,
	/// The target alone makes the head longer than `max_header_bytes`.
	SHIM_REJECT_TARGET_TOO_LONG,
	/// The body is longer than `max_body_bytes`.
	SHIM_REJECT_BODY_TOO_LARGE,
	/// There is no room in `max_buffered_bytes`, in the client's share of it, or in the process's memory.
	SHIM_REJECT_BUFFERS_FULL,
	/// `max_connections` are open, and the reserved connections are all in use or not allowed for this request.
	SHIM_REJECT_TOO_MANY_CONNECTIONS,
	/// `max_connections_per_address` connections from the same address are open.
	SHIM_REJECT_TOO_MANY_FROM_ADDRESS,
	/// The head or the body took too long to arrive.
	SHIM_REJECT_TOO_SLOW,
} shim_reject;

typedef enum __attribute__((enum_extensibility(closed))) {
	SHIM_METHOD_NONE,
	SHIM_METHOD_GET,
	SHIM_METHOD_HEAD,
	SHIM_METHOD_POST,
	SHIM_METHOD_OPTIONS,
	SHIM_METHOD_DELETE, ///< only if the server accepts it; handled like POST
} shim_method;

typedef struct {
	size_t max_header_bytes; ///< of one request's head
	uint64_t max_body_bytes; ///< of one request
	bool accepts_delete;     ///< whether DELETE is a method of the server's, for targets in origin form
	/// What all clients together make the server hold: bodies, each until its `shim_body` is freed; heads, input that
	/// cannot be handled yet, replies that clients do not take, and what the function says that it holds, without the
	/// first SHIM_UNCOUNTED_BYTES of each connection. One client, which is an address or an IPv6 /64, may hold four
	/// times as much as is free.
	size_t max_buffered_bytes;
	size_t max_connections; ///< beyond it, a connection gets a reserved slot, or is rejected
	/// Slots beyond `max_connections`, each for one request without a byte of body, so that health checks are answered
	/// when the ordinary slots are taken. A reserved connection that sends nothing is closed after `header_timeout`.
	size_t reserved_connections;
	size_t max_connections_per_address; ///< from one IPv4 address or IPv6 /64, reserved ones included; 0: any number
	int64_t header_timeout;             ///< from a head's first byte to its last
	int64_t body_timeout;               ///< from the head's end to the body's last byte
	int64_t read_timeout;               ///< for the peer to send SHIM_MIN_UPLOAD_BYTES, or the rest of a body
	int64_t idle_timeout;               ///< for a connection between requests
	int64_t write_timeout;              ///< for the peer to take SHIM_MIN_PACE_BYTES, or everything that waits
} shim_server_limits;

enum {
	/// The bytes a client must take in each `write_timeout` while a reply waits for it, so that a client that reads
	/// very slowly cannot hold a connection forever.
	SHIM_MIN_PACE_BYTES = 1024,
	/// The bytes of a body that a client must send in each `read_timeout`.
	SHIM_MIN_UPLOAD_BYTES = 16 * 1024,
	/// The bytes that a connection may hold without being counted.
	SHIM_UNCOUNTED_BYTES = 8192,
	/// The most rejected connections, without an ordinary or reserved slot, that stay open for two seconds so that the
	/// peer can read the rejection: see `shim_lingering_connections`.
	SHIM_MAX_LINGERING = 64,
	SHIM_MIN_LINGERING = 8,
};

typedef struct {
	/// The head of a POST request has arrived. Called once, before `100 Continue` is sent, and before the body is
	/// received unless all of it came with the head. Returns true if it has sent an answer and finished: the request is
	/// refused, and a body that is still to come is not received.
	bool (*refused)(void *_Nullable context, shim_exchange *exchange);
	/// A request has arrived completely. Reply in the callback, or set a context and reply later.
	void (*requested)(void *_Nullable context, shim_exchange *exchange);
	/// A request was rejected: send an answer and finish. The exchange has no target and no body, and a method only if
	/// it has arrived.
	void (*rejected)(void *_Nullable context, shim_exchange *exchange, shim_reject reason);
	/// The client of the exchange with this context has left. The exchange is no longer valid.
	void (*gone)(void *exchange_context);
	/// All bytes sent on the exchange with this context have left the shim's buffer.
	void (*drained)(void *exchange_context);
	/// accept(2) failed with `error`, for example because descriptors ran out. It is tried again every 100 ms.
	void (*accept_failed)(void *_Nullable context, int error);
	/// accept(2) has not failed for one second since the failure that `accept_failed` reported.
	void (*accept_recovered)(void *_Nullable context);
	/// The client took only `taken` bytes, too few, in the last `interval` (a `write_timeout`). The callback may read
	/// the exchange. The exchange is cut next, and `gone` is called if it has a context.
	void (*dropped)(void *_Nullable context, const shim_exchange *exchange, size_t taken, int64_t interval);
	/// The last connection was closed.
	void (*emptied)(void *_Nullable context);
	/// The handshake of TLS with `peer` has failed: see `shim_tls_error_text`. NULL if that is of no interest.
	void (*_Nullable handshake_failed)(void *_Nullable context, const char *peer, int error);
} shim_server_callbacks;

/// How many rejected connections stay open at once for two seconds, so that the peer can read the rejection: half of
/// `max_connections`, within the bounds above. A server with few descriptors keeps few.
size_t shim_lingering_connections(size_t max_connections);

/// Makes a server that does not listen yet. The caller owns it. NULL if there is no memory.
shim_server *_Nullable shim_server_new(
	shim_loop *loop, shim_server_limits limits, shim_server_callbacks callbacks, void *_Nullable context);

/// Listens on `address`, and writes the real port to it. `ipv6_only` matters only for IPv6.
/// Returns 0, or the errno of the failed call.
int shim_server_listen(shim_server *self, struct sockaddr_storage *address, socklen_t length, bool ipv6_only);

/// Has the connections that are accepted from now on speak TLS; NULL: not. The server keeps the context.
void shim_server_set_tls(shim_server *self, shim_tls_context *_Nullable context);

/// Closes the listening sockets. Connections that the kernel has accepted, and the loop has not seen yet, are reset.
void shim_server_stop_listening(shim_server *self);

/// Closes the connections that are between requests. From now on, a request of which a part has arrived has `interval`
/// for the rest of its head, and then for the rest of its body.
void shim_server_close_idle(shim_server *self, int64_t interval);

/// Cuts every connection with a RST, and calls `gone` for those with a pending request.
void shim_server_cut_all(shim_server *self);

/// The number of replies that are complete, and of which the peer has not taken all. Looks at every connection.
size_t shim_server_unsent_count(const shim_server *self);

/// The number of open connections, including those that only wait for the peer to close.
size_t shim_server_connection_count(const shim_server *self);

/// The most connections that were open at once since the last call.
size_t shim_server_take_peak(shim_server *self);

/// The number of bytes that are held now, as `max_buffered_bytes` counts them.
size_t shim_server_buffered_bytes(const shim_server *self);

/// Cuts every connection and frees the server. No exchange may have a context at that time.
void shim_server_free(shim_server *self);

/// Sets the `context` for `gone` and `drained`. NULL: neither is called.
void shim_exchange_set_context(shim_exchange *self, void *_Nullable context);

shim_method shim_exchange_method(const shim_exchange *self);

/// The request's path as it was sent, without the query, and its length; `/` for a rejected request whose head was not
/// valid. Valid as long as the exchange.
const char *shim_exchange_path(const shim_exchange *self, size_t *count);

/// The request's query as it was sent, without its question mark, and its length; NULL if there is none. Valid as long
/// as the exchange.
const char *_Nullable shim_exchange_query(const shim_exchange *self, size_t *count);

/// The header field with this `name`, in any case, that comes after `index` others of the same name; NULL if there is
/// none. Valid as long as the exchange.
const char *_Nullable shim_exchange_header(const shim_exchange *self, const char *name, size_t index);

/// The name and the value of a header field: the first one if `*cursor` is NULL, else the next one. Returns false, and
/// sets nothing, after the last. They are valid as long as the exchange.
bool shim_exchange_next_field(const shim_exchange *self, const void *_Nullable *_Nonnull cursor,
	const char *_Nullable *_Nonnull name, const char *_Nullable *_Nonnull value);

/// The client's numeric address, without port. An IPv4 address is written as IPv4, even on an IPv6 socket. Valid as
/// long as the exchange.
const char *shim_exchange_peer(const shim_exchange *self);

/// Whether the connection may serve another request after this one.
bool shim_exchange_keep_alive(const shim_exchange *self);

/// Whether the client uses HTTP/1.0: it gets no chunks, and keep-alive must be stated in a header field.
bool shim_exchange_is_http10(const shim_exchange *self);

/// Notes a number about the request, from its head until it is complete. 0 stands for none.
void shim_exchange_set_mark(shim_exchange *self, uint32_t mark);

/// The number that was noted about the request; 0: none.
uint32_t shim_exchange_mark(const shim_exchange *self);

/// Notes a number about the connection, other than 0, which counts as long as its requests have the same `credential`.
/// Only the last one is kept; none of one that is very long.
void shim_exchange_note_credential(
	shim_exchange *self, const void *_Nullable credential, size_t count, uint64_t number);

/// The number that was noted with the same `credential`; 0: none. How long it takes does not depend on what differs.
uint64_t shim_exchange_credential(const shim_exchange *self, const void *_Nullable credential, size_t count);

/// Whether the connection has a reserved slot, which is for requests that are answered at once.
bool shim_exchange_is_reserved(const shim_exchange *self);

/// The number of bytes in the body.
size_t shim_exchange_body_count(const shim_exchange *self);

/// Moves the body out of the exchange. The caller owns it. NULL if there is no body or no memory.
shim_body *_Nullable shim_exchange_take_body(shim_exchange *self);

/// Says how many bytes the function holds for this request from now on, in place of what it said before and of the body
/// that it has taken. They count in `max_buffered_bytes` until the request is finished, like the rest of what the
/// connection holds. Returns false, and counts nothing, if there is no room: then the function must not hold them.
bool shim_exchange_hold(shim_exchange *self, size_t count);

/// Sends up to three pieces in one system call, and keeps what the socket does not take yet. Returns the number of
/// bytes kept. Does nothing once the peer is gone.
size_t shim_exchange_send(shim_exchange *self, const void *_Nullable first, size_t first_count,
	const void *_Nullable second, size_t second_count, const void *_Nullable third, size_t third_count);

/// Lowers `write_timeout` to `interval` for this request. 0, or a value above the server's, restores the server's
/// timeout.
void shim_exchange_set_write_timeout(shim_exchange *self, int64_t interval);

/// Completes the reply. Keeps the connection for the next request if `keep_alive`, else closes it once all is sent.
/// The exchange must not be used afterwards.
void shim_exchange_finish(shim_exchange *self, bool keep_alive);

/// Ends the connection at once, so that the client sees that the reply is incomplete: by RST if `reset`, else by FIN.
/// The exchange must not be used afterwards.
void shim_exchange_cut(shim_exchange *self, bool reset);

/// The number of bytes in the body. Any thread, one at a time.
size_t shim_body_count(const shim_body *self);

/// Copies the body to `bytes`, which has room for `shim_body_count`. Any thread, one at a time.
void shim_body_copy(const shim_body *self, void *bytes);

/// Frees the body. Any thread.
void shim_body_free(shim_body *self);

/// The time in the format of the Date field (RFC 9110, 5.6.7): 29 characters, cached for a second.
const char *shim_server_date(shim_server *self);

#pragma clang assume_nonnull end

#endif
