import Foundation
import TestSupport
import Testing

/// `promptd serve`, by curl.
@Suite(.timeLimit(.minutes(1))) struct `ServerRun` {
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
        #expect(refused.hasPrefix("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET, HEAD, OPTIONS, POST\r\n"))
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
            Promptd.path, ["--listen", "127.0.0.1:0"],
            environment: ["PROMPTD_LOG_FORMAT": "json", "OLLAMA_HOST": "x:1"])
        defer { json.end() }
        let line = try await json.line(with: "serving prompts")
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(fields["level"] == "info")
        #expect(fields["ollama"] == "http://x:1")
        #expect(fields["version"]?.isEmpty == false)
    }

    @Test func `the start tells how many keys are needed, and of a default model that is not allowed`() async throws {
        let arguments = ["--listen", "127.0.0.1:0", "--models", "other"]
        let server = try Command(
            Promptd.path, arguments, environment: ["PROMPTD_API_KEYS": "a,b", "PROMPTD_EMBEDDED": "1"])
        defer { server.end() }
        _ = try await server.line(with: "--models does not have the default model 'llama3.2:1b'")
        let line = try await server.line(with: "serving prompts")
        #expect(Promptd.field("api-keys", of: line) == "2")
        #expect(line.contains("embedded stand-in"))
    }

    @Test func `SIGHUP without any file does not end the server`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        server.signal(SIGHUP)
        _ = try await server.line(with: "reloaded the settings")
        #expect(try await Promptd.curl("\(url)/") == "OK")
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

    /// Each is a shell's line that starts the server, `"$@"`. A sanitizer needs its variables, files and much address space.
    static let surroundings: [String] = {
        let lines = [
            "ulimit -n 64 && exec \"$@\"", "exec taskset -c 0 \"$@\"", "ulimit -f 0 && exec \"$@\"",
            "ulimit -v 600000 && exec \"$@\"", "exec env -i \"$@\"",
        ]
        let environment = ProcessInfo.processInfo.environment
        let isSanitized = environment["ASAN_OPTIONS"] != nil || environment["TSAN_OPTIONS"] != nil
        return isSanitized ? Array(lines.prefix(2)) : lines
    }()

    @Test(arguments: surroundings) func `answers in narrow surroundings`(line: String) async throws {
        let server = try Command(
            "/bin/sh", ["-c", line, "-", Promptd.path, "serve", "--embedded", "--listen", "127.0.0.1:0"])
        defer { server.end() }
        let start = try await server.line(with: "serving prompts")
        let url = "http://" + Promptd.field("address", of: start)
        try await Promptd.untilReadiness("Ready", at: url)
        #expect(try await Promptd.curl(url, "-d", #"{"prompt":"eggs"}"#).hasSuffix("You asked: eggs"))
        server.signal(SIGTERM)
        #expect(try await server.finish().status == 0)
    }

    @Test func `a client that resets before it is served harms nobody`() async throws {
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let port = try #require(url.split(separator: ":").last.flatMap { UInt16($0) })
        // While the server is stopped, its clients connect, send and reset.
        server.signal(SIGSTOP)
        try await offLoop {
            for number in 0..<200 {
                let socket = try RawSocket(port: port)
                if number % 2 == 0 { try socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
                socket.reset()
            }
        }
        server.signal(SIGCONT)
        #expect(try await Promptd.curl(url) == "OK")
        server.signal(SIGTERM)
        #expect(try await server.finish().status == 0)
    }

    @Test func `health checks are answered when prompts hold all connections`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url) = try await Promptd.serve(["--max-connections", "1"], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        async let answer = Promptd.curl(url, "-d", "{}")
        try await Promptd.untilAsked(standIn)
        let alive = try await Promptd.curl(url + "/health/liveness")
        #expect(alive == "Alive")
        let refused = try await Promptd.curl("-i", url, "-d", "{}")
        #expect(refused.hasPrefix("HTTP/1.1 503 ") && refused.contains("Too many connections"))
        server.end()
        _ = try await answer
    }
}
