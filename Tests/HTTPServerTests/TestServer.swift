import FunctionHost
import EventLoop
@_spi(RawReply) import HTTPServer
import Logging
import TestSupport

/// A function whose `handle` is the test's.
final class TestFunction: Function {
    typealias Handler = (Request, consuming Reply) async -> Void

    var handler: Handler = { request, reply in reply.send(.text("body \(request.takeBody()?.count ?? 0)")) }
    var health = Health.healthy
    /// Whether GET and HEAD go to the handler too.
    var handlesAll = false
    /// Calls of `handle` so far.
    var handled = 0
    /// Requests that were answered at once, without `handle`.
    var answered = 0
    var knowsOfDraining = false
    /// Requests that were refused by their heads, as they have an X-Refuse field.
    var refused = 0
    /// Whether GET is answered with the client's address.
    var answersPeer = false

    func handle(_ request: Request, _ reply: consuming Reply) async {
        handled += 1
        await handler(request, reply)
    }

    func respond(to request: borrowing RequestHead) -> Response? {
        guard !handlesAll, request.method != .post else { return nil }
        answered += 1
        if request.isPath("/health/liveness") { return .text("Alive") }
        if request.isPath("/health/readiness") {
            return health == .healthy ? .text("Ready") : .text(.serviceUnavailable, "not well")
        }
        return .text(answersPeer ? request.peer : "OK")
    }

    func refusal(of request: borrowing RequestHead) -> Response? {
        guard request.field("X-Refuse") != nil else { return nil }
        refused += 1
        return .text(.forbidden, "refused")
    }

    func serverIsDraining() { knowsOfDraining = true }
}

/// A server with a `TestFunction`, on a port of its own. Belongs to the loop.
final class TestServer {
    let function = TestFunction()
    let log = LogRecorder()
    let server: Server
    let port: UInt16

    init(_ limits: Limits, on loop: EventLoop) throws {
        let log = log
        server = Server(function, limits: limits, on: loop, log: Logger(label: "test") { _ in log })
        port = try server.listen(on: SocketAddress.resolve(host: "127.0.0.1", port: 0)[0]).port
    }

    /// Runs a blocking client with a connection of its own.
    func client<Result: Sendable>(_ script: @escaping @Sendable (RawSocket) throws -> Result) async throws -> Result {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            return try script(socket)
        }
    }

    /// Connects from 127.0.0.x, where x is `host`, and sends `text`.
    func open(_ text: String = "", receiveBuffer: CInt? = nil, from host: UInt8? = nil) async throws -> RawSocket {
        try await offLoop { [port] in
            let socket = try RawSocket(port: port, receiveBuffer: receiveBuffer, from: host)
            try socket.send(text)
            return socket
        }
    }

    /// Sends `text` and receives one response.
    func ask(_ text: String) async throws -> RawResponse {
        let toHead = text.hasPrefix("HEAD ")
        return try await client { socket in
            try socket.send(text)
            return try socket.response(toHead: toHead)
        }
    }

    /// Sends `text` and receives one response, and what else comes until the server closes.
    func askToTheEnd(_ text: String) async throws -> (response: RawResponse, rest: String) {
        try await offLoop { [port] in try HTTPServerTests.askToTheEnd(text, port) }
    }

    /// Has the function reply `text`, but only when `answer` opens. `arrived` opens with the first request.
    func holdReplies(of text: String) -> (arrived: Gate, answer: Gate) {
        let arrived = Gate(), answer = Gate()
        function.handler = { request, reply in
            arrived.open()
            await answer.wait()
            reply.send(.text(text))
        }
        return (arrived, answer)
    }

    /// Drains in a task of its own, while the test goes on.
    func beginDraining(
        on loop: isolated EventLoop, within limit: Duration = .seconds(60), grace: Duration = .zero
    ) -> Task<Int, Never> {
        loop.startTask { [server] in await server.drain(within: limit, grace: grace) }
    }

    /// Waits until the server has closed all connections.
    func untilEmpty(on loop: isolated EventLoop) async throws {
        try await until("all connections closed", on: loop) { [server] in server.connections == 0 }
    }
}

/// Sends `text` and receives one response, and what else comes until the server closes. Blocks.
func askToTheEnd(_ text: String, _ port: UInt16) throws -> (response: RawResponse, rest: String) {
    let socket = try RawSocket(port: port)
    defer { socket.close() }
    try socket.send(text)
    let response = try socket.response(toHead: text.hasPrefix("HEAD "))
    return (response, try socket.rest().text)
}

/// Runs a test against a server of its own, and checks afterwards that it holds nothing back.
func withServer<Result: Sendable>(
    limits: Limits = Limits(), clock: LoopClock = .monotonic,
    _ body: @Sendable (isolated EventLoop, TestServer) async throws -> Result
) async throws -> Result {
    try await onLoop(clock: clock) { loop in
        let host = try TestServer(limits, on: loop)
        return try await body(loop, host)
    }
}

/// The response that comes next on a connection.
func response(on socket: RawSocket) async throws -> RawResponse { try await offLoop { try socket.response() } }

/// The default limits, but for what `change` changes.
func limits(_ change: (inout Limits) -> Void) -> Limits {
    var limits = Limits()
    change(&limits)
    return limits
}

/// A whole GET.
func get(_ target: String = "/", _ fields: String...) -> String { request("GET", target, fields) }

/// A whole POST with Content-Length.
func post(_ body: String, _ fields: String...) -> String {
    request("POST", "/", fields + ["Content-Length: \(body.utf8.count)"]) + body
}

func request(_ method: String, _ target: String = "/", _ fields: [String] = []) -> String {
    "\(method) \(target) HTTP/1.1\r\nHost: test\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n"
}
