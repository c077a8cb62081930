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
    /// Open connections; one more is answered 503 and closed.
    public var connections = 16_384
    /// From the first byte of a head to its last.
    public var headerTimeout = Duration.seconds(15)
    /// From the end of the head to the last byte of the body.
    public var bodyTimeout = Duration.seconds(300)
    /// Between two requests on a connection. Longer than the 90 s after which proxies drop theirs.
    public var idleTimeout = Duration.seconds(120)
    /// Without the client taking a byte of what is sent.
    public var writeTimeout = Duration.seconds(30)

    public init() {}

    var shim: shim_server_limits {
        shim_server_limits(
            max_header_bytes: headerBytes, max_body_bytes: UInt64(bodyBytes), max_buffered_bytes: bufferedBytes,
            max_connections: connections, header_timeout: headerTimeout.inNanoseconds,
            body_timeout: bodyTimeout.inNanoseconds, idle_timeout: idleTimeout.inNanoseconds,
            write_timeout: writeTimeout.inNanoseconds)
    }
}
