import EventLoop
import HTTPServer
import TestSupport
import Testing

/// How much the server takes.
@Suite(.timeLimit(.minutes(1))) struct `Sizes` {
    @Test(arguments: [true, false])
    func `a head that is too large is answered 431`(complete: Bool) async throws {
        try await withServer(limits: limits { $0.headerBytes = 1000 }) { loop, host in
            let large = "GET / HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "x", count: 1000))"
            let (response, rest) = try await host.askToTheEnd(complete ? large + "\r\n\r\n" : large)
            #expect(response.status == 431)
            #expect(rest.isEmpty)
            let size = get("/", "A: ").utf8.count
            let fitting = try await host.ask(get("/", "A: " + String(repeating: "x", count: 1000 - size)))
            #expect(fitting.status == 200)
            let above = try await host.ask(get("/", "A: " + String(repeating: "x", count: 1001 - size)))
            #expect(above.status == 431)
        }
    }

    @Test func `a head of nearly the default limit is taken`() async throws {
        try await withServer { loop, host in
            let response = try await host.ask(get("/" + String(repeating: "x", count: 65_000)))
            #expect(response.status == 200)
        }
    }

    @Test func `too many fields are answered 431`() async throws {
        try await withServer { loop, host in
            func fields(_ count: Int) -> String { request("GET", "/", (1..<count).map { "A\($0): b" }) }
            let fitting = try await host.ask(fields(128)).status
            let above = try await host.ask(fields(129)).status
            #expect(fitting == 200)
            #expect(above == 431)
        }
    }

    @Test func `a Content-Length that is too large is answered 413 at once`() async throws {
        try await withServer(limits: limits { $0.bodyBytes = 1000 }) { loop, host in
            for length in ["1001", "999999999999999999"] {
                let (response, rest) = try await host.askToTheEnd(request("POST", "/", ["Content-Length: \(length)"]))
                #expect(response.status == 413)
                #expect(rest.isEmpty)
            }
            let fitting = try await host.ask(post(String(repeating: "x", count: 1000)))
            #expect(fitting.text == "body 1000")
        }
    }

    @Test func `a chunked body that becomes too large is answered 413 in the middle`() async throws {
        try await withServer(limits: limits { $0.bodyBytes = 1000 }) { loop, host in
            let chunk = "1f4\r\n" + String(repeating: "x", count: 500) + "\r\n"
            let head = request("POST", "/", ["Transfer-Encoding: chunked"])
            let (response, rest) = try await host.askToTheEnd(head + chunk + chunk + "1\r\nx")
            #expect(response.status == 413)
            #expect(rest.isEmpty)
            let fitting = try await host.ask(head + chunk + chunk + "0\r\n\r\n")
            #expect(fitting.text == "body 1000")
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `chunk extensions without end are refused`() async throws {
        try await withServer { loop, host in
            let head = request("POST", "/", ["Transfer-Encoding: chunked"])
            let (response, _) = try await host.askToTheEnd(head + "1;" + String(repeating: "x", count: 5000))
            #expect(response.status == 400)
            let (trailers, _) = try await host.askToTheEnd(head + "0\r\n" + String(repeating: "A: b\r\n", count: 2000))
            #expect(trailers.status == 400)
        }
    }

    @Test func `a refused upload can be read by a client that sends it all first`() async throws {
        try await withServer(limits: limits { $0.bodyBytes = 1000 }) { loop, host in
            let response = try await host.client { socket in
                try socket.send(request("POST", "/", ["Content-Length: 20000000"]))
                try socket.send([UInt8](repeating: 0x41, count: 20_000_000))
                return try socket.response()
            }
            #expect(response.status == 413)
        }
    }

    @Test func `all bodies together are bounded, and room is found again`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 10_000 }, clock: .manual) { loop, host in
            let part = request("POST", "/", ["Content-Length: 6000"]) + String(repeating: "x", count: 5000)
            let first = try await host.open(part)
            try await until("the first half is here", on: loop) { host.server.bufferedBytes == 5000 }
            let (response, rest) = try await host.askToTheEnd(part + String(repeating: "x", count: 500))
            #expect(response.status == 503)
            #expect(response["Retry-After"] == "1")
            #expect(rest.isEmpty)
            let whole = try await offLoop {
                try first.send(String(repeating: "x", count: 1000))
                return try first.response()
            }
            #expect(whole.text == "body 6000")
            first.close()
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }
}

