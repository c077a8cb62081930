import FunctionHost
import EventLoop
import HTTPServer
import TestSupport
import Testing

/// What is answered to which request, and how the connection goes on.
@Suite(.timeLimit(.minutes(1))) struct `The contract` {
    @Test(arguments: [
        "/", "/a", "/a/b?c=d", "/health", "/health/liveness/", "/Health/liveness", "//health/liveness", "/%00",
    ])
    func `a GET is answered OK`(target: String) async throws {
        try await withServer { loop, host in
            let response = try await host.ask(get(target))
            #expect(response.status == 200)
            #expect(response.phrase == "OK")
            #expect(response.version == "HTTP/1.1")
            #expect(response.text == "OK")
            #expect(response["Content-Type"] == "text/plain; charset=utf-8")
            #expect(response["Content-Length"] == "2")
            #expect(response["Connection"] == nil)
        }
    }

    @Test func `the date is the time, as HTTP writes it`() async throws {
        try await withServer { loop, host in
            let date = try #require(try await host.ask(get())["Date"])
            #expect(date.wholeMatch(of: /[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/) != nil)
        }
    }

    @Test func `a HEAD is answered like GET, without the body`() async throws {
        try await withServer { loop, host in
            let text = try await host.client { socket in
                try socket.send(request("HEAD", "/", ["Connection: close"]))
                return try socket.rest().text
            }
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(text.contains("\r\nContent-Length: 2\r\n"))
            #expect(text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test(arguments: [
        ("/health/liveness", "Alive"), ("/health/readiness", "Ready"), ("/health/liveness?verbose", "Alive"),
        ("http://elsewhere/health/liveness", "Alive"), ("http://elsewhere", "OK"),
        ("http://elsewhere?/health/liveness", "OK"),
    ])
    func `health checks match exactly, whatever the query`(target: String, body: String) async throws {
        try await withServer { loop, host in
            let response = try await host.ask(get(target))
            #expect(response.status == 200)
            #expect(response.text == body)
            let head = try await host.ask(request("HEAD", target))
            #expect(head.status == 200)
            #expect(head["Content-Length"] == "\(body.utf8.count)")
        }
    }

    @Test func `an unwell function makes its check 503`() async throws {
        try await withServer { loop, host in
            host.function.health = .unhealthy("x")
            let response = try await host.ask(get("/health/readiness"))
            #expect(response.status == 503)
            #expect(response.text == "not well")
        }
    }

    @Test(arguments: ["PUT", "DELETE", "options", "TRACE", "CONNECT", "PATCH", "get", "BREW", "M-SEARCH", "GETS"])
    func `another method is answered 405 with what is allowed`(method: String) async throws {
        try await withServer { loop, host in
            let (response, rest) = try await host.askToTheEnd(request(method))
            #expect(response.status == 405)
            #expect(response["Allow"] == "GET, HEAD, OPTIONS, POST")
            #expect(response["Connection"] == "close")
            #expect(rest.isEmpty)
        }
    }

    @Test(arguments: [
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "OPTIONS / HTTP/1.0\r\n\r\n",  // HAProxy's default health check
    ])
    func `OPTIONS is answered 204 with what is allowed`(text: String) async throws {
        try await withServer { loop, host in
            let head = try await host.client { socket in
                try socket.send(text + get("/health/liveness", "Connection: close"))
                return try socket.receive(until: "\r\n\r\n")
            }
            #expect(head.hasPrefix("HTTP/1.1 204 No Content\r\n"))
            #expect(head.contains("\r\nAllow: GET, HEAD, OPTIONS, POST\r\n"))
            #expect(!head.contains("Content-"))
            #expect(host.function.handled == 0)
        }
    }

    @Test func `a connection goes on after OPTIONS`() async throws {
        try await withServer { loop, host in
            let text = try await host.client { socket in
                try socket.send(request("OPTIONS", "*") + get("/health/liveness"))
                _ = try socket.receive(until: "\r\n\r\n")
                return try socket.response().text
            }
            #expect(text == "Alive")
        }
    }

    /// Source: RFC 9110, 9.3.2.
    @Test(arguments: ["Host: a\r\nHost: b", "Host: a b", "Host: a\r\nContent-Length: x", "Host: a\r\nExpect: b"])
    func `a HEAD request that is rejected gets no body`(fields: String) async throws {
        try await withServer { loop, host in
            let all = try await host.client { socket in
                try socket.send("HEAD / HTTP/1.1\r\n\(fields)\r\n\r\n")
                return try socket.rest().text
            }
            #expect(all.hasPrefix("HTTP/1.1 4"))
            #expect(all.hasSuffix("\r\n\r\n") && !all.contains("Content-Length: 0"))
        }
    }

    @Test func `a method with a body is rejected without taking the body for a request`() async throws {
        try await withServer { loop, host in
            let smuggled = get("/health/liveness")
            let fields = ["Content-Length: \(smuggled.utf8.count)"]
            for method in ["PUT", "TRACE", "HEAD", "BREW"] {
                let (response, rest) = try await host.askToTheEnd(request(method, "/", fields) + smuggled)
                #expect(response.status == (method == "HEAD" ? 200 : 405))
                #expect(response["Connection"] == "close")
                #expect(rest.isEmpty)
            }
        }
    }

    @Test func `a GET with a body is a GET`() async throws {
        try await withServer { loop, host in
            let texts = try await host.client { socket in
                try socket.send(request("GET", "/", ["Content-Length: 3"]) + "abc" + get("/health/liveness"))
                return [try socket.response().text, try socket.response().text]
            }
            #expect(texts == ["OK", "Alive"])
            #expect(host.function.handled == 0)
        }
    }

    @Test func `a POST is handed to the function`() async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                let (method, path, type) = (request.method, request.path, request.field("CONTENT-TYPE") ?? "none")
                let body = request.takeBody().map { String(decoding: $0.copy(), as: UTF8.self) } ?? "empty"
                reply.send(.text("\(method) \(path) \(type) \(body)"))
            }
            let text = try await host.ask(request("POST", "/p?q", ["content-type: a/b", "Content-Length: 2"]) + "{}")
                .text
            #expect(text == "post /p a/b {}")
        }
    }

    @Test(arguments: [[], ["Content-Length: 0"], ["Connection: keep-alive"], ["Connection: close"]])
    func `a POST without a body is handed over empty`(fields: [String]) async throws {
        try await withServer { loop, host in
            let response = try await host.ask(request("POST", "/", fields))
            #expect(response.status == 200)
            #expect(response.text == "body 0")
        }
    }
}

