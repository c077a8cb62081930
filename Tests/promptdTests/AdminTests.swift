import Foundation
import TestSupport
import Testing

/// The address for operators, by curl.
@Suite(.timeLimit(.minutes(1))) struct `Operators` {
    /// A server with an address for operators, and the URLs of both.
    private static func serve(
        _ arguments: [String] = ["--embedded"], environment: [String: String] = [:]
    ) async throws -> (server: Command, url: String, admin: String) {
        let (server, url) = try await Promptd.serve(
            ["--admin", "127.0.0.1:0"] + arguments, environment: environment)
        let line = try await server.line(with: "serving operators")
        return (server, url, "http://" + Promptd.field("address", of: line))
    }

    @Test func `get metrics in both forms, also compressed`() async throws {
        let (server, url, admin) = try await Self.serve()
        defer { server.end() }
        _ = try await Promptd.curl(url, "-d", #"{"prompt":"x"}"#)
        let plain = try await Promptd.curl("-i", admin + "/metrics")
        #expect(plain.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(plain.contains("\nfaas_invocations_total{faas_trigger=\"http\"} 1\n"))
        #expect(plain.contains("\nfaas_coldstarts_total{faas_trigger=\"http\"} 1\n"))
        #expect(plain.contains("\npromptd_connections 0\n") || plain.contains("\npromptd_connections 1\n"))
        #expect(plain.firstMatch(of: /\nprocess_resident_memory_bytes (\d{6,})\n/) != nil)
        #expect(plain.firstMatch(of: /\nprocess_cpu_seconds_total \d+(\.\d+)?\n/) != nil)
        #expect(plain.firstMatch(of: /\nprocess_open_fds \d+\n/) != nil)
        let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
        let open = try await Promptd.curl("-i", "--compressed", "-H", accept, admin + "/metrics")
        #expect(open.contains("\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"))
        #expect(open.contains("\r\nContent-Encoding: gzip\r\n") && open.hasSuffix("\n# EOF\n"))
    }

    @Test func `get the state and the page`() async throws {
        let (server, url, admin) = try await Self.serve()
        defer { server.end() }
        _ = try await Promptd.curl(url, "-d", #"{"prompt":"x","model":"fault:missing"}"#)
        let text = try await Promptd.curl(admin + "/state?history")
        let state = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(state.keys) == [
                "version", "now", "uptime", "connections", "buffered_bytes", "loop_lag", "ready", "queue", "totals",
                "backends", "prompts", "prompts_left_out", "failures", "history",
            ])
        let page = try await Promptd.curl("-i", admin)
        let nonce = try #require(page.firstMatch(of: /script-src 'nonce-(\d+)'/)?.1)
        #expect(page.contains("<script nonce=\"\(nonce)\">") && page.contains("<style nonce=\"\(nonce)\">"))
        #expect(page.contains("\r\nX-Content-Type-Options: nosniff\r\n"))
        let again = try await Promptd.curl("-i", admin)
        #expect(!again.contains(nonce))
    }

    @Test func `send prompts, without a key`() async throws {
        let (server, url, admin) = try await Self.serve(
            ["--embedded", "--apis", "ollama"], environment: ["PROMPTD_API_KEYS": "k"])
        defer { server.end() }
        let refused = try await Promptd.curl(url, "-d", "{}")
        #expect(refused.contains("API key"))
        let answer = try await Promptd.curl(admin + "/prompt", "-d", #"{"prompt":"Why?"}"#)
        #expect(answer.hasSuffix("You asked: Why?"))
        let streamed = try await Promptd.curl(
            admin + "/prompt", "-H", "Accept: application/x-ndjson", "-d", #"{"prompt":"Why?","stream":true}"#)
        #expect(streamed.contains(#""done":true"#))
    }

    static let refused: [(arguments: [String], status: Int)] = [
        (["-H", "Origin: http://evil.example", "/state"], 403), (["-H", "Origin: null", "/metrics"], 403),
        (["-H", "Host: evil.example", "/"], 403), (["-H", "Host: 192.0.2.1:9090", "/metrics"], 403),
        (["-H", "Origin: http://evil.example", "-d", "{}", "/prompt"], 403),
        (["-H", "Host: evil.example", "-d", "{}", "/prompt"], 403),
        (["-H", "Sec-Fetch-Site: cross-site", "/metrics"], 403), (["-H", "Sec-Fetch-Site: cross-site", "/"], 200),
        (["-H", "Sec-Fetch-Site: same-origin", "/state"], 200), (["/nothing"], 404), (["/prompt"], 405),
        (["-d", "{}", "/"], 405), (["-d", "{}", "/metrics"], 405),
        (["-X", "DELETE", "/state"], 405), (["-I", "/metrics"], 200), (["-I", "/"], 200), (["-I", "/state"], 200),
        (["-H", "Host: localhost:1", "/state"], 200),
    ]

    @Test func `are protected from pages of others, and told what is there`() async throws {
        let (server, _, admin) = try await Self.serve()
        defer { server.end() }
        for row in Self.refused {
            let arguments = row.arguments.dropLast() + [admin + (row.arguments.last ?? "")]
            let result = try await Command.run(
                "/usr/bin/curl",
                ["-sS", "--max-time", "\(patience)", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}"]
                    + arguments)
            #expect(result.output == "\(row.status)", "\(row.arguments)")
        }
        for (path, methods) in [("/metrics", "GET, HEAD, OPTIONS"), ("/prompt", "OPTIONS, POST")] {
            for method in ["OPTIONS", "PUT"] {
                let reply = try await Promptd.curl("-i", "-X", method, admin + path)
                #expect(reply.contains(method == "PUT" ? " 405 " : " 204 "), "\(method) \(path)")
                #expect(reply.contains("Allow: \(methods)\r\n"), "\(method) \(path)")
            }
        }
        // A page that it has served itself.
        let own = try await Promptd.curl("-i", "-H", "Origin: \(admin)", admin + "/state")
        #expect(own.hasPrefix("HTTP/1.1 200 "))
    }

    @Test func `are served while the server stops, and not without the flag`() async throws {
        let (standIn, address) = try await Promptd.standIn(["--first-token", "1h"])
        let (server, url, admin) = try await Self.serve([], environment: ["OLLAMA_HOST": address])
        defer { [standIn, server].forEach { $0.end() } }
        let asking = Task { try await Promptd.curl(url, "-d", "{}") }
        try await Promptd.untilAsked(standIn)
        server.signal(SIGTERM)
        try await Promptd.untilAnswer(#""ready":"Stopping""#, at: admin + "/state")
        asking.cancel()
        let (plain, plainURL) = try await Promptd.serve(["--embedded"])
        defer { plain.end() }
        #expect(try await Promptd.curl(plainURL + "/metrics") == "OK")
    }

    @Test func `need an address that can be listened on`() async throws {
        let wrong = try await Promptd.run(["serve", "--admin", "nonsense"])
        #expect(wrong.status == 64 && wrong.errors.contains("give --admin HOST:PORT"))
        let (server, url) = try await Promptd.serve(["--embedded"])
        defer { server.end() }
        let taken = try await Promptd.run(
            ["serve", "--embedded", "--listen", "127.0.0.1:0", "--admin", String(url.dropFirst("http://".count))])
        #expect(taken.status == 1 && taken.errors.contains("choose another port with --admin"))
        let other = try await Promptd.run(
            ["serve", "--embedded", "--listen", String(url.dropFirst("http://".count)), "--admin", "127.0.0.1:0"])
        #expect(other.status == 1 && other.errors.contains("choose another port with --port or PORT"))
    }
}