/// How long the server waits.
@Suite(.timeLimit(.minutes(1))) struct `Time limits` {
    /// More sockets than one poll tells of.
    @Test func `what has arrived before a deadline counts, however much that is`() async throws {
        let short = limits { $0.headerTimeout = .seconds(5) }
        try await withServer(limits: short, clock: .manual) { loop, host in
            var sockets: [RawSocket] = []
            for _ in 0..<200 { sockets.append(try await host.open("GET / HTTP/1.1\r\nHost: a\r\n")) }
            try await until("they are here", on: loop) { host.server.connections == 200 }
            for _ in 0..<20 { await loop.turn() }
            for socket in sockets { try socket.send("\r\n") }  // on the loop's thread: the loop reads nothing meanwhile
            await loop.suspend(for: .seconds(5))
            for socket in sockets {
                let answer = try await response(on: socket)
                #expect(answer.status == 200)
                socket.close()
            }
        }
    }

    private static let limit = Duration.seconds(9)

    /// Sends `text` at once and `more` in the limit's last nanosecond: the limit is the same for all of it.
    private static func drip(
        _ text: String, _ more: String, to host: TestServer, on loop: isolated EventLoop
    ) async throws -> RawResponse {
        let socket = try await host.open(text)
        defer { socket.close() }
        try await until("the time runs", on: loop) { loop.hasDeadline(at: loop.now + limit) }
        await loop.advance(by: limit - .nanoseconds(1))
        #expect(host.server.connections == 1 && !socket.isReadable(within: 0))
        try socket.send(more)
        await loop.advance(by: .nanoseconds(1))
        return try await response(on: socket)
    }

    @Test func `a head that drips in is answered 408`() async throws {
        try await withServer(limits: limits { $0.headerTimeout = Self.limit }, clock: .manual) { loop, host in
            let response = try await Self.drip("GET / HTTP/1.1\r\nA: ", "x", to: host, on: loop)
            #expect(response.status == 408)
            #expect(response["Connection"] == "close")
            let socket = try await host.open(get() + "G")
            let first = try await HTTPServerTests.response(on: socket).status
            try await passDeadline(Self.limit, on: loop)
            let second = try await HTTPServerTests.response(on: socket).status
            #expect([first, second] == [200, 408])
        }
    }

    @Test(arguments: ["Content-Length: 10000", "Transfer-Encoding: chunked"])
    func `a body that drips in is answered 408`(framing: String) async throws {
        try await withServer(limits: limits { $0.bodyTimeout = Self.limit }, clock: .manual) { loop, host in
            let response = try await Self.drip(
                request("POST", "/", [framing]) + "1\r\nx\r\n", "1\r\nx\r\n", to: host, on: loop)
            #expect(response.status == 408)
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `a pending request is under no time limit`() async throws {
        let short = limits {
            ($0.headerTimeout, $0.bodyTimeout) = (Self.limit, Self.limit)
            ($0.idleTimeout, $0.writeTimeout) = (Self.limit, Self.limit)
        }
        try await withServer(limits: short, clock: .manual) { loop, host in
            host.function.handler = { request, reply in
                await loop.advance(by: Self.limit * 2)
                let body = reply.start(.ok, .text)
                await body.send(Array("a".utf8))
                await loop.advance(by: Self.limit * 2)
                await body.send(Array("b".utf8))
                body.end()
            }
            let response = try await host.ask(post("{}"))
            #expect(response.text == "ab")
        }
    }

    @Test(arguments: ["", get(), "\r", "\r\n\r", get() + "\r"])
    func `an idle connection is closed without a word`(text: String) async throws {
        try await withServer(limits: limits { $0.idleTimeout = Self.limit }, clock: .manual) { loop, host in
            let socket = try await host.open(text)
            defer { socket.close() }
            if text.hasPrefix("GET") { _ = try await response(on: socket) }
            try await passDeadline(Self.limit, on: loop)
            let rest = try await offLoop { try socket.rest() }
            #expect(rest.text.isEmpty && rest.ending == .closed)
        }
    }
}
