internal import CLibevent
internal import EventLoop

/// How much a server takes, and how long it waits. A duration of zero means no limit.
public struct Limits: Sendable {
    /// Bytes of a request's head, its request line and all fields.
    public var headerBytes = 64 * 1024
    /// Bytes of one request's body.
    public var bodyBytes = 32 * 1024 * 1024
    /// Bytes of all bodies that are being received or waiting to be decoded.
    public var bufferedBytes = 512 * 1024 * 1024
    /// Open connections; one more gets a place of the reserve, and beyond it is answered 503 and closed.
    public var connections = 16_384
    /// Connections beyond `connections`, each for one request without a body: health checks are answered when all
    /// others are taken. A POST is answered 503 there, unless an ordinary place has become free.
    public var reservedConnections = 64
    /// Open connections from one address, the reserve included; one more is answered 503 and closed. 0: any number.
    ///
    /// IPv6 addresses count by their /64, which is what one client is given; IPv4 addresses mapped into IPv6 count as
    /// IPv4.
    public var connectionsPerAddress = 0
    /// From the first byte of a head to its last.
    public var headerTimeout = Duration.seconds(15)
    /// From the end of the head to the last byte of the body.
    public var bodyTimeout = Duration.seconds(300)
    /// Between two requests on a connection. Longer than the 90 s after which proxies drop theirs.
    public var idleTimeout = Duration.seconds(120)
    /// In which a client must take at least 1 KiB of what is sent, or all that waits. One that takes nothing, or drips,
    /// is cut.
    ///
    /// What counts is what has arrived at the client, not what this machine's socket took.
    public var writeTimeout = Duration.seconds(30)

    /// Connections that may be open at once, those included that were rejected and have yet to read why.
    public var allConnections: Int { connections + reservedConnections + Int(SHIM_MAX_LINGERING) }

    public init() {}

    var shim: shim_server_limits {
        shim_server_limits(
            max_header_bytes: headerBytes, max_body_bytes: UInt64(bodyBytes), max_buffered_bytes: bufferedBytes,
            max_connections: connections, reserved_connections: reservedConnections,
            max_connections_per_address: connectionsPerAddress, header_timeout: headerTimeout.inNanoseconds,
            body_timeout: bodyTimeout.inNanoseconds, idle_timeout: idleTimeout.inNanoseconds,
            write_timeout: writeTimeout.inNanoseconds)
    }
}
