import ArgumentParser
import EventLoop
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction

/// Where to listen.
struct ListenOptions: ParsableArguments {
    @Option(
        help: "Addresses to listen on, as a comma list. [LISTEN_ADDRESS] (default: [::]:8080,0.0.0.0:8080)")
    var listen: String?

    @Option(help: "The address to listen on, without port. [ADDRESS]")
    var address: String?

    @Option(help: "The port to listen on. [PORT] (default: 8080)")
    var port: UInt16?

    /// The addresses: flags first, then LISTEN_ADDRESS, then ADDRESS and PORT.
    func addresses() throws -> [ListenAddress] {
        if let listen { return try ListenAddress.list(listen) }
        if address == nil, port == nil, let list = Environment.text("LISTEN_ADDRESS") {
            return try ListenAddress.list(list)
        }
        let port = try Environment.setting(port, "PORT", "a port from 0 to 65535", default: 8080)
        guard let address = address ?? Environment.text("ADDRESS") else { return ListenAddress.everywhere(port: port) }
        let isBracketed = address.hasPrefix("[") && address.hasSuffix("]")
        return [ListenAddress(host: isBracketed ? String(address.dropFirst().dropLast()) : address, port: port)]
    }
}

/// How long Ollama may take.
struct DeadlineOptions: ParsableArguments {
    @Option(help: "How long one of Ollama's addresses may take to accept a connection. (default: 5s)")
    var connectTimeout: DurationArgument?

    @Option(
        help: """
            How long Ollama may take until the first token, or a whole answer, begins to come; loading the model counts. \
            (default: 10m)
            """)
    var firstTokenTimeout: DurationArgument?

    @Option(help: "How long Ollama may be silent between two tokens. (default: 2m)")
    var idleTimeout: DurationArgument?

    @Option(help: "How long Ollama may take for a whole answer. (default: 30m)")
    var totalTimeout: DurationArgument?

    func deadlines() throws -> Deadlines {
        var deadlines = Deadlines()
        func set(_ path: WritableKeyPath<Deadlines, Duration>, _ flag: DurationArgument?, _ name: String) throws {
            deadlines[keyPath: path] = try Environment.setting(
                flag, "PROMPTD_\(name)", DurationArgument.expected, default: DurationArgument(deadlines[keyPath: path])
            ).duration
        }
        try set(\.connect, connectTimeout, "CONNECT_TIMEOUT")
        try set(\.firstByte, firstTokenTimeout, "FIRST_TOKEN_TIMEOUT")
        try set(\.idle, idleTimeout, "IDLE_TIMEOUT")
        try set(\.total, totalTimeout, "TOTAL_TIMEOUT")
        return deadlines
    }
}

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

    @Option(help: "How long a request's head may take to arrive. (default: 15s)")
    var headerTimeout: DurationArgument?

    @Option(help: "How long a request's body may take to arrive. (default: 5m)")
    var bodyTimeout: DurationArgument?

    @Option(help: "How long a connection may be idle between requests. (default: 2m)")
    var keepAliveTimeout: DurationArgument?

    @Option(help: "How long a client may take nothing of what is sent to it. (default: 30s)")
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
        let connections: Int = try Environment.setting(
            maxConnections, "PROMPTD_MAX_CONNECTIONS", "a number above 0", default: limits.connections)
        guard connections > 0 else { throw ValidationError("Give --max-connections a number above 0.") }
        limits.connections = connections
        return limits
    }
}

/// Whom to ask.
struct OllamaOptions: ParsableArguments {
    @Option(help: "Where Ollama is. [OLLAMA_HOST] (default: 127.0.0.1:11434)")
    var ollamaHost: String?

    @Option(help: "The model to ask when a request names none. (default: llama3.2:1b)")
    var model: String?

    @Option(help: "Prompts that may be with Ollama at the same time; 0 for any number. (default: 0)")
    var maxInFlight: Int?

    @Option(help: "Silence after which a stream of server-sent events gets a comment; 0 for none. (default: 15s)")
    var heartbeat: DurationArgument?

    @OptionGroup var deadlines: DeadlineOptions

    /// - Returns: the settings, and what is odd about the host, if anything.
    func settings() throws -> (PromptFunction.Settings, warning: String?) {
        let (host, warning) = try OllamaHost.parse(ollamaHost ?? Environment.text("OLLAMA_HOST"))
        guard host.scheme == .http else {
            throw ValidationError(
                "OLLAMA_HOST is \(host.url), but TLS is not supported yet: give an address that begins with http://.")
        }
        var settings = PromptFunction.Settings(host: host)
        settings.apiKey = Environment.text("OLLAMA_API_KEY")
        settings.model = model ?? Environment.text("PROMPTD_MODEL") ?? settings.model
        settings.maxInFlight = try Environment.setting(
            maxInFlight, "PROMPTD_MAX_IN_FLIGHT", "a number, or 0 for any number", default: 0)
        guard settings.maxInFlight >= 0 else { throw ValidationError("Give --max-in-flight a number, or 0 for any number.") }
        settings.deadlines = try deadlines.deadlines()
        settings.heartbeat = try Environment.setting(
            heartbeat, "PROMPTD_HEARTBEAT", DurationArgument.expected, default: DurationArgument(settings.heartbeat)
        ).duration
        return (settings, warning)
    }
}
