import Foundation
import TestSupport
import Testing

/// `promptd serve`, by curl.
@Suite(.timeLimit(.minutes(1))) struct `Serving` {
    @Test func `the README's curl commands work`() async throws {
        let (standIn, address) = try await Promptd.standIn()
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let answer = try await Promptd.curl(url, "-d", #"{"prompt":"How to cook eggs properly?"}"#)
        #expect(answer.hasSuffix("You asked: How to cook eggs properly?"))
        let other = try await Promptd.curl(
            url + "/any/path", "-d", #"{"prompt":"How to cook eggs properly?","model":"llama3.2:3b"}"#)
        #expect(other == answer)
        let get = try await Promptd.curl(url)
        #expect(get == "OK")
        let liveness = try await Promptd.curl(url + "/health/liveness")
        #expect(liveness == "Alive")
        let readiness = try await Promptd.curl(url + "/health/readiness?x=y")
        #expect(readiness == "Ready")
        let head = try await Promptd.curl("-I", url)
        #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
        let refused = try await Promptd.curl("-i", "-X", "DELETE", url)
        #expect(refused.hasPrefix("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD, POST\r\n"))
    }

    @Test func `a body of a megabyte goes there and back`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        let prompt = String(repeating: "eggs ", count: 200_000)
        try Data(#"{"prompt":"\#(prompt)"}"#.utf8).write(to: file)
        defer {
            server.end()
            try? FileManager.default.removeItem(at: file)
        }
        let answer = try await Promptd.curl(url, "--data-binary", "@" + file.path)
        #expect(answer.hasSuffix("You asked: " + prompt))
    }

    @Test func `failed prompts are logged, prompts and probes are not`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        _ = try await Promptd.curl(url, "-d", #"{"prompt":"my secret question"}"#)
        _ = try await Promptd.curl(url, "-d", #"{"prompt":"my secret question","model":"fault:cut"}"#)
        _ = try await Promptd.curl(url, "-d", #"{"prompt":["my secret question"]}"#)
        _ = try await Promptd.curl(url + "/health/liveness")
        server.signal(SIGTERM)
        let (status, _, log) = try await server.finish()
        #expect(status == 0)
        #expect(!log.contains("secret") && !log.contains("health"))
        #expect(log.split(separator: "\n").filter { $0.contains("prompt failed") }.count == 2)
    }

    @Test func `log lines can be JSON`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"], environment: [:])
        server.end()
        _ = url
        let json = try Command(
            Promptd.path, ["--listen", "127.0.0.1:0"], environment: ["PROMPTD_LOG_FORMAT": "json", "OLLAMA_HOST": "x:1"])
        defer { json.end() }
        let line = try await json.line(with: "serving prompts")
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(fields["level"] == "info")
        #expect(fields["ollama"] == "http://x:1")
        #expect(fields["version"]?.isEmpty == false)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal lets the prompts in flight finish`(number: Int32) async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "2s"])
        let (server, url) = try await Promptd.serve(environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", #"{"prompt":"eggs"}"#)
        try await Promptd.untilAsked(address)
        server.signal(number)
        _ = try await server.line(with: "finishing")
        try await Promptd.untilRefused(url)
        let text = try await answer
        #expect(text.hasSuffix("You asked: eggs"))
        let status = try await server.finish().status
        #expect(status == 0)
    }

    @Test func `prompts are taken for the grace while readiness is 503`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded", "--grace", "8s", "--drain", "30s"])
        defer { server.end() }
        server.signal(SIGTERM)
        let line = try await server.line(with: "finishing")
        #expect(line.contains("grace=\"8.0 seconds\""))
        let readiness = try await Promptd.curl("-i", url + "/health/readiness")
        #expect(readiness.hasPrefix("HTTP/1.1 503 ") && readiness.contains("\r\nConnection: close\r\n"))
        let answer = try await Promptd.curl("-i", url, "-d", #"{"prompt":"eggs"}"#)
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.hasSuffix("You asked: eggs"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        try await Promptd.untilRefused(url)
        let status = try await server.finish().status
        #expect(status == 0)
    }

    @Test func `many prompts in flight all finish`() async throws {
        let (standIn, address) = try await Promptd.standIn()
        let (server, url) = try await Promptd.serve(["--max-in-flight", "0"], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        let count = 300
        standIn.signal(SIGSTOP)  // so that none is answered before the signal comes
        let clients = try await offLoop {
            try (0..<count).map { number in
                let client = try RawSocket(port: port, timeout: 30)
                let body = #"{"prompt":"number \#(number)"}"#
                try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                return client
            }
        }
        _ = try await Promptd.curl(url)  // the server has had a turn since
        server.signal(SIGTERM)
        let finishing = try await server.line(with: "finishing")
        standIn.signal(SIGCONT)
        #expect(Int(Promptd.field("requests", of: finishing)) ?? 0 > 0)
        let answers = try await offLoop {
            try clients.map { client in
                let response = try client.response()
                return (response.text, response["Connection"], try client.rest().ending)
            }
        }
        for (number, (text, connection, ending)) in answers.enumerated() {
            #expect(text.hasSuffix("You asked: number \(number)"))
            #expect(connection == "close" && ending == .closed)
        }
        let status = try await server.finish().status
        #expect(status == 0)
    }

    @Test func `the start tells how many connections the open files allow`() async throws {
        let (server, _) = try await Promptd.serve(["--embedded", "--max-connections", "100"])
        defer { server.end() }
        let line = try await server.line(with: "serving prompts")
        #expect(Promptd.field("connections", of: line) == "100")
        #expect(Int(Promptd.field("files", of: line)) ?? 0 > 300)
        let small = try Command(
            "/bin/sh", ["-c", "ulimit -n 256 && exec \"$0\" --listen 127.0.0.1:0", Promptd.path])
        defer { small.end() }
        let warning = try await small.line(with: "raise the limit of open files")
        #expect(Promptd.field("wanted", of: warning) == "16384")
        let start = try await small.line(with: "serving prompts")
        #expect(Promptd.field("files", of: start) == "256")
        #expect(Promptd.field("connections", of: start) == Promptd.field("connections", of: warning))
    }

    @Test func `health checks are answered when prompts hold all connections`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(["--max-connections", "1"], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", "{}")
        try await Promptd.untilAsked(address)
        let alive = try await Promptd.curl(url + "/health/liveness")
        #expect(alive == "Alive")
        let refused = try await Promptd.curl("-i", url, "-d", "{}")
        #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Too many connections"))
        server.end()
        _ = try await answer
    }

    @Test func `prompts that do not finish in time are cut, and the exit status tells`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(["--drain", "100ms"], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", "{}")
        try await Promptd.untilAsked(address)
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
        try await Promptd.untilAsked(address)
        server.signal(SIGTERM)
        _ = try await server.line(with: "finishing")
        server.signal(SIGTERM)
        let status = try await server.finish().status
        #expect(status == 128 + SIGTERM)
        _ = try await answer
    }
}
