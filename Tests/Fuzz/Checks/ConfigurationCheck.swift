import ArgumentParser
import FunctionHost
import HTTPClient
import Ollama
import PromptFunction

@testable import HTTPServer
@testable import promptd

/// Reads the bytes as the configuration of `promptd serve`: each line is an argument, or a variable of the environment
/// if it is `NAME=VALUE`.
enum ConfigurationCheck {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = String(decoding: bytes, as: UTF8.self)
        // A file is not what is checked here, and some, such as /dev/zero, have no end.
        let namesFile = text.lowercased().replacing("_", with: "-").contains("key-file")
        let lines = text.utf8.split(separator: 0x0A).map { String(Substring($0)) }
        guard !bytes.contains(0), !namesFile, lines.count <= 60 else { return }
        var arguments: [String] = []
        var variables: [String: String] = [:]
        for line in lines {
            if !line.hasPrefix("-"), let sign = line.firstIndex(of: "=") {
                variables[String(line[..<sign])] = String(line[line.index(after: sign)...])
            } else {
                arguments.append(line)
            }
        }
        guard let found = try read(arguments, variables), variables.isEmpty, let same = asVariables(arguments) else {
            return
        }
        let other = try read([], same)
        guard let other else { throw Finding("accepted as flags, but rejected as variables") }
        try require(other == found, "by flags: \(found.filter { !other.contains($0) }), by variables: otherwise")
    }

    /// The variables that stand for the arguments; `nil` unless each is a different flag with a value.
    private static func asVariables(_ arguments: [String]) -> [String: String]? {
        var variables: [String: String] = [:]
        for argument in arguments {
            guard argument.hasPrefix("--"), let sign = argument.firstIndex(of: "=") else { return nil }
            let value = String(argument[argument.index(after: sign)...])
            let flag = String(argument[..<sign].dropFirst(2))
            let name = usual[flag] ?? Environment.name(of: flag)
            guard !value.isEmpty, variables.updateValue(value, forKey: name) == nil else { return nil }
        }
        return variables
    }

    /// The variables that do not have the flag's name.
    private static let usual = [
        "ollama-host": "OLLAMA_HOST", "listen": "LISTEN_ADDRESS", "address": "ADDRESS", "port": "PORT",
    ]

    /// The words of the settings, sorted, as a set has no order; `nil` if they are rejected.
    private static func read(_ arguments: [String], _ variables: [String: String]) throws(Finding) -> [Substring]? {
        let outcome = Environment.$replacement.withValue(variables) {
            Result { try settings(arguments) }
        }
        switch outcome {
        case .success(let settings):
            guard let settings else { return nil }
            try check(settings)
            return "\(settings)".split { " ,[]()".contains($0) }.sorted()
        case .failure(let error):
            try require(!Promptd.message(for: error).isEmpty, "rejected without a word")
            return nil
        }
    }

    /// The command without flags. Kept, as reading a command line takes a thousand times as long as all the rest.
    private static let withoutFlags = try? Promptd.parseAsRoot([]) as? Serve

    private struct Settings {
        var addresses: [ListenAddress]
        var function: PromptFunction.Settings
        var warnings: [String]
        var limits: Limits
        var drain: FunctionServer.Drain
        var isEmbedded: Bool
    }

    /// What `Serve.run` makes of its options; `nil` for another command.
    private static func settings(_ arguments: [String]) throws -> Settings? {
        guard let serve = try arguments.isEmpty ? withoutFlags : Promptd.parseAsRoot(arguments) as? Serve else {
            return nil
        }
        var (function, warnings) = try serve.ollama.settings()
        try serve.queue.apply(to: &function)
        function.protection = try serve.protection.settings(isLocal: true)
        warnings += serve.protection.warnings(defaultModel: function.model, function.protection)
        _ = try serve.logging.logger(for: "promptd")
        return Settings(
            addresses: try serve.listen.addresses(), function: function, warnings: warnings,
            limits: try serve.limits.limits(), drain: try serve.stopping.settings(),
            isEmbedded: try Environment.isOn(serve.embedded, "embedded"))
    }

    /// Checks what the server relies on.
    private static func check(_ settings: Settings) throws(Finding) {
        let (function, limits, drain) = (settings.function, settings.limits, settings.drain)
        try require(!settings.addresses.isEmpty && !function.hosts.isEmpty, "no address")
        let sizes = [limits.headerBytes, limits.bodyBytes, limits.bufferedBytes, function.maxQueueBytes]
        try require(sizes.allSatisfy { (1...1 << 40).contains($0) }, "a size out of bounds: \(sizes)")
        let counts = [
            limits.connections, limits.reservedConnections, limits.connectionsPerAddress, function.maxInFlight,
            function.maxQueue, function.readyQueue, function.protection.maxPredict,
            function.protection.requestsPerMinute,
        ]
        try require(counts.allSatisfy { (0...1_000_000).contains($0) }, "a count out of bounds: \(counts)")
        let deadlines = function.deadlines
        let times = [
            limits.headerTimeout, limits.bodyTimeout, limits.readTimeout, limits.idleTimeout, limits.writeTimeout,
            deadlines.connect, deadlines.firstByte, deadlines.idle, deadlines.total, function.heartbeat,
            function.queueTimeout, function.checkInterval, drain.limit, drain.grace,
        ]
        try require(times.allSatisfy { $0 >= .zero && $0 <= .seconds(100_000_000) }, "a time out of bounds: \(times)")
        try require(drain.grace <= drain.limit, "more grace than time to drain")
        let isTLS = function.hosts.contains { $0.scheme == .https }
        try require(!isTLS || function.tls != nil, "https without anything that is trusted")
        _ = limits.shim
    }
}
