import EventLoop
import HTTPServer
import TestSupport
import Testing

/// A small chunked POST that makes use of all that the grammar has.
private let chunkedBody =
    "5;name=value;q=\"a b\"\r\nhello\r\n1\r\n,\r\n00006\r\n world\r\n0;last\r\nTrailer: x\r\nOther: y\r\n\r\n"

private func chunkedPost(_ body: String, _ fields: String...) -> String {
    request("POST", "/", fields + ["Transfer-Encoding: chunked"]) + body
}

/// Request bodies in both framings, however they arrive.
@Suite(.timeLimit(.minutes(1))) struct `Bodies` {
    private func echo(_ host: TestServer) {
        host.function.handler = { request, reply in
            reply.send(Response(body: request.takeBody()?.copy() ?? []))
        }
    }

    /// Sends `text` cut in two at every offset, on one connection, and returns each answer.
    private func splitEverywhere(_ text: String, _ host: TestServer) async throws -> [RawResponse] {
        try await host.client { socket in
            let bytes = Array(text.utf8)
            return try (1..<bytes.count).map { offset in
                try socket.send(Array(bytes[..<offset]))
                // Nothing may come yet. The look costs no time: the server has no reason to answer.
                if socket.isReadable(within: 0) { throw RawSocket.Failure.malformed("an answer before the end") }
                try socket.send(Array(bytes[offset...]))
                return try socket.response()
            }
        }
    }

    @Test(arguments: [post("hello, world"), post("hello, world", "Connection: keep-alive"), chunkedPost(chunkedBody)])
    func `a request may come in two pieces, cut anywhere`(text: String) async throws {
        try await withServer { loop, host in
            echo(host)
            for response in try await splitEverywhere(text, host) {
                #expect(response.status == 200)
                #expect(response.text == "hello, world")
            }
        }
    }

    @Test func `a GET may come in two pieces, cut anywhere`() async throws {
        try await withServer { loop, host in
            for response in try await splitEverywhere(get("/a", "Accept: */*"), host) {
                #expect(response.text == "OK")
            }
        }
    }

    @Test(arguments: [post("hello, world"), chunkedPost(chunkedBody)])
    func `a request may come byte by byte`(text: String) async throws {
        try await withServer { loop, host in
            echo(host)
            let response = try await host.client { socket in
                for byte in text.utf8 { try socket.send([byte]) }
                return try socket.response()
            }
            #expect(response.text == "hello, world")
        }
    }

    @Test func `chunked requests follow one another on a connection`() async throws {
        try await withServer { loop, host in
            echo(host)
            let texts = try await host.client { socket in
                try socket.send(
                    chunkedPost("0\r\n\r\n") + chunkedPost(chunkedBody) + get() + chunkedPost("1\r\na\r\n0\r\n\r\n"))
                return try (0..<4).map { _ in try socket.response().text }
            }
            #expect(texts == ["", "hello, world", "OK", "a"])
        }
    }

    @Test func `a chunked GET is a GET`() async throws {
        try await withServer { loop, host in
            let texts = try await host.client { socket in
                try socket.send(
                    request("GET", "/", ["Transfer-Encoding: chunked"]) + chunkedBody + get("/health/liveness"))
                return [try socket.response().text, try socket.response().text]
            }
            #expect(texts == ["OK", "Alive"])
        }
    }

    @Test(arguments: [1, 100, 65_536, 1_000_000])
    func `a large body arrives whole`(chunk: Int) async throws {
        let body = SeededRandom.bytes(chunk == 1 ? 20_000 : 3_000_000, 1)
        try await withServer { loop, host in
            echo(host)
            let (lengthed, chunked) = try await host.client { socket in
                try socket.send(request("POST", "/", ["Content-Length: \(body.count)"]))
                try socket.send(body)
                let lengthed = try socket.response()
                var bytes = Array(request("POST", "/", ["Transfer-Encoding: chunked"]).utf8)
                for start in stride(from: 0, to: body.count, by: chunk) {
                    let end = min(start + chunk, body.count)
                    bytes += Array("\(String(end - start, radix: 16))\r\n".utf8) + body[start..<end] + [13, 10]
                }
                try socket.send(bytes + Array("0\r\n\r\n".utf8))
                return (lengthed, try socket.response())
            }
            #expect(lengthed.body.hasSameBytes(as: body))
            #expect(chunked.body.hasSameBytes(as: body))
        }
    }

    @Test func `a body's memory is counted until its last reference goes`() async throws {
        try await withServer { loop, host in
            var kept: [RequestBody] = []
            host.function.handler = { request, reply in
                if let body = request.takeBody() { kept.append(body) }
                reply.send(.text("kept"))
            }
            for _ in 0..<3 { _ = try await host.ask(post("12345")) }
            #expect(host.server.bufferedBytes == 15)
            kept.removeFirst()
            #expect(host.server.bufferedBytes == 10)
            kept = []
            #expect(host.server.bufferedBytes == 0)
        }
    }
}

