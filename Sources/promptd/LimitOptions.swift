import ArgumentParser
import EventLoop
import HTTPServer

/// Options for the limits on clients.
struct LimitOptions: ParsableArguments {
    @Option(help: "Maximum size of a request's head. (default: 64KiB)", transform: ByteCount.init(flag:))
    var maxHeaderBytes: ByteCount?

    @Option(help: "Maximum size of a request's body. (default: 32MiB)", transform: ByteCount.init(flag:))
    var maxBodyBytes: ByteCount?

    @Option(
        help: "Maximum total size of what clients make the server hold in its buffers. (default: 512MiB)",
        transform: ByteCount.init(flag:))
    var maxBufferedBytes: ByteCount?

    @Option(help: "Maximum number of open connections. (default: 16384, or what the file limit allows)")
    var maxConnections: Int?

    @Option(help: "Additional connections, reserved for requests without a body, such as health checks. (default: 64)")
    var reservedConnections: Int?

    @Option(
        help: """
            Maximum number of open connections from one IPv4 address or IPv6 /64; 0 for no limit. Not for use behind a \
            proxy. (default: 0)
            """)
    var maxConnectionsPerAddress: Int?

    @Option(
        help: "How long a request's head may take to arrive. (default: 15s)", transform: DurationArgument.init(flag:))
    var headerTimeout: DurationArgument?

    @Option(
        help: "How long a request's body may take to arrive. (default: 5m)", transform: DurationArgument.init(flag:))
    var bodyTimeout: DurationArgument?

    @Option(
        help: "The time in which a client must send 16 KiB of its request's body, or the rest of it. (default: 30s)",
        transform: DurationArgument.init(flag:))
    var readTimeout: DurationArgument?

    @Option(
        help: "How long a connection may be idle between requests. (default: 2m)",
        transform: DurationArgument.init(flag:))
    var keepAliveTimeout: DurationArgument?

    @Option(
        help:
            "The time in which a client must read 1 KiB of what waits to be sent to it, or all of that. (default: 30s)",
        transform: DurationArgument.init(flag:))
    var writeTimeout: DurationArgument?

    func limits() throws -> Limits {
        var limits = Limits()
        limits.headerBytes = try Environment.bytes(maxHeaderBytes, "max-header-bytes", default: limits.headerBytes)
        limits.bodyBytes = try Environment.bytes(maxBodyBytes, "max-body-bytes", default: limits.bodyBytes)
        limits.bufferedBytes = try Environment.bytes(
            maxBufferedBytes, "max-buffered-bytes", default: limits.bufferedBytes)
        limits.headerTimeout = try Environment.duration(headerTimeout, "header-timeout", default: limits.headerTimeout)
        limits.bodyTimeout = try Environment.duration(bodyTimeout, "body-timeout", default: limits.bodyTimeout)
        limits.readTimeout = try Environment.duration(readTimeout, "read-timeout", default: limits.readTimeout)
        limits.idleTimeout = try Environment.duration(
            keepAliveTimeout, "keep-alive-timeout", default: limits.idleTimeout)
        limits.writeTimeout = try Environment.duration(writeTimeout, "write-timeout", default: limits.writeTimeout)
        limits.connections = try Environment.number(
            maxConnections, "max-connections", from: 1, default: limits.connections)
        limits.reservedConnections = try Environment.number(
            reservedConnections, "reserved-connections", from: 0, default: limits.reservedConnections)
        limits.connectionsPerAddress = try Environment.number(
            maxConnectionsPerAddress, "max-connections-per-address", from: 0, default: limits.connectionsPerAddress)
        return limits
    }
}
