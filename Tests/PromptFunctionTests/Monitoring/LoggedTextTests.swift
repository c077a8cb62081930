import APIs
import EventLoop
import FoundationEssentials
import PromptFunction
import TestSupport
import Testing

/// What is logged of prompts, answers and failures.
@Suite(.timeLimit(.minutes(1))) struct `Texts in the log` {
    private static let secret = "the secret words"

    /// Answers each request with the next of these, then closes the connection.
    private static func play(_ replies: [String], on server: RawServer) async throws {
        _ = try await server.play(
            replies.map { reply in
                { peer in
                    try peer.receiveRequest()
                    try peer.send(reply)
                    peer.close()
                }
            })
    }

    private static func refusal(_ status: Int, _ message: String) -> String {
        let body = #"{"error":"\#(message)"}"#
        return "HTTP/1.1 \(status) x\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            + body
    }

    private static let statuses = [400, 401, 404, 413, 422, 500]  // so few that the host stays in use
    private static let chat = #"{"model":"m","messages":[{"role":"user","content":"\#(secret)"}]}"#

    @Test(arguments: [false, true])
    func `are there only if the operator wants them, in the words of hosts too`(isWanted: Bool) async throws {
        let server = try RawServer()
        let failing =
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
            + #"{"message":{"content":"a"},"done":false}"# + "\n" + #"{"error":"cannot do \#(Self.secret)"}"# + "\n"
        let replies = Self.statuses.flatMap { status in
            Array(repeating: Self.refusal(status, "cannot do \(Self.secret)"), count: 2)
        }
        async let played: Void = Self.play(replies + [failing, failing], on: server)
        try await withBackends(
            [], hosts: ["127.0.0.1:\(server.port)"],
            settings: {
                $0.apis = Set(API.allCases)
                ($0.logsPrompts, $0.logsTexts) = (true, isWanted)
                $0.checkInterval = .zero
            }
        ) { loop, fixture in
            let own = #"{"prompt":"\#(Self.secret)"#
            for status in Self.statuses {
                let reply = try await fixture.post(own + "\"}")
                #expect(reply.status >= 400, "\(status)")
                _ = try await fixture.post(Self.chat, to: "/api/chat")
            }
            _ = try await fixture.post(own + #"","stream":true}"#)
            _ = try await fixture.post(Self.chat, to: "/api/chat")
            let lines = fixture.log.lines(with: "prompt")
            #expect(lines.count { $0.contains("prompt failed") } >= Self.statuses.count * 2)
            #expect(lines.contains { $0.contains("500") })
            let state = String(decoding: fixture.function.state(withHistory: false, at: 0), as: UTF8.self)
            #expect(lines.contains { $0.contains(Self.secret) } == isWanted, "\(lines)")
            #expect(state.contains(Self.secret) == isWanted)
        }
        try await played
    }

    @Test func `are cut, between characters`() async throws {
        try await withBackends(settings: { ($0.logsPrompts, $0.logsTexts) = (true, true) }) { loop, fixture in
            let long = String(repeating: "é", count: 500_000)
            _ = try await fixture.post(#"{"prompt":"\#(long)"}"#)
            let line = try #require(fixture.log.lines(with: "prompt answered").first)
            #expect(line.contains("ééé") && line.utf8.count < 3000 && !line.contains("\u{FFFD}"))
        }
    }

    @Test func `are Ollama's own where they say nothing of a prompt`() async throws {
        let server = try RawServer()
        let message = "model requires more system memory (9.0 GiB) than is available (1.0 GiB)"
        async let played: Void = Self.play([Self.refusal(500, message)], on: server)
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: { $0.checkInterval = .zero }) {
            loop, fixture in
            _ = try await fixture.post("{}")
            #expect(fixture.log.lines(with: message).count == 1)
        }
        try await played
    }

    @Test(arguments: [false, true]) func `say who was refused by the head`(hasMonitor: Bool) async throws {
        try await withBackends(settings: {
            $0.protection.keys = try APIKeys(list: "k")
            ($0.logsPrompts, $0.tellsTiming) = (hasMonitor, hasMonitor)
        }) { loop, fixture in
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let fields = ["X-Request-Id: mine", "traceparent: 00-\(trace)-b7ad6b7169203331-01"]
            let refused = try await fixture.post("{}", fields)
            #expect(refused.status == 401 && refused["X-Request-Id"] == (hasMonitor ? "mine" : nil))
            let line = try #require(fixture.log.lines(with: "no valid API key").first)
            #expect(line.contains("client=127.0.0.1"))
            #expect(line.contains("request=mine") == hasMonitor && line.contains("trace-id=\(trace)") == hasMonitor)
        }
    }
}
