import EventLoop
import HTTPServer
import TestSupport
import Testing

/// How fast a client has to take its reply.
@Suite(.timeLimit(.minutes(1))) struct `Pace` {
    private static let limit = Duration.seconds(30)

    /// A client with a reply of `count` bytes to take, and little room for it.
    private func client(
        _ host: TestServer, _ count: Int, receiveBuffer: CInt = 4096, lowering: Duration? = nil,
        on loop: isolated EventLoop
    ) async throws -> RawSocket {
        host.function.handler = { request, reply in
            if let lowering { request.lowerWriteTimeout(to: lowering) }
            reply.send(Response(body: [UInt8](repeating: 0x41, count: count)))
        }
        let socket = try await host.open(post("{}"), receiveBuffer: receiveBuffer)
        try await until("it is being served", on: loop) { host.function.handled == 1 }
        return socket
    }

    /// Lets a client that takes nothing be cut: what its buffer takes at first may count in the first limit.
    private func cut(_ host: TestServer, within limit: Duration, on loop: isolated EventLoop) async throws {
        await loop.advance(by: limit * 3)
        try await host.untilEmpty(on: loop)
    }

    @Test(arguments: [false, true])
    func `a client that takes nothing is cut`(stream: Bool) async throws {
        try await withServer(limits: limits { $0.writeTimeout = Self.limit }, clock: .manual) { loop, host in
            let began = Gate(), ended = Gate()
            host.function.handler = { request, reply in
                let bytes = [UInt8](repeating: 0x41, count: 50_000_000)
                began.open()
                if stream {
                    let body = reply.start(.ok, .text)
                    await body.send(bytes)
                    body.end()
                } else {
                    reply.send(Response(body: bytes))
                }
                ended.open()
            }
            let socket = try await host.open(post("{}"), receiveBuffer: 4096)
            try await until("the function replies", on: loop) { began.isOpen }
            try await cut(host, within: Self.limit, on: loop)
            try await until("the function is done", on: loop) { ended.isOpen }
            #expect(host.log.lines(with: "client dropped: it read nothing for 30 s peer=127.0.0.1").count == 1)
            let ending = try await offLoop { try socket.receiveUntilEnd().ending }
            #expect(ending == .reset)
        }
    }

    /// With the smallest buffer, 576 bytes arrive for each 576 that it reads: once in each limit at most.
    @Test func `a client that drips is cut`() async throws {
        try await withServer(limits: limits { $0.writeTimeout = Self.limit }, clock: .manual) { loop, host in
            let socket = try await client(host, 20_000_000, receiveBuffer: 1, on: loop)
            while host.server.connections > 0 {
                try Task.checkCancellation()
                _ = try? await offLoop { try socket.receive(count: 20, piece: 20) }
                await loop.advance(by: Self.limit / 10)
            }
            #expect(host.log.lines(with: "client dropped: it read").count == 1)
        }
    }

    /// The socket takes nothing more until a third of its megabytes is out, which takes longer than the limit: no fault
    /// of the client's.
    @Test func `a client that is slow but steady gets all`() async throws {
        let size = 7_000_000
        try await withServer(limits: limits { $0.writeTimeout = Self.limit }, clock: .manual) { loop, host in
            let socket = try await client(host, size, on: loop)
            var received = 0
            while received < size - 16_384 {
                received += try await offLoop { try socket.receive(count: 16_384).count }
                await loop.advance(by: Self.limit / 2)
            }
            #expect(host.log.lines(with: "client dropped").isEmpty)
        }
    }

    @Test func `a request can lower the limit for itself`() async throws {
        try await withServer(limits: limits { $0.writeTimeout = Self.limit }, clock: .manual) { loop, host in
            let socket = try await client(host, 50_000_000, lowering: .milliseconds(100), on: loop)
            try await cut(host, within: .milliseconds(100), on: loop)
            #expect(host.log.lines(with: "client dropped: it read nothing for 100 ms").count == 1)
            socket.close()
        }
    }

    @Test func `a request cannot raise the limit`() async throws {
        try await withServer(limits: limits { $0.writeTimeout = Self.limit }, clock: .manual) { loop, host in
            let socket = try await client(host, 50_000_000, lowering: .seconds(3600), on: loop)
            try await cut(host, within: Self.limit, on: loop)
            #expect(host.log.lines(with: "it read nothing for 30 s").count == 1)
            socket.close()
        }
    }
}
