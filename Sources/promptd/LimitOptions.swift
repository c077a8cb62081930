import ArgumentParser
import EventLoop
import HTTPServer

/// What clients may do.
struct LimitOptions: ParsableArguments {
    @Option(help: "Bytes of a request's head. (default: 64KiB)")
    var maxHeaderBytes: ByteCount?

    @Option(help: "Bytes of a request's body. (default: 32MiB)")
    var maxBodyBytes: ByteCount?

    @Option(help: "Bytes of all bodies that are being received or waiting to be decoded. (default: 512MiB)")
    var maxBufferedBytes: ByteCount?

    @Option(help: "Open connections. (default: 16384, or what the file limit allows)")
    var maxConnections: Int?

    @Option(help: "Connections beyond those, for requests without a body, such as health checks. (default: 64)")
    var reservedConnections: Int?

    @Option(
        help: "Open connections from one IPv4 address or IPv6 /64; 0 for any number. Not behind a proxy. (default: 0)")
    var maxConnectionsPerAddress: Int?

    @Option(help: "How long a request's head may take to arrive. (default: 15s)")
    var headerTimeout: DurationArgument?

    @Option(help: "How long a request's body may take to arrive. (default: 5m)")
    var bodyTimeout: DurationArgument?

    @Option(help: "How long a connection may be idle between requests. (default: 2m)")
    var keepAliveTimeout: DurationArgument?

    @Option(help: "How long a client may take less than 1 KiB of what waits for it. (default: 30s)")
    var writeTimeout: DurationArgument?

    func limits() throws -> Limits {
        var limits = Limits()
        func set(_ path: WritableKeyPath<Limits, Int>, _ flag: ByteCount?, _ name: String) throws {
            limits[keyPath: path] = try Environment.setting(
                flag, "PROMPTD_\(name)", ByteCount.expected, default: ByteCount(limits[keyPath: path])
            ).bytes
        }
        func set(_ path: WritableKeyPath<Limits, Duration>, _ flag: DurationArgument?, _ name: String) throws {
            limits[keyPath: path] = try Environment.setting(
                flag, "PROMPTD_\(name)", DurationArgument.expected, default: DurationArgument(limits[keyPath: path])
            ).duration
        }
        try set(\.headerBytes, maxHeaderBytes, "MAX_HEADER_BYTES")
        try set(\.bodyBytes, maxBodyBytes, "MAX_BODY_BYTES")
        try set(\.bufferedBytes, maxBufferedBytes, "MAX_BUFFERED_BYTES")
        try set(\.headerTimeout, headerTimeout, "HEADER_TIMEOUT")
        try set(\.bodyTimeout, bodyTimeout, "BODY_TIMEOUT")
        try set(\.idleTimeout, keepAliveTimeout, "KEEP_ALIVE_TIMEOUT")
        try set(\.writeTimeout, writeTimeout, "WRITE_TIMEOUT")
        limits.connections = try number(maxConnections, "max-connections", from: 1, default: limits.connections)
        limits.reservedConnections = try number(
            reservedConnections, "reserved-connections", from: 0, default: limits.reservedConnections)
        limits.connectionsPerAddress = try number(
            maxConnectionsPerAddress, "max-connections-per-address", from: 0, default: limits.connectionsPerAddress)
        return limits
    }

    private func number(_ flag: Int?, _ name: String, from least: Int, default standard: Int) throws -> Int {
        let variable = "PROMPTD_" + name.uppercased().replacing("-", with: "_")
        let expected = "a number from \(least) to 1000000"
        let value = try Environment.setting(flag, variable, expected, default: standard)
        guard (least...1_000_000).contains(value) else { throw ValidationError("Give --\(name) \(expected).") }
        return value
    }
}
