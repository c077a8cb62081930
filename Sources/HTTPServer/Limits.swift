internal import CLibevent
internal import EventLoop

/// Limits of a server: sizes, counts and timeouts. A duration of zero means no limit.
public struct Limits: Sendable {
    /// Maximum bytes of a request's head: its request line and all fields.
    public var headerBytes = 64 * 1024
    /// Maximum bytes of one request's body.
    public var bodyBytes = 32 * 1024 * 1024
    /// Whether DELETE is accepted, for targets that are a path. The service refuses it where it is no method.
    public var acceptsDelete = false
    /// Maximum bytes that all clients together make the server hold: heads, bodies that are being received or waiting
    /// to be decoded, requests that wait behind others, what the service holds for its requests (`Request.hold`), and
    /// replies that clients do not take. The first 8 KiB of each connection do not count.
    ///
    /// A client, which is an IPv4 address or an IPv6 /64, may hold four times as much as is free: one client alone
    /// reaches four fifths, and others find room. A single request may use all. When there is no room, a body that is still arriving makes
    /// room for others: one that is at least twice as long as the newcomer's, or one of which less than 16 KiB has
    /// arrived in the last 250 ms. It is answered 503. If there is none, the newcomer is answered 503.
    public var bufferedBytes = 512 * 1024 * 1024
    /// Maximum number of ordinary open connections. A further connection takes the place of one that has been idle for
    /// a second or longer, or gets a reserved slot; if there is none, it is answered 503 and closed.
    public var connections = 16_384
    /// Reserved connection slots beyond `connections`, each for one request without a body, so that health checks are
    /// answered when all ordinary slots are in use. A POST on a reserved slot is answered 503, unless an ordinary slot
    /// has become free.
    public var reservedConnections = 64
    /// Maximum number of open connections from one address, reserved slots included; a further one is answered 503 and
    /// closed. 0 means no limit.
    ///
    /// IPv6 addresses are counted by their /64 prefix, since one client usually gets a whole /64; IPv4 addresses mapped
    /// into IPv6 count as IPv4.
    public var connectionsPerAddress = 0
    /// The time from the first byte of a head to its last.
    public var headerTimeout = Duration.seconds(15)
    /// The time from the end of the head to the last byte of the body.
    public var bodyTimeout = Duration.seconds(300)
    /// The interval in which a client must send at least 16 KiB of its body, or the rest of it.
    public var readTimeout = Duration.seconds(30)
    /// The time between two requests on a connection. It is longer than the 90 s after which proxies drop their
    /// connections.
    public var idleTimeout = Duration.seconds(120)
    /// The interval in which a client must take at least 1 KiB of its reply, or all bytes that are waiting. The
    /// connection of a client that takes less is closed.
    ///
    /// Only bytes that have arrived at the client count, not bytes that are still in this machine's socket buffer.
    public var writeTimeout = Duration.seconds(30)

    /// The maximum number of connections that may be open at once, including rejected ones that have not yet read their
    /// response.
    package var allConnections: Int { connections + reservedConnections + shim_lingering_connections(connections) }

    /// The defaults.
    public init() {}

    var shim: shim_server_limits {
        shim_server_limits(
            max_header_bytes: headerBytes, max_body_bytes: UInt64(bodyBytes), accepts_delete: acceptsDelete,
            max_buffered_bytes: bufferedBytes,
            max_connections: connections, reserved_connections: reservedConnections,
            max_connections_per_address: connectionsPerAddress, header_timeout: headerTimeout.inNanoseconds,
            body_timeout: bodyTimeout.inNanoseconds, read_timeout: readTimeout.inNanoseconds,
            idle_timeout: idleTimeout.inNanoseconds,
            write_timeout: writeTimeout.inNanoseconds)
    }
}
