import EventLoop
import HTTPServer
import PromptFunction
import TestSupport
import Testing

/// What a page in a browser may do, over sockets.
@Suite(.timeLimit(.minutes(1))) struct `Web pages` {
    private static func withPolicy(
        _ origins: String, isLocal: Bool,
        _ body: @escaping @Sendable (isolated EventLoop, MultiBackendFixture) async throws -> Void
    ) async throws {
        try await withBackends(
            settings: { $0.protection.origins = try OriginPolicy(origins, isLocal: isLocal) }, body)
    }

    private static func request(_ host: String, _ fields: [String], method: String = "POST") -> [UInt8] {
        let lines = (["\(method) / HTTP/1.1", "Host: \(host)", "Content-Length: 2"] + fields).joined(separator: "\r\n")
        return Array("\(lines)\r\n\r\n{}".utf8)
    }

    /// The host, the origin, and whether a server that listens on loopback addresses takes the request.
    static let local: [(host: String, origin: String?, isTaken: Bool)] = [
        ("127.0.0.1:8080", nil, true), ("localhost", nil, true), ("[::1]:8080", nil, true), ("LOCALHOST:1", nil, true),
        ("", nil, true), ("a", nil, true), ("x.localhost", nil, true), ("mac.local:80", nil, true),
        ("evil.example", nil, false), ("evil.example:8080", nil, false), ("192.0.2.1", nil, false),
        ("127.0.0.1.evil.example", nil, false), ("[2001:db8::1]", nil, false), ("0.0.0.0:8080", nil, false),
        ("127.0.0.1:8080", "http://localhost:3000", true), ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
        ("127.0.0.1:8080", "https://[::1]", true), ("127.0.0.1:8080", "app://obsidian.md", true),
        ("127.0.0.1:8080", "http://evil.example", false), ("127.0.0.1:8080", "null", false),
        ("127.0.0.1:8080", "", false), ("127.0.0.1:8080", "http://localhost.evil.example", false),
        ("127.0.0.1:8080", "http://evil.example:127.0.0.1", false), ("evil.example", "http://evil.example", false),
        ("127.0.0.1:8080", "ftp://localhost", false), ("127.0.0.1:8080", "http://x.localhost:1", true),
        ("127.0.0.1:8080", "http://0.0.0.0:3000", true),
        // Names that somebody else near the machine may have.
        ("127.0.0.1:8080", "http://printer.local", false), ("127.0.0.1:8080", "http://wiki", false),
        ("127.0.0.1:8080", "http://a.internal", false), ("127.0.0.1:8080", "http://evil.com.internal", false),
        ("127.0.0.1:8080", "http://[::1", false),
    ]

    @Test func `a foreign page or name is refused by a server on a loopback address`() async throws {
        try await Self.withPolicy("", isLocal: true) { loop, fixture in
            for (host, origin, isTaken) in Self.local {
                let socket = try await fixture.open(Self.request(host, origin.map { ["Origin: \($0)"] } ?? []))
                let reply = try await response(on: socket)
                socket.close()
                #expect(reply.status == (isTaken ? 200 : 403), "\(host), \(origin ?? "-")")
                let isAllowed = isTaken && origin != nil
                #expect(reply["Access-Control-Allow-Origin"] == (isAllowed ? origin : nil), "\(host), \(origin ?? "-")")
                let shown = reply["Access-Control-Expose-Headers"]?.contains("RateLimit, RateLimit-Policy, Retry-After")
                #expect(shown == (isAllowed ? true : nil))
                #expect((reply["Vary"] == "Origin") == isAllowed)
            }
            #expect(fixture.requests == [Self.local.count(where: \.isTaken)])
        }
    }

    @Test(arguments: [
        ("https://*.example.com", "https://a.example.com", true),
        ("https://*.example.com", "https://example.com", false),
        ("https://*.example.com", "http://a.example.com", false), ("*", "https://anything.example", true),
        ("https://a.example, http://b.example:81", "HTTP://B.example:81", true),
        ("http://b.example:81", "http://b.example", false), ("null", "null", true),
        ("https://a.*.b.*", "https://a.x.b.y", true),
        ("https://a.*.b.*", "https://a.b.y", false),
    ])
    func `pages that are named may send prompts`(list: String, origin: String, isTaken: Bool) async throws {
        for isLocal in [true, false] {
            try await Self.withPolicy(list, isLocal: isLocal) { loop, fixture in
                let reply = try await fixture.post("{}", ["Origin: \(origin)", "Accept: text/event-stream"])
                #expect(reply.status == (isTaken ? 200 : 403))
                #expect(reply["Access-Control-Allow-Origin"] == (isTaken ? origin : nil))
                let invalid = try await fixture.post("{", ["Origin: \(origin)"])
                #expect(invalid.status == (isTaken ? 400 : 403))
                #expect(invalid["Access-Control-Allow-Origin"] == (isTaken ? origin : nil))
            }
        }
    }

    @Test func `a proxy may pass on the name of pages that may send prompts`() async throws {
        try await Self.withPolicy("https://app.example,http://*.b.example", isLocal: true) { loop, fixture in
            for (host, isTaken) in [
                ("app.example", true), ("APP.example", true), ("x.b.example", true), ("b.example", false),
                ("c.example", false),
            ] {
                let socket = try await fixture.open(Self.request(host, ["Origin: https://app.example"]))
                let reply = try await response(on: socket)
                socket.close()
                #expect(reply.status == (isTaken ? 200 : 403), "\(host)")
            }
        }
    }

    @Test func `a server for others has no policy unless one is set`() async throws {
        try await Self.withPolicy("", isLocal: false) { loop, fixture in
            let reply = try await fixture.post("{}", ["Origin: http://a.example"])
            #expect(reply.status == 200 && reply["Access-Control-Allow-Origin"] == nil)
        }
    }

    @Test func `a page of the server's own name may send prompts`() async throws {
        try await Self.withPolicy("https://a.example", isLocal: false) { loop, fixture in
            let own = try await fixture.open(Self.request("b.example:8080", ["Origin: https://b.example:8080"]))
            let answer = try await response(on: own)
            #expect(answer.status == 200)
            own.close()
        }
    }

    @Test func `a browser's question is answered`() async throws {
        try await Self.withPolicy("https://a.example", isLocal: true) { loop, fixture in
            let question = [
                "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type",
                "Access-Control-Request-Private-Network: true",
            ]
            func ask(_ origin: String, _ fields: [String]) async throws -> RawResponse {
                let lines = ["OPTIONS / HTTP/1.1", "Host: localhost", "Origin: \(origin)"] + fields
                let socket = try await fixture.open(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
                defer { socket.close() }
                return try await response(on: socket)
            }
            let yes = try await ask("https://a.example", question)
            #expect(yes.status == 204 && yes["Access-Control-Allow-Origin"] == "https://a.example")
            #expect(yes["Access-Control-Allow-Headers"] == "authorization,content-type")
            #expect(yes["Access-Control-Allow-Methods"] == "GET, HEAD, POST")
            #expect(yes["Access-Control-Allow-Private-Network"] == "true" && yes["Allow"] == "GET, HEAD, OPTIONS, POST")
            for (origin, fields) in [("https://b.example", question), ("https://a.example", [])] {
                let no = try await ask(origin, fields)
                #expect(no.status == 204 && no.fields.allSatisfy { !$0.name.hasPrefix("Access-Control") })
            }
        }
    }

    @Test(arguments: ["example.com", "https://", "https://a.example/", "://a", "https://a b"])
    func `what is no origin is told`(text: String) {
        #expect(throws: (any Error).self) { try OriginPolicy(text, isLocal: false) }
    }
}