/// When a connection serves another request.
@Suite(.timeLimit(.minutes(1))) struct `Keep-alive` {
    struct Case: CustomTestStringConvertible {
        var version = "1.1"
        var fields = ""
        let field: String?
        var closes: Bool { field == "close" }
        var testDescription: String { "HTTP/\(version) \(fields.debugDescription)" }
    }

    static let cases = [
        Case(field: nil),
        Case(fields: "Connection: keep-alive\r\n", field: nil),
        Case(fields: "Connection: close\r\n", field: "close"),
        Case(fields: "Connection: CLOSE\r\n", field: "close"),
        Case(fields: "Connection: foo, close\r\n", field: "close"),
        Case(fields: "Connection: close,foo\r\n", field: "close"),
        Case(fields: "Connection: foo\r\nConnection: close\r\n", field: "close"),
        Case(fields: "Connection: closed\r\n", field: nil),
        Case(version: "1.0", field: "close"),
        Case(version: "1.0", fields: "Connection: keep-alive\r\n", field: "keep-alive"),
        Case(version: "1.0", fields: "Connection: Keep-Alive\r\n", field: "keep-alive"),
        Case(version: "1.0", fields: "Connection: keep-alive, close\r\n", field: "close"),
        Case(version: "1.0", fields: "Connection: close, keep-alive\r\n", field: "close"),
        Case(version: "1.0", fields: "Connection: keep-alive, foo\r\n", field: "keep-alive"),
        Case(version: "1.0", fields: "Connection: foo, keep-alive\r\n", field: "keep-alive"),
    ]

    @Test(arguments: cases, ["GET", "POST", "late POST"])
    func `is as the version and the Connection field have it`(each: Case, kind: String) async throws {
        try await withServer { loop, host in
            if kind == "late POST" {
                host.function.handler = { request, reply in
                    await loop.turn()
                    reply.send(.text("late"))
                }
            }
            let text =
                "\(kind.split(separator: " ").last!) / HTTP/\(each.version)\r\nHost: a\r\n\(each.fields)"
                + (kind == "GET" ? "\r\n" : "Content-Length: 2\r\n\r\n{}")
            let responses = try await host.client { socket in
                try socket.send(text)
                let first = try socket.response()
                if each.closes {
                    let (rest, ending) = try socket.rest()
                    #expect(rest.isEmpty && ending == .closed)
                    return [first]
                }
                try socket.send(text)
                return [first, try socket.response()]
            }
            for response in responses {
                #expect(response.status == 200)
                #expect(response["Connection"] == each.field)
            }
        }
    }

    @Test func `an idle connection serves a hundred requests of all kinds`() async throws {
        try await withServer { loop, host in
            let statuses = try await host.client { socket in
                try (0..<100).map { index in
                    try socket.send(index % 2 == 0 ? get() : post("{}"))
                    return try socket.response().status
                }
            }
            #expect(statuses == [Int](repeating: 200, count: 100))
            #expect(host.function.handled == 50)
        }
    }

    @Test func `fields of one name are joined in their order, those of others left out`() async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                reply.send(
                    .text(
                        [request.list("X-Forwarded-For"), request.list("None")].map { $0 ?? "-" }.joined(separator: ";")
                    ))
            }
            let response = try await host.ask(
                "POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1\r\nX-Other: 2\r\nx-forwarded-for: 3, 4\r\nContent-Length: 1\r\n\r\nx"
            )
            #expect(response.text == "1,3, 4;-")
        }
    }
}
