import EventLoop
@_spi(RawReply) import HTTPServer
import TestSupport
import Testing

/// Whole replies and streams, and what becomes of those that are not whole.
@Suite(.timeLimit(.minutes(1))) struct `Replies` {
    private let large = SeededRandom.bytes(5_000_000, 2)

    @Test(arguments: ["1.0", "1.1"])
    func `a large reply arrives whole at a slow reader`(version: String) async throws {
        try await withServer { loop, host in
            host.function.handler = { [large] request, reply in reply.send(Response(body: large)) }
            let bodies = try await offLoop { [port = host.port] in
                let socket = try RawSocket(port: port, receiveBuffer: 4096)
                return try (0..<2).map { _ in
                    try socket.send(
                        "POST / HTTP/\(version)\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1")
                    return try socket.response().body
                }
            }
            for body in bodies { #expect(body.hasSameBytes(as: large)) }
        }
    }

    @Test(arguments: ["1.0", "1.1"], [1, 70_000])
    func `a stream arrives whole at a slow reader`(version: String, piece: Int) async throws {
        let content = piece == 1 ? Array(large[..<3000]) : large
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                let body = reply.start(.ok, .ndjson)
                for start in stride(from: 0, to: content.count, by: piece) {
                    await body.send(Array(content[start..<min(start + piece, content.count)]))
                }
                await body.send([])
                body.end()
            }
            let (response, second) = try await offLoop { [port = host.port] in
                let socket = try RawSocket(port: port, receiveBuffer: 4096)
                try socket.send(
                    "POST / HTTP/\(version)\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n1")
                let response = try socket.response()
                if version == "1.0" { return (response, "") }
                try socket.send(get())
                return (response, try socket.response().text)
            }
            #expect(response.isWhole)
            #expect(response.body.hasSameBytes(as: content))
            #expect(response["Content-Type"] == "application/x-ndjson")
            #expect(response["Content-Length"] == nil)
            #expect(response["Transfer-Encoding"] == (version == "1.0" ? nil : "chunked"))
            #expect(response["Connection"] == (version == "1.0" ? "close" : nil))
            #expect(second == (version == "1.0" ? "" : "OK"))
        }
    }

    @Test func `a stream waits for a slow reader instead of filling memory`() async throws {
        try await withServer { loop, host in
            var sent = 0
            host.function.handler = { request, reply in
                let body = reply.start(.ok, .text)
                for _ in 0..<1000 where !Task.isCancelled {
                    await body.send([UInt8](repeating: 0x41, count: 100_000))
                    sent += 1
                }
                body.end()
            }
            let socket = try await offLoop { [port = host.port] in
                let socket = try RawSocket(port: port, receiveBuffer: 4096)
                try socket.send(post("{}"))
                _ = try socket.receive(until: "\r\n\r\n")
                return socket
            }
            var last = -1
            while sent != last {  // until nothing more goes out
                last = sent
                for _ in 0..<20 { await loop.turn() }
            }
            #expect(sent < 200)
            try await offLoop { socket.reset() }
            try await host.untilEmpty(on: loop)
        }
    }

    @Test(arguments: ["1.0", "1.1"], [false, true])
    func `a stream that is dropped is visibly cut`(version: String, late: Bool) async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                let body = reply.start(.ok, .text)
                await body.send(Array("half".utf8))
                if late { await loop.turn() }
            }
            let (bytes, ending) = try await host.client { socket in
                try socket.send("POST / HTTP/\(version)\r\nHost: a\r\nContent-Length: 1\r\n\r\n1")
                return try socket.receiveUntilEnd()
            }
            if version == "1.0" {
                #expect(ending == .reset)
            } else {
                #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\n\r\n4\r\nhalf\r\n"))
            }
            try await host.untilEmpty(on: loop)
        }
    }

    @Test(arguments: [false, true])
    func `a reply that is dropped answers 500`(late: Bool) async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in if late { await loop.turn() } }
            let statuses = try await host.client { socket in
                try (0..<2).map { _ in
                    try socket.send(post("{}"))
                    return try socket.response().status
                }
            }
            #expect(statuses == [500, 500])
            #expect(host.log.lines(with: "the function sent no reply").count == 2)
        }
    }

    @Test func `a reply to a client that has left counts as sent`() async throws {
        try await withServer { loop, host in
            let left = Gate(), replied = Gate()
            host.function.handler = { request, reply in
                await left.wait()
                reply.send(.text("late"))
                replied.open()
            }
            let port = host.port
            let socket = try await offLoop {
                let socket = try RawSocket(port: port)
                try socket.send(post("{}"))
                return socket
            }
            try await until("the request has come", on: loop) { host.function.handled == 1 }
            socket.reset()
            try await until("the client has left", on: loop) { host.server.requestsInFlight == 0 }
            left.open()
            await replied.wait()
            await loop.turn()
            #expect(host.log.lines(with: "the function sent no reply").isEmpty)
        }
    }

    @Test func `a HEAD that the function answers has no body`() async throws {
        try await withServer { loop, host in
            host.function.handlesAll = true
            for streams in [false, true] {
                host.function.handler = { request, reply in
                    if streams {
                        let body = reply.start(.ok, .text)
                        await body.send(Array("body".utf8))
                        body.end()
                    } else {
                        reply.send(.text("body"))
                    }
                }
                let statuses = try await host.client { socket in
                    try (0..<2).map { _ in
                        try socket.send(request("HEAD"))
                        return try socket.response(toHead: true).status
                    }
                }
                #expect(statuses == [200, 200])
            }
        }
    }

    @Test func `a failure is told as text or JSON, with its fields`() async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                reply.send(
                    .failure(
                        .serviceUnavailable, "Say \"later\".", asJSON: request.preferred(of: [.text, .json]) == .json,
                        retryAfter: 1234))
            }
            let text = try await host.ask(post("{}"))
            #expect(text.text == "Say \"later\".\n")
            #expect(text["Retry-After"] == "1234")
            let json = try await host.ask(post("{}", "Accept: application/json"))
            #expect(json.text == #"{"error":"Say \"later\"."}"#)
            #expect(json["Content-Type"] == "application/json; charset=utf-8")
        }
    }

    @Test func `a request's fields are gone when the client is`() async throws {
        try await withServer { loop, host in
            let ended = Gate()
            host.function.handler = { request, reply in
                await Gate().waitOrCancelled()
                #expect(request.path == "" && request.field("Host") == nil && request.bodyCount == 0)
                #expect(request.takeBody() == nil)
                let body = reply.start(.ok, .text)
                await body.send([1])
                body.end()
                ended.open()
            }
            try await host.client { socket in
                try socket.send(post("{}"))
                socket.shutdownWrite()
                _ = try socket.receiveUntilEnd()
            }
            try await until("the handler ends", on: loop) { ended.isOpen }
            #expect(host.server.bufferedBytes == 0)
        }
    }
}