/// `Expect: 100-continue`, RFC 9110, 10.1.1.
@Suite(.timeLimit(.minutes(1))) struct `Expectations` {
    @Test(arguments: ["100-continue", "100-Continue"], [true, false])
    func `100 Continue is sent once, before the body comes`(expectation: String, chunked: Bool) async throws {
        try await withServer { loop, host in
            let head = request(
                "POST", "/", ["Expect: \(expectation)", chunked ? "Transfer-Encoding: chunked" : "Content-Length: 2"])
            let body = chunked ? "2\r\n{}\r\n0\r\n\r\n" : "{}"
            let responses = try await host.client { socket in
                try (0..<3).flatMap { _ in
                    try socket.send(head)
                    let interim = try socket.response()
                    try socket.send(body)
                    return [interim, try socket.response()]
                }
            }
            #expect(responses.map(\.status) == [100, 200, 100, 200, 100, 200])
            #expect(responses.last?.text == "body 2")
        }
    }

    @Test func `100 Continue is not sent when the body is here already`() async throws {
        try await withServer { loop, host in
            let statuses = try await host.client { socket in
                try socket.send(post("{}", "Expect: 100-continue") + get())
                return [try socket.response().status, try socket.response().status]
            }
            #expect(statuses == [200, 200])
        }
    }

    @Test func `100 Continue is not sent when there is no body, or to HTTP 1.0`() async throws {
        try await withServer { loop, host in
            let response = try await host.ask(request("POST", "/", ["Content-Length: 0", "Expect: 100-continue"]))
            #expect(response.status == 200)
            let socket = try await host.open(
                get() + "POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
            let first = try await HTTPServerTests.response(on: socket)
            #expect(first.text == "OK")
            for _ in 0..<10 { await loop.turn() }  // the server has read the second head, too
            #expect(!socket.isReadable(within: 0))
            try socket.send("{}")
            let old = try await HTTPServerTests.response(on: socket)
            #expect(old.status == 200)
        }
    }

    @Test(arguments: ["200-ok", "100-continue, x"])
    func `another expectation is answered 417`(expectation: String) async throws {
        try await withServer { loop, host in
            let (response, rest) = try await host.askToTheEnd(post("{}", "Expect: \(expectation)"))
            #expect(response.status == 417)
            #expect(response["Connection"] == "close")
            #expect(rest.isEmpty)
        }
    }

    @Test func `a body that is too large is refused instead of asked for`() async throws {
        var limits = Limits()
        limits.bodyBytes = 10
        try await withServer(limits: limits) { loop, host in
            let (response, rest) = try await host.askToTheEnd(
                request("POST", "/", ["Content-Length: 11", "Expect: 100-continue"]))
            #expect(response.status == 413)
            #expect(rest.isEmpty)
        }
    }
}
