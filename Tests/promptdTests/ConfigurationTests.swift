import Foundation
import FunctionHost
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import TestSupport
import Testing

@testable import promptd

/// The table of flags in `Sources/promptd/promptd.docc/Configuration.md`, compared with `promptd serve --help`.
@Suite(.timeLimit(.minutes(1))) struct `The documented configuration` {
    /// Flags that every part of the command has.
    private static let undocumented: Set = ["--help", "--version"]

    @Test func `has each flag of serve, with the default that its help gives`() async throws {
        let documented = try Self.table()
        let helped = try await Self.help()
        #expect(documented.count > 30)
        #expect(helped.values.count { $0 != nil } > 30)
        #expect(Set(documented.keys).symmetricDifference(helped.keys).isEmpty)
        for (flag, standard) in helped {
            guard let standard else { continue }
            #expect(documented[flag] == standard, "the default of \(flag)")
        }
    }

    @Test func `gives the defaults that the code has`() async throws {
        let help = try await Self.help()
        let limits = Limits(), settings = PromptFunction.Settings(hosts: [try OllamaHost(parsing: nil)])
        let durations = [
            "--header-timeout": limits.headerTimeout, "--body-timeout": limits.bodyTimeout,
            "--read-timeout": limits.readTimeout, "--keep-alive-timeout": limits.idleTimeout,
            "--write-timeout": limits.writeTimeout,
            "--connect-timeout": settings.deadlines.connect, "--first-token-timeout": settings.deadlines.firstByte,
            "--idle-timeout": settings.deadlines.idle, "--total-timeout": settings.deadlines.total,
            "--heartbeat": settings.heartbeat, "--queue-timeout": settings.queueTimeout,
            "--check-interval": settings.checkInterval, "--drain": FunctionServer.Drain().limit,
            "--grace": FunctionServer.Drain().grace,
        ]
        let sizes = [
            "--max-header-bytes": limits.headerBytes, "--max-body-bytes": limits.bodyBytes,
            "--max-buffered-bytes": limits.bufferedBytes, "--max-queue-bytes": settings.maxQueueBytes,
        ]
        let numbers = [
            "--max-connections": limits.connections, "--reserved-connections": limits.reservedConnections,
            "--max-connections-per-address": limits.connectionsPerAddress, "--max-in-flight": settings.maxInFlight,
            "--max-queue": settings.maxQueue, "--ready-queue": settings.readyQueue,
        ]
        func check<Value>(_ defaults: [String: Value], _ isDefault: (_ text: String, Value) -> Bool) throws {
            for (flag, value) in defaults {
                let text = try #require(help[flag] ?? nil, "\(flag)")
                #expect(isDefault(text, value), "\(flag): \(text)")
            }
        }
        try check(durations) { DurationArgument(argument: $0)?.duration == $1 }
        try check(sizes) { ByteCount(argument: $0)?.bytes == $1 }
        try check(numbers) { $0.prefix { $0.isNumber } == "\($1)" }
        #expect(help["--model"] == settings.model)
    }

    /// Each flag and what the table gives as its default, without code marks. Rows have flag, variable, default and
    /// meaning.
    private static func table() throws -> [String: String] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/promptd/promptd.docc/Configuration.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        var defaults: [String: String] = [:]
        for row in text.split(separator: "\n") where row.hasPrefix("| `--") {
            let cells = row.replacing("`", with: "").split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            defaults[cells[1]] = cells[3]
        }
        return defaults
    }

    /// Each flag and the default in its help; `nil` where the help gives none.
    private static func help() async throws -> [String: String?] {
        let help = try await Promptd.run(["serve", "--help"]).output
        var texts: [String: String] = [:]
        var flag = ""
        for line in help.split(separator: "\n") where line.hasPrefix(" ") {
            // A flag's explanation stands behind it, and goes on in the next lines.
            if let match = line.firstMatch(of: /^ +(?:-\w, )?(--[a-z-]+)/) { flag = String(match.1) }
            texts[flag, default: ""] += " " + line.trimmingCharacters(in: .whitespaces)
        }
        for name in undocumented { texts[name] = nil }
        texts[""] = nil
        return texts.mapValues { text in text.firstMatch(of: /\(default: ([^)]+)\)/).map { String($0.1) } }
    }
}