/// The connection without a server's manners.
@Suite(.timeLimit(.minutes(1))) struct `Raw replies` {
    @Test func `bytes go out as they are, and the connection goes on`() async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                let raw = reply.raw()
                raw.send(Array("HTTP/1.1 299 Odd\r\nContent-Length: 1\r\n\r\n".utf8))
                await loop.turn()
                raw.send(Array("x".utf8))
                raw.finish()
            }
            let responses = try await host.client { socket in
                try (0..<2).map { _ in
                    try socket.send(post("{}"))
                    return try socket.response()
                }
            }
            #expect(responses.map(\.status) == [299, 299])
            #expect(responses.map(\.text) == ["x", "x"])
        }
    }

    @Test(arguments: ["close", "drop", "cut", "reset"])
    func `a connection is closed or broken on demand`(way: String) async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                let raw = reply.raw()
                raw.send(Array("half".utf8))
                switch way {
                case "close": raw.close()
                case "cut": raw.cut(reset: false)
                case "reset": raw.cut(reset: true)
                default: break
                }
            }
            let (text, ending) = try await host.client { socket in
                try socket.send(post("{}"))
                return try socket.rest()
            }
            if way == "reset" { #expect(ending == .reset) } else { #expect(text == "half" && ending == .closed) }
            try await host.untilEmpty(on: loop)
        }
    }

    @Test func `a stalled reply ends when the client leaves`() async throws {
        try await withServer { loop, host in
            let arrived = Gate(), ended = Gate()
            host.function.handler = { request, reply in
                let raw = reply.raw()
                arrived.open()
                await raw.stall()
                ended.open()
            }
            let socket = try await host.open(post("{}"))
            await arrived.wait()
            socket.close()
            try await until("it ends", on: loop) { ended.isOpen }
            try await host.untilEmpty(on: loop)
        }
    }
}
