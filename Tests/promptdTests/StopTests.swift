import Foundation
import TestSupport
import Testing

/// How `promptd serve` ends.
@Suite(.timeLimit(.minutes(1))) struct `Stopping` {
    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal lets the prompts in flight finish`(number: Int32) async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "2s"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", #"{"prompt":"eggs"}"#)
        try await Promptd.untilAsked(standIn)
        server.signal(number)
        _ = try await server.line(with: "draining")
        try await Promptd.untilRefused(url)
        let text = try await answer
        #expect(text.hasSuffix("You asked: eggs"))
        let status = try await server.finish().status
        #expect(status == 0)
    }

    @Test func `prompts are taken for the grace while readiness is 503`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded", "--grace", "1h", "--drain", "2h"])
        defer { server.end() }
        server.signal(SIGTERM)
        _ = try await server.line(with: "draining")
        let readiness = try await Promptd.curl("-i", url + "/health/readiness")
        #expect(readiness.hasPrefix("HTTP/1.1 503 ") && readiness.contains("\r\nConnection: close\r\n"))
        let answer = try await Promptd.curl("-i", url, "-d", #"{"prompt":"eggs"}"#)
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("You asked: eggs"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
    }

    /// SIGINT leaves less than the five seconds after which `func run` kills, however long the grace.
    @Test(arguments: [(SIGTERM, "100ms", "0.1 seconds"), (SIGINT, "10s", "2.0 seconds")])
    func `the grace has an end`(number: Int32, grace: String, used: String) async throws {
        let (server, url) = try await Promptd.serve(["--embedded", "--grace", grace])
        defer { server.end() }
        server.signal(number)
        let line = try await server.line(with: "draining")
        #expect(line.contains("grace=\"\(used)\""))
        try await Promptd.untilRefused(url)
        let status = try await server.finish().status
        #expect(status == 0)
    }

    @Test func `many prompts in flight all finish`() async throws {
        let count = 200
        let ollama = try RawServer(backlog: CInt(count))
        let (server, url) = try await Promptd.serve(
            ["--max-in-flight", "0"], environment: ["OLLAMA_HOST": "127.0.0.1:\(ollama.port)"])
        defer { server.end() }
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        let clients = try await offLoop {
            try (0..<count).map { number in
                let client = try RawSocket(port: port)
                let body = #"{"prompt":"number \#(number)."}"#
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return client
            }
        }
        let asked = try await offLoop {
            try (0..<count).map { _ in
                let peer = try ollama.accept()
                return (peer: peer, body: String(decoding: try peer.receiveRequest().body, as: UTF8.self))
            }
        }
        server.signal(SIGTERM)
        let draining = try await server.line(with: "draining")
        #expect(Promptd.field("requests", of: draining) == "\(count)")
        let answers = try await offLoop {
            for (peer, body) in asked { try peer.send(Self.reply(to: body)) }
            return try clients.map { client in
                let response = try client.response()
                return (response.text, response["Connection"], try client.rest().ending)
            }
        }
        for (number, (text, connection, ending)) in answers.enumerated() {
            #expect(text == "It was number \(number).")
            #expect(connection == "close" && ending == .closed)
        }
        let status = try await server.finish().status
        #expect(status == 0)
    }

    /// What Ollama replies to a chat request, as it was captured, in short.
    private static func reply(to body: String) -> String {
        let prompt = body.firstMatch(of: /number \d+\./).map { String($0.0) } ?? "nothing"
        let json = #"{"message":{"role":"assistant","content":"It was \#(prompt)"},"done_reason":"stop","done":true}"#
        let fields = "Content-Type: application/json; charset=utf-8\r\nContent-Length: \(json.utf8.count)\r\n"
        return "HTTP/1.1 200 OK\r\n\(fields)\r\n\(json)"
    }

    @Test func `prompts that do not finish in time are cut, and the exit status tells`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(["--drain", "100ms"], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", "{}")
        try await Promptd.untilAsked(standIn)
        server.signal(SIGTERM)
        let (status, _, log) = try await server.finish()
        #expect(status == 1)
        #expect(log.contains("requests were cut"))
        let text = try await answer
        #expect(text.contains("curl: ("))
    }

    @Test func `a second signal ends the process at once`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", "{}")
        try await Promptd.untilAsked(standIn)
        server.signal(SIGTERM)
        _ = try await server.line(with: "draining")
        server.signal(SIGTERM)
        let status = try await server.finish().status
        #expect(status == 128 + SIGTERM)
        _ = try await answer
    }
}
