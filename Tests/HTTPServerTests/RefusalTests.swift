import HTTPServer
import TestSupport
import Testing

/// What a service decides by the head of a request.
@Suite(.timeLimit(.minutes(1))) struct `Refusal by the head` {
    @Test(arguments: ["Content-Length: 30000000", "Transfer-Encoding: chunked"], [true, false])
    func `comes before the body and 100 Continue`(framing: String, hasBegun: Bool) async throws {
        try await withServer { loop, host in
            let fields = [framing, "X-Refuse: yes", "Expect: 100-continue"]
            let text = request("POST", "/", fields) + (hasBegun ? "5\r\nabc" : "")
            let (response, rest) = try await host.askToTheEnd(text)
            #expect(response.status == 403 && response.text == "refused")
            #expect(response["Connection"] == "close" && rest.isEmpty)
            #expect(host.function.refused == 1 && host.function.handled == 0 && host.server.bufferedBytes == 0)
        }
    }

    @Test func `keeps the connection if the whole request has arrived`() async throws {
        try await withServer { loop, host in
            let responses = try await host.client { socket in
                try socket.send(
                    post("{}", "X-Refuse: a") + get() + post("", "X-Refuse: a") + post("{}")
                        + request("POST", "/", ["Transfer-Encoding: chunked", "X-Refuse: a"]) + "1\r\na\r\n0\r\n\r\n"
                        + get("/health/liveness", "X-Refuse: a"))
                return try (0..<6).map { _ in try socket.response() }
            }
            #expect(responses.map(\.status) == [403, 200, 403, 200, 403, 200])
            #expect(responses.map(\.text) == ["refused", "OK", "refused", "body 2", "refused", "Alive"])
            #expect(host.function.refused == 3 && host.function.handled == 1 && host.server.bufferedBytes == 0)
        }
    }

    @Test func `is asked for once, however the body arrives`() async throws {
        try await withServer { loop, host in
            let response = try await host.client { socket in
                try socket.send(request("POST", "/", ["Content-Length: 3", "Expect: 100-continue"]))
                let first = try socket.receive(until: "\r\n\r\n")
                for byte in ["a", "b", "c"] { try socket.send(byte) }
                return (first, try socket.response())
            }
            #expect(response.0 == "HTTP/1.1 100 Continue\r\n\r\n")
            #expect(response.1.text == "body 3")
        }
    }

    @Test(arguments: [true, false])
    func `reaches a client that sends on, and nothing of it is a request`(isReset: Bool) async throws {
        try await withServer { loop, host in
            let smuggled = get("/health/liveness")
            let head = request("POST", "/", ["Content-Length: \(smuggled.utf8.count + 1)", "X-Refuse: a"])
            let socket = try await host.open(head)
            let response = try await response(on: socket)
            #expect(response.status == 403)
            if isReset {
                try await offLoop { socket.reset() }
            } else {
                let rest = try await offLoop {
                    try socket.send(smuggled + smuggled)
                    socket.shutdownWrite()
                    return try socket.rest().text
                }
                #expect(rest.isEmpty)
            }
            try await host.untilEmpty(on: loop)
        }
    }
}
