import EventLoop
import HTTPServer
import TestSupport
import Testing

/// Requests that come before the one in front of them was answered.
@Suite(.timeLimit(.minutes(1))) struct `Pipelining` {
    @Test(arguments: [true, false])
    func `a thousand GETs in one write are answered in order`(leaves: Bool) async throws {
        try await withServer { loop, host in
            let texts = try await host.client { socket in
                let requests = (0..<1000).map { get($0 % 7 == 0 ? "/health/liveness" : "/") }.joined()
                try socket.send(requests)
                if leaves { socket.shutdownWrite() }
                return try (0..<1000).map { _ in try socket.response().text }
            }
            #expect(texts == (0..<1000).map { $0 % 7 == 0 ? "Alive" : "OK" })
        }
    }

    @Test func `what follows a pending POST waits for it`() async throws {
        try await withServer { loop, host in
            let (arrived, answer) = host.holdReplies(of: "POST")
            let script = try await offLoop { [port = host.port] in try RawSocket(port: port) }
            try await offLoop { try script.send(get() + post("{}") + get("/health/liveness") + post("{}") + get()) }
            let first = try await offLoop { try script.response().text }
            #expect(first == "OK")
            await arrived.wait()
            for _ in 0..<10 { await loop.turn() }  // the server has read all that there is
            #expect(!script.isReadable(within: 0))
            answer.open()
            let texts = try await offLoop { try (0..<4).map { _ in try script.response().text } }
            #expect(texts == ["POST", "Alive", "POST", "OK"])
        }
    }

    @Test func `a flood of pipelined requests is not gathered in memory`() async throws {
        try await withServer { loop, host in
            let requests = Array([String](repeating: get(), count: 20_000).joined().utf8)
            let count = try await host.client { socket in
                var sent = 0, received = 0
                // Alternates, so that neither side's buffers fill up for good.
                while sent < requests.count {
                    guard let count = socket.sendWithoutWaiting(Array(requests[sent...].prefix(1 << 20))) else { break }
                    sent += count
                    if count == 0 {
                        _ = try socket.response()
                        received += 1
                    }
                }
                while received < 20_000 {
                    guard try socket.response().text == "OK" else { break }
                    received += 1
                }
                return received
            }
            #expect(count == 20_000)
        }
    }
}

/// How the server learns that a client no longer waits for its answer.
@Suite(.timeLimit(.minutes(1))) struct `A client that leaves` {
    enum Way: CaseIterable, Sendable { case fin, halfClose, reset }

    /// Sends a POST and `behind`, leaves once the function has it, and waits until the function's task was cancelled.
    private func leave(_ way: Way, behind: [UInt8], body: String = "{}") async throws {
        try await withServer { loop, host in
            let arrived = Gate(), cancelled = Gate()
            host.function.handler = { request, reply in
                arrived.open()
                await withTaskCancellationHandler {
                    await cancelled.wait()
                } onCancel: {
                    cancelled.open()
                }
                #expect(Task.isCancelled)
                reply.send(.text("nobody hears this"))
            }
            let socket = try await host.open(post(body))
            await arrived.wait()
            try await offLoop {
                var sent = 0
                while sent < behind.count, socket.isWritable(within: 200),
                    let count = socket.sendWithoutWaiting(Array(behind[sent...]))
                { sent += count }
                switch way {
                case .fin: socket.close()
                case .halfClose: socket.shutdownWrite()
                case .reset: socket.reset()
                }
            }
            try await until("the task is cancelled", on: loop) { cancelled.isOpen }
            try await host.untilEmpty(on: loop)
            #expect(host.server.requestsInFlight == 0)
        }
    }

    @Test(arguments: Way.allCases)
    func `has its task cancelled`(way: Way) async throws { try await leave(way, behind: []) }

    @Test(arguments: Way.allCases)
    func `has its task cancelled with pipelined requests behind it`(way: Way) async throws {
        try await leave(way, behind: Array((get() + post("{}") + get()).utf8))
    }

    @Test(arguments: Way.allCases)
    func `has its task cancelled with a flood behind it`(way: Way) async throws {
        try await leave(way, behind: [UInt8](repeating: 0x41, count: 100_000))
    }

    /// Has a function send `bytes` as a stream, and again once it is cancelled if `waits`; resets the connection once
    /// `text` has come, and waits until the function is done.
    private func leave(streamOf bytes: [UInt8], after text: String, waits: Bool) async throws {
        try await withServer { loop, host in
            let ended = Gate()
            host.function.handler = { request, reply in
                let body = reply.start(.ok, .text)
                await body.send(bytes)
                if waits {
                    await Gate().waitOrCancelled()
                    await body.send(bytes)
                }
                body.end()
                ended.open()
            }
            try await host.client { socket in
                try socket.send(post("{}"))
                _ = try socket.receive(until: text)
                socket.reset()
            }
            try await until("the stream ends", on: loop) { ended.isOpen }
            try await host.untilEmpty(on: loop)
        }
    }

    @Test func `in the middle of a stream has its task cancelled`() async throws {
        try await leave(streamOf: Array("token".utf8), after: "token", waits: true)
    }

    @Test func `while its stream waits for it wakes the stream`() async throws {
        try await leave(streamOf: [UInt8](repeating: 0x41, count: 20_000_000), after: "AAAA", waits: false)
    }

    @Test func `in the middle of a request is forgotten`() async throws {
        try await withServer { loop, host in
            for part in [
                "", "\r", "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n{}",
                request("POST", "/", ["Transfer-Encoding: chunked"]) + "5\r\nabc",
            ] {
                for way in Way.allCases {
                    try await host.client { socket in
                        try socket.send(part)
                        if way == .reset { socket.reset() } else { socket.shutdownWrite() }
                        if way == .halfClose, try !socket.rest().text.isEmpty {
                            throw RawSocket.Failure.malformed("an answer")
                        }
                    }
                }
            }
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
            #expect(host.function.handled == 0)
        }
    }

    @Test func `of its sending side alone still gets the reply that is being sent`() async throws {
        try await withServer { loop, host in
            host.function.handlesAll = true
            host.function.handler = { request, reply in
                reply.send(Response(body: [UInt8](repeating: 0x41, count: 20_000_000)))
            }
            let counts = try await offLoop { [port = host.port] in
                let socket = try RawSocket(port: port, receiveBuffer: 8192)
                try socket.send(get() + get())
                _ = try socket.receive(until: "\r\n\r\nAAAA")
                socket.shutdownWrite()
                let first = try socket.receive(count: 20_000_000 - 4).count
                return [first, try socket.response().body.count]
            }
            #expect(counts == [20_000_000 - 4, 20_000_000])
            try await host.untilEmpty(on: loop)
        }
    }

    @Test func `behind a pending request keeps the server's memory bounded`() async throws {
        try await withServer { loop, host in
            let (arrived, answer) = host.holdReplies(of: "POST")
            let socket = try await offLoop { [port = host.port] in
                let socket = try RawSocket(port: port, sendBuffer: 65_536)
                try socket.send(post("{}"))
                return socket
            }
            await arrived.wait()
            let sent = try await offLoop {
                let flood = [UInt8](repeating: 0x41, count: 1 << 20)
                var sent = 0
                while socket.isWritable(within: 100), sent < 1 << 28, let count = socket.sendWithoutWaiting(flood) {
                    sent += count
                }
                return sent
            }
            // What the kernel's buffers take, and 128 KB.
            #expect(sent < 40_000_000)
            answer.open()
            let text = try await offLoop { try socket.response().text }
            #expect(text == "POST")
        }
    }
}
