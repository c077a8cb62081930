import EventLoop
import HTTPClient
import HTTPServer
import Logging
import Ollama
import PromptFunction
import StandIn
import TestSupport

/// A function that asks a stand-in, each behind a server of its own. Belongs to the loop.
final class Pair {
    let standIn: StandIn
    let function: PromptFunction
    let server: Server
    let port: UInt16
    private let standInServer: Server

    init(
        _ standInSettings: StandInSettings, limits: Limits = Limits(), on loop: EventLoop,
        _ change: (inout PromptFunction.Settings) throws -> Void = { _ in }
    ) throws {
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let loopback = try SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]
        standIn = StandIn(standInSettings, on: loop)
        standInServer = Server(standIn, on: loop, log: log)
        let upstream = try standInServer.listen(on: loopback)
        var settings = PromptFunction.Settings(hosts: [try OllamaHost.parse("\(upstream)").0])
        try change(&settings)
        function = PromptFunction(settings, on: loop, log: log)
        server = Server(function, limits: limits, on: loop, log: log)
        port = try server.listen(on: loopback).port
    }

    /// Connections that are open to the stand-in.
    var upstreamConnections: Int { standInServer.connections }

    /// Posts `body` and receives the response.
    func post(_ body: String, _ fields: [String] = []) async throws -> RawResponse {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send(postRequest(body, fields))
            return try socket.response()
        }
    }

    func beginDraining(on loop: isolated EventLoop) -> Task<Int, Never> {
        loop.startTask { [server] in await server.drain(within: .seconds(10)) }
    }

    func get(_ path: String) async throws -> RawResponse {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            return try socket.response()
        }
    }
}

/// A POST as it goes over the wire.
func postRequest(_ body: String, _ fields: [String] = []) -> [UInt8] {
    let all = fields.map { $0 + "\r\n" }.joined()
    return Array("POST / HTTP/1.1\r\nHost: a\r\n\(all)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
}

/// What the stand-in says to `prompt`.
func answer(to prompt: String) -> String {
    "No model is behind this answer: it comes from promptd's stand-in for Ollama. You asked: \(prompt)"
}

/// Runs `body` with a pair on a loop of its own.
func withPair(
    _ standIn: StandInSettings = StandInSettings(),
    settings change: @Sendable (inout PromptFunction.Settings) throws -> Void = { _ in },
    limits changeLimits: @Sendable (inout Limits) -> Void = { _ in },
    _ body: @Sendable (isolated EventLoop, Pair) async throws -> Void
) async throws {
    try await onLoop { loop in
        var limits = Limits()
        changeLimits(&limits)
        let pair = try Pair(standIn, limits: limits, on: loop, change)
        try await pair.function.start()
        do {
            try await body(loop, pair)
            await pair.function.stop()
        } catch {
            await pair.function.stop()
            throw error
        }
        // A task that the end of the loop finds waiting is never freed.
        try await until("the stand-in is through", on: loop) { pair.standIn.counts.active == 0 }
    }
}
