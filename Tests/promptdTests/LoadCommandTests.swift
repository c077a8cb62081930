import Foundation
import Glibc
import TestSupport
import Testing

/// `promptd load`, as a user runs it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `The load command` {
    private static func load(
        _ arguments: String...
    ) async throws -> (status: Int32, report: [String: Any], errors: String) {
        let result = try await Promptd.run(["load", "--json"] + arguments)
        let report = try? JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        return (result.status, report ?? [:], result.errors)
    }

    private static func kinds(_ report: [String: Any]) -> [String: Int] {
        let failures = report["failures"] as? [[String: Any]] ?? []
        return Dictionary(
            uniqueKeysWithValues: failures.map { ($0["kind"] as? String ?? "", $0["count"] as? Int ?? 0) })
    }

    private static func time(_ name: String, _ times: String, of report: [String: Any]) -> Double {
        (report[times] as? [String: Double])?[name] ?? -1
    }

    /// Prompts at once that the machine's files allow: promptd needs two for each.
    private static var many: Int {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return min(2000, Int(clamping: limit.rlim_max) / 2 - 100)
    }

    @Test func `two thousand prompts at once each get their own answer`() async throws {
        let (standIn, address) = try await Promptd.standIn()
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let (status, report, errors) = try await Self.load(
            url, "--at-once", "\(Self.many)", "--prompt", "I am number {n}.", "--expect", "You asked: I am number {n}.")
        #expect(status == 0 && errors == "")
        #expect(report["requests"] as? Int == Self.many)
        #expect(report["answered"] as? Int == Self.many)
        #expect(report["connectionsOpened"] as? Int == Self.many)
        #expect(Self.time("count", "answerMilliseconds", of: report) == Double(Self.many))
        let counts = try await Promptd.curl("http://\(address)/stand-in/counts")
        #expect(counts.contains("\"requests\":\(Self.many)"))
    }

    @Test func `an answer that is not the expected one is an error`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let (status, report, _) = try await Self.load(url, "--count", "12", "--prompt", "{n}.", "--expect", " 7.")
        #expect(status == 1)
        #expect(report["answered"] as? Int == 1)
        #expect(Self.kinds(report) == ["not the expected answer": 11])
    }

    @Test func `failures are counted by kind`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        let busy = try await Self.load(url, "--count", "5", "--model", "fault:busy")
        #expect(busy.status == 1 && Self.kinds(busy.report) == ["status 503": 5])
        let late = try await Self.load(url, "--count", "2", "--model", "fault:silence", "--timeout", "200ms")
        #expect(late.status == 1 && Self.kinds(late.report) == ["timed out": 2])
        server.signal(SIGTERM)
        _ = try await server.finish()
        let nobody = try await Self.load(url, "--connections", "5")
        #expect(nobody.status == 1 && Self.kinds(nobody.report) == ["connecting failed: Connection refused": 5])
        #expect(nobody.report["requests"] as? Int == 0)
    }

    @Test func `a redirect is an error, and not followed`() async throws {
        let server = try RawServer(), other = try RawServer()
        async let peers = server.play([
            { peer in
                try peer.receiveRequest()
                try peer.send(
                    "HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:\(other.port)/\r\nContent-Length: 0\r\n\r\n")
                try peer.receiveEnd()
            }
        ])
        let (status, report, _) = try await Self.load("http://127.0.0.1:\(server.port)", "--count", "1")
        #expect(status == 1 && Self.kinds(report) == ["status 307 without a word": 1])
        _ = try await peers
        // The first that comes to the other is the test itself.
        let socket = try RawSocket(port: other.port)
        try socket.send("GET /first HTTP/1.1\r\n\r\n")
        let head = try await offLoop { try other.accept().receiveRequest().head }
        #expect(head.hasPrefix("GET /first "))
    }

    @Test func `streams are asked for, timed and checked`() async throws {
        let server = try RawServer()
        @Sendable func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        let token = chunk("data: {\"content\":\"egg \"}\n\n"), end = "0\r\n\r\n"
        async let peers = server.play([
            { peer in
                let request = try peer.receiveRequest()
                #expect(request.head.hasPrefix("POST /a?b HTTP/1.1\r\n"))
                #expect(request.head.contains("\r\nAccept: text/event-stream\r\n"))
                #expect(request.head.contains("\r\nX-API-Key: k: 1\r\n"))
                #expect(
                    String(decoding: request.body, as: UTF8.self) == #"{"prompt":"\"1\"","model":"m","stream":true}"#)
                try peer.send(head + token)
                try peer.send(chunk(": still there\n\n") + token + token)
                try peer.send(chunk("event: done\ndata: {\"eval_count\":3}\n\n") + end)
                try peer.receiveRequest()
                try peer.send(head + token + chunk("event: error\ndata: {\"error\":\"out of eggs\"}\n\n") + end)
                try peer.receiveRequest()
                try peer.send(head + token + end)
                try peer.receiveRequest()
                try peer.send(head + token)
                peer.close()
            },
            { peer in
                try peer.receiveRequest()
                peer.close()
            },
        ])
        let (status, report, _) = try await Self.load(
            "http://127.0.0.1:\(server.port)/a?b", "--stream", "--count", "5", "--connections", "1", "--prompt",
            "\"{n}\"",
            "--model", "m", "--header", "X-API-Key: k: 1", "--expect", "egg egg egg ")
        _ = try await peers
        #expect(status == 1)
        #expect(report["answered"] as? Int == 1)
        #expect(report["tokens"] as? Int == 6)
        #expect(report["connectionsOpened"] as? Int == 2)
        #expect(Self.time("count", "firstTokenMilliseconds", of: report) == 4)
        #expect(Self.time("count", "tokenGapMilliseconds", of: report) == 2)
        #expect(Self.kinds(report) == ["answer failed": 1, "cut within the reply": 2, "closed before the reply": 1])
    }

    @Test func `at a rate, waiting for a connection counts`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "100ms"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        // One connection answers 10 a second; 20 a second are due.
        let (status, report, _) = try await Self.load(url, "--connections", "1", "--rate", "20", "--duration", "500ms")
        #expect(status == 0)
        #expect(report["requests"] as? Int == 10)
        #expect(Self.time("max", "answerMilliseconds", of: report) >= 100 * 10 - 50 * 9)
        let late = try await Self.load(
            url, "--connections", "1", "--rate", "20", "--duration", "500ms", "--timeout", "250ms")
        #expect(late.status == 1)
        #expect(late.report["requests"] as? Int == 10)
        #expect(Self.kinds(late.report)["timed out before a connection was free", default: 0] > 0)
    }

    @Test func `an interrupt ends the run, and what was measured is printed`() async throws {
        let (standIn, address) = try await Promptd.standIn()
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        let load = try Command(Promptd.path, ["load", url, "--duration", "1h"])
        defer { [standIn, server, load].forEach { $0.end() } }
        try await Promptd.untilAsked(standIn)
        load.signal(SIGINT)
        let (status, output, errors) = try await load.finish()
        #expect(status == 0 && errors == "")
        #expect(output.contains("  answered  ") && output.contains("no errors"))
    }

    @Test func `an interrupt gives up what hangs`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        let load = try Command(Promptd.path, ["load", url, "--count", "3", "--timeout", "0"])
        defer { [standIn, server, load].forEach { $0.end() } }
        try await Promptd.untilAsked(standIn)
        load.signal(SIGTERM)
        let (status, output, _) = try await load.finish()
        #expect(status == 0)
        #expect(output.contains("  answered  0") && output.contains("  given up  3"))
    }

    static let mistakes: [(arguments: [String], words: [String])] = [
        ([], ["url"]),
        (["example.com"], ["http://HOST:PORT"]),
        (["ftp://example.com"], ["http://HOST:PORT"]),
        (["http://a", "--connections", "0"], ["--connections", "20000"]),
        (["http://a", "--at-once", "20001"], ["--at-once", "20000"]),
        (["http://a", "--at-once", "5", "--rate", "3"], ["--at-once", "--rate"]),
        (["http://a", "--rate", "0"], ["--rate"]),
        (["http://a", "--count", "0"], ["--count"]),
        (["http://a", "--duration", "0"], ["--duration"]),
        (["http://a", "--header", "no colon"], ["--header"]),
        (["http://a", "--header", "Host: b"], ["--header"]),
    ]

    @Test(arguments: mistakes.indices)
    func `a mistake is told with the option, and nothing is sent`(index: Int) async throws {
        let mistake = Self.mistakes[index]
        let result = try await Promptd.run(["load"] + mistake.arguments)
        #expect(result.status == 64 && result.output == "")
        for word in mistake.words { #expect(result.errors.contains(word), "\(result.errors)") }
    }
}
