import Foundation
import TestSupport

/// The command under test, run as a user runs it.
enum Promptd {
    static let path = Command.product("promptd")

    /// A server on a free port, and its URL.
    static func serve(
        _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> (command: Command, url: String) {
        let command = try Command(path, ["serve", "--listen", "127.0.0.1:0"] + arguments, environment: environment)
        return (command, try await url(of: command))
    }

    /// A stand-in on a free port, which logs what it is asked, and its address.
    static func standIn(_ arguments: [String] = []) async throws -> (command: Command, address: String) {
        let command = try Command(path, ["stand-in", "--port", "0", "--log-level", "debug"] + arguments)
        let line = try await command.line(with: "standing in for Ollama")
        return (command, field("address", of: line))
    }

    /// Waits until a stand-in has been asked: the prompt is in flight, then.
    static func untilAsked(_ standIn: Command, times: Int = 1) async throws {
        _ = try await standIn.line(with: "asked question=", count: times)
    }

    /// Waits until nobody listens at `url`: a server that finishes first serves who has already connected.
    static func untilRefused(_ url: String) async throws {
        try await untilAnswer("curl: (7)", at: url)
    }

    /// Waits until readiness answers `text`, or a longer text with it.
    static func untilReadiness(_ text: String, at url: String) async throws {
        try await untilAnswer(text, at: url + "/health/readiness")
    }

    /// Waits until a GET gets an answer with `text`, or curl has a message with it.
    static func untilAnswer(_ text: String, at url: String) async throws {
        try await untilSeen("\(url) says: \(text)", { try await curl(url) }, isRight: { $0.contains(text) })
    }

    static func url(of command: Command) async throws -> String {
        "http://" + field("address", of: try await command.line(with: "serving prompts"))
    }

    /// The value of `name=value` in a log line.
    static func field(_ name: String, of line: String) -> String {
        line.split(separator: " ").first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) } ?? ""
    }

    static func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: Int32, output: String, errors: String) {
        try await Command.run(path, arguments, environment: environment)
    }

    /// The installed curl, which gives up after ten seconds.
    static func curl(_ arguments: String...) async throws -> String {
        let result = try await Command.run(
            "/usr/bin/curl", ["-sS", "--max-time", "\(patience)", "--noproxy", "*"] + arguments)
        return result.output + result.errors
    }
}
