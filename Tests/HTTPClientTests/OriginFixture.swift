import EventLoop
import HTTPClient
import TestSupport

/// More than two sockets' buffers take.
let largeBytes = SeededRandom.bytes(20_000_000, 1)

let template = RequestTemplate("POST", path: "/", host: "a")

/// A response of known length.
func response(_ body: String, _ fields: String = "") -> String {
    "HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
}

extension Deadlines {
    /// None but those that are set then.
    static func only(_ change: (inout Deadlines) -> Void = { _ in }) -> Deadlines {
        var deadlines = Deadlines()
        deadlines.connect = .zero
        deadlines.firstByte = .zero
        deadlines.idle = .zero
        deadlines.total = .zero
        change(&deadlines)
        return deadlines
    }
}

extension Origin {
    /// Sends a request and receives the whole body of the response.
    func ask(_ payload: Payload? = nil) async -> Result<[UInt8], ClientError> {
        do throws(ClientError) {
            return .success(
                try await withResponse(to: template, payload: payload) { response throws(ClientError) in
                    try await response.body(upTo: 64 << 20)
                })
        } catch {
            return .failure(error)
        }
    }

    /// As `ask`, with the body as text.
    func text(_ payload: Payload? = nil) async -> Result<String, ClientError> {
        await ask(payload).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Has `body` ask a server that plays a script for each connection. At the end, every connection must have been closed,
/// and as many been accepted as there are scripts.
func withServer(
    _ scripts: [RawServer.Script], deadlines: Deadlines = Deadlines(), clock: LoopClock = .monotonic,
    _ body: @Sendable (isolated EventLoop, Origin, RawServer) async throws -> Void
) async throws {
    let server = try RawServer()
    async let peers = server.play(scripts)
    try await onLoop(clock: clock) { loop in
        let origin = Origin(host: "127.0.0.1", port: server.port, deadlines: deadlines, on: loop)
        try await body(loop, origin, server)
        origin.closeIdle()
        try await until("no connection is left", on: loop) { server.clients == 0 }
    }
    _ = try await peers
}

/// Fails as for a name that is unknown.
func noAddress(of name: String) throws(ResolveError) -> [SocketAddress] {
    try SocketAddress.resolve(host: name, port: 1, numericOnly: true)
}
