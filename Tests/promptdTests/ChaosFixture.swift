import Foundation
import TestSupport
import Testing

/// Three stand-ins that fail, and a promptd that asks them.
///
/// An actor: its faults happen at the same time, while clients ask.
actor ChaosFixture {
    /// A stand-in: the process of now, and those it replaced.
    private struct Host {
        var command: Command
        var past: [Command] = []
        let port: String
    }

    private static let asked = "debug asked question="
    /// About 150 ms for an answer.
    private static let pace = ["--log-level", "debug", "--first-token", "20ms", "--token-interval", "5ms"]

    private var hosts: [Host] = []
    nonisolated let server: Command
    nonisolated let url: String
    private var random: [UInt8]

    init() async throws {
        random = SeededRandom.bytes(64, 21)
        for _ in 0..<3 {
            let (command, address) = try await Promptd.standIn(Self.pace)
            hosts.append(Host(command: command, port: String(address.split(separator: ":").last!)))
        }
        let addresses = hosts.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
        // So few in flight that all three are needed: one that has restarted has no model loaded, and is asked last.
        (server, url) = try await Promptd.serve(
            ["--first-token-timeout", "1s", "--max-in-flight", "4"], environment: ["OLLAMA_HOST": addresses])
    }

    /// Ends all processes.
    func end() {
        server.end()
        for host in hosts { host.command.end() }
    }

    // MARK: Faults

    /// Kills one, starts it again, and again.
    func kill() async throws {
        for _ in 0..<3 { try await replace(0, after: SIGKILL) }
    }

    /// Has another restart, and again.
    func restart() async throws {
        for _ in 0..<3 { try await replace(1, after: SIGTERM) }
    }

    /// Stops the third until promptd notices, and again.
    func hang() async throws {
        for _ in 0..<2 {
            let host = hosts[2].command
            try await untilAsked(2)
            host.signal(SIGSTOP)
            defer { host.signal(SIGCONT) }
            _ = try await server.line(
                with: "cause=\"ollama: timed out: ", count: count("cause=\"ollama: timed out: ", server) + 1)
        }
    }

    private func replace(_ index: Int, after signal: Int32) async throws {
        try await untilAsked(index)
        let host = hosts[index].command
        host.signal(signal)
        _ = try await host.finish()
        let next = try Command(Promptd.path, ["stand-in", "--port", hosts[index].port] + Self.pace)
        hosts[index].past.append(host)
        hosts[index].command = next
        _ = try await next.line(with: "standing in for Ollama")
    }

    /// Waits until a stand-in has been asked a few times more: as many as chance says.
    private func untilAsked(_ index: Int) async throws {
        let more = 1 + Int(random.removeFirst()) % 30
        let host = hosts[index].command
        _ = try await host.line(with: Self.asked, count: count(Self.asked, host) + more)
    }

    private func count(_ text: String, _ command: Command) -> Int { Self.lines(with: text, of: command.log).count }

    static func lines(with text: String, of log: String) -> [Substring] {
        log.split(separator: "\n").filter { $0.contains(text) }
    }

    // MARK: What was seen

    /// All questions that the stand-ins have seen: each wrote them down before it answered, so that they outlive
    /// SIGKILL.
    var questions: [Substring] {
        let logs = hosts.flatMap { $0.past + [$0.command] }.map(\.log)
        return logs.flatMap { Self.lines(with: Self.asked, of: $0) }.compactMap { line in
            line.range(of: Self.asked).map { line[$0.upperBound...] }
        }
    }

    /// Waits until no stand-in has anything to do.
    func untilIdle() async throws {
        for host in hosts {
            do {
                try await Promptd.untilAnswer("\"active\":0,", at: "http://127.0.0.1:\(host.port)/stand-in/counts")
            } catch {
                throw TimedOut("\(error). The stand-in's log ends with: \(host.command.log.suffix(4000))")
            }
        }
    }
}
