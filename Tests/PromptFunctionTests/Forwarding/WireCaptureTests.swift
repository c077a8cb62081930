import APIs
import EventLoop
import PromptFunction
import TestSupport
import Testing

/// What a genuine Ollama has said is passed on byte for byte, and what clients have asked too.
@Suite(.timeLimit(.minutes(1))) struct `Exchanges with a genuine Ollama, passed on` {
    /// The streams that end properly, or with their connection, before their answer is complete.
    static let cut: Set<String> = [
        "101-sigterm-midstream", "86-token-repeat-abort", "o24-v1-native-cut-stream", "o26-v1-token-repeat-stream",
        "o28-v1-sigterm-stream", "m13-messages-native-cut-stream", "r08-responses-native-cut-stream",
    ]

    @Test func `are there`() { #expect(WireCapture.all.count > 80) }

    @Test(arguments: WireCapture.all)
    func `are the same, but for the framing`(capture: WireCapture) async throws {
        let server = try RawServer()
        let play: RawServer.Script = { peer in
            for read in capture.reads { try peer.send(read) }
            peer.close()
        }
        async let direct = server.play([play])
        let port = server.port
        let expected = try await offLoop {
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            return try socket.response()
        }
        _ = try await direct
        let script: RawServer.Script = { peer in
            let (head, body) = try peer.receiveRequest()
            #expect(body == capture.requestBody)
            Self.check(head, against: capture.requestLines)
            try play(peer)
        }
        // A host that is busy is asked again.
        async let seen = server.play(Array(repeating: script, count: expected.status == 503 ? 4 : 1))
        try await withBackends([], hosts: ["127.0.0.1:\(server.port)"], settings: Self.serveAll) { loop, fixture in
            let socket = try await fixture.open(capture.request)
            let response = try await response(on: socket)
            #expect(response.status == expected.status)
            #expect(response.body == expected.body)
            for (name, value) in expected.fields where !Self.isOfConnection(name) { #expect(response[name] == value) }
            // A list, or the reason why there is no answer, is received whole before it is sent.
            let isCollected = expected.status != 200 || capture.request.starts(with: "GET ".utf8)
            #expect(response["Content-Length"] == expected["Content-Length"] || isCollected)
            #expect(response.isWhole != Self.cut.contains(capture.name))
            socket.close()
        }
        _ = try await seen
    }

    @Sendable private static func serveAll(_ settings: inout PromptFunction.Settings) {
        settings.apis = Set(API.allCases)
        settings.checkInterval = .zero
    }

    private static func isOfConnection(_ name: String) -> Bool {
        ["date", "content-length", "transfer-encoding", "connection"].contains(name.lowercased())
    }

    /// The line and the fields are the client's, but for those that are the proxy's.
    private static func check(_ head: String, against lines: [String]) {
        let passed = head.split(separator: "\r\n").map(String.init)
        #expect(passed.first == lines.first)
        let ours = ["host:", "content-length:", "x-api-key:"]
        for line in lines.dropFirst() where !ours.contains(where: { line.lowercased().hasPrefix($0) }) {
            #expect(passed.contains(line))
        }
        #expect(!passed.contains { $0.lowercased().hasPrefix("x-api-key:") })
    }
}
