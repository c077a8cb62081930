import EventLoop
import FunctionHost
import HTTPServer
import TestSupport
import Testing

/// What RFC 9110 and RFC 9112 ask of a server, requirement by requirement.
@Suite(.timeLimit(.minutes(1))) struct `RFC 9110 and 9112` {
    @Test(arguments: RFC9112.rows + RFC9110.rows)
    func `each request has one reading, however it arrives`(row: WireRow) async throws {
        try await WireCheck(row).run()
    }

    @Test(arguments: Smuggling.rows)
    func `no request is smuggled behind another`(row: WireRow) async throws {
        try await WireCheck(row).run()
    }

    /// The rest of a request line, and what is behind it.
    static let requests = [
        "/ HTTP/1.1\r\nHost: a\r\n\r\n", "/health/liveness HTTP/1.1\r\nHost: a\r\n\r\n",
        "/health/readiness HTTP/1.1\r\nHost: a\r\n\r\n", "http://a/?b HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "/ HTTP/1.1\r\n\r\n", "/ HTTP/1.1\n", "/ HTTP/2.0\r\nHost: a\r\n\r\n", "* HTTP/1.1\r\nHost: a\r\n\r\n",
        "/ HTTP/1.1\r\nHost: a\r\nExpect: b\r\n\r\n", "/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: a, chunked\r\n\r\n",
        "/ HTTP/1.1\r\nHost: a\r\nContent-Length: 129\r\n\r\n", "/" + String(repeating: "a", count: 512),
        "/ HTTP/1.1\r\nHost: a\r\nA: " + String(repeating: "b", count: 512),
    ]

    /// Source: RFC 9110, 9.3.2.
    @Test(arguments: requests, [true, false])
    func `HEAD is answered as GET is, without the body`(rest: String, isHealthy: Bool) async throws {
        try await withServer(limits: WireCheck.limits) { loop, host in
            if !isHealthy { host.function.health = .unhealthy("x") }
            let port = host.port
            let (get, head) = try await offLoop {
                let sockets = [try RawSocket(port: port), try RawSocket(port: port)]
                defer { sockets.forEach { $0.close() } }
                try sockets[0].send("GET \(rest)")
                try sockets[1].send("HEAD \(rest)")
                let get = try sockets[0].response()
                let head = try sockets[1].response(toHead: true)
                sockets[1].shutdownWrite()
                guard try sockets[1].rest().text.isEmpty else { throw RawSocket.Failure.malformed("a body") }
                return (get, head)
            }
            #expect(head.status == get.status && head.fields.map(\.name) == get.fields.map(\.name))
            for field in get.fields where field.name != "Date" { #expect(head[field.name] == field.value) }
            #expect(get["Content-Length"] == "\(get.body.count)")
        }
    }

    @Test func `a HEAD that drips in is answered without a body`() async throws {
        let short = limits { $0.headerTimeout = .seconds(2) }
        try await withServer(limits: short, clock: .manual) { loop, host in
            let socket = try await host.open("HEAD / HT")
            try await passDeadline(.seconds(2), on: loop)
            let all = try await offLoop { try socket.rest().text }
            #expect(all.hasPrefix("HTTP/1.1 408 ") && all.hasSuffix("\r\n\r\n"))
        }
    }

    /// Source: RFC 9112, 3.2.2.
    @Test(arguments: [
        ("/c", "Host: a", "a"), ("http://b:80/c", "Host: a", "b:80"), ("http://b/c", "Host:", "b"),
        ("http://[::1]/c", "Host: a.longer.name", "[::1]"),
    ])
    func `the host is that of an absolute target`(target: String, field: String, host expected: String) async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in reply.send(.text(request.list("Host") ?? "none")) }
            let response = try await host.ask(head("POST \(target) HTTP/1.1", field))
            #expect(response.text == expected)
            let old = try await host.ask(head("POST \(target) HTTP/1.0"))
            #expect(old.text == (target == "/c" ? "none" : expected))
        }
    }
}
