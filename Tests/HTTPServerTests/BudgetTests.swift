import EventLoop
import HTTPServer
import TestSupport
import Testing

/// What clients make the server hold, all together.
@Suite(.timeLimit(.minutes(1))) struct `The budget of bytes` {
    private static func bytes(_ count: Int) -> String { String(repeating: "x", count: count) }

    /// The start of an upload of `total` bytes, of which `count` are sent.
    private static func upload(_ count: Int, of total: Int) -> String {
        request("POST", "/", ["Content-Length: \(total)"]) + bytes(count)
    }

    @Test func `the longest unfinished upload makes room for a short request`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let short = try await host.open(Self.upload(30_000, of: 31_000))
            try await until("the first is here", on: loop) { host.server.bufferedBytes == 30_000 }
            let long = try await host.open(Self.upload(70_000, of: 80_000))
            try await until("both are here", on: loop) { host.server.bufferedBytes == 100_000 }
            #expect(try await host.ask(post("{}")).status == 200)
            let refused = try await response(on: long)
            #expect(refused.status == 503)
            #expect(refused["Retry-After"] == "1")
            try short.send(Self.bytes(1000))
            #expect(try await response(on: short).text == "body 31000")
            short.close()
            long.close()
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `one that finds no room does not close the search for shorter ones`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let first = try await host.open(Self.upload(60_000, of: 80_000))
            try await until("the first is here", on: loop) { host.server.bufferedBytes == 60_000 }
            let second = try await host.open(Self.upload(40_000, of: 80_000))
            try await until("both are here", on: loop) { host.server.bufferedBytes == 100_000 }
            let (long, short) = (try await host.open(""), try await host.open(""))
            try await until("all are connected", on: loop) { host.server.connections == 4 }
            // The loop, whose thread this is, finds both at once.
            try long.send(Self.upload(35_000, of: 36_000))
            try short.send(post("{}"))
            #expect(try await response(on: long).status == 503)
            #expect(try await response(on: short).status == 200)
            #expect(try await response(on: first).status == 503)
            for socket in [first, second, long, short] { socket.close() }
        }
    }

    @Test func `an upload that comes too slowly makes room for one of its size`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let slow = try await host.open(Self.upload(50_000, of: 60_000))
            try await until("the first is here", on: loop) { host.server.bufferedBytes == 50_000 }
            await loop.advance(by: .milliseconds(249))
            let fast = try await host.open(Self.upload(50_000, of: 60_000))
            try await until("both are here", on: loop) { host.server.bufferedBytes == 100_000 }
            #expect(try await host.askToTheEnd(Self.upload(40_000, of: 40_000)).0.status == 503)
            await loop.advance(by: .milliseconds(1))
            try fast.send(Self.bytes(10_000))
            #expect(try await response(on: fast).text == "body 60000")
            #expect(try await response(on: slow).status == 503)
            fast.close()
            slow.close()
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `a health check is answered when the budget is full, even in pieces`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 10_000 }) { loop, host in
            let upload = try await host.open(Self.upload(10_000, of: 20_000))
            try await until("the budget is full", on: loop) { host.server.bufferedBytes == 10_000 }
            let probe = try await host.open("GET / HTTP/1.1\r\nX: " + Self.bytes(3000))
            try probe.send("\r\nHost: a\r\n\r\n")
            #expect(try await response(on: probe).status == 200)
            probe.close()
            upload.close()
        }
    }

    @Test func `a long part of a head is refused while the budget is full`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 10_000 }) { loop, host in
            let upload = try await host.open(Self.upload(10_000, of: 20_000))
            try await until("the budget is full", on: loop) { host.server.bufferedBytes == 10_000 }
            let head = try await host.open("GET / HTTP/1.1\r\nHost: a\r\nX: " + Self.bytes(15_000))
            #expect(try await response(on: head).status == 503)
            head.close()
            upload.close()
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `requests behind a pending one count, and are given up above the budget`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }) { loop, host in
            var pending: [Latch] = []
            host.function.handler = { request, reply in
                let latch = Latch(on: loop)
                pending.append(latch)
                await latch.wait()
                reply.send(.text("done"))
            }
            let flood = post("{}") + String(repeating: get(), count: 1000)
            var sockets = [try await host.open(flood)]
            try await until("the requests behind it count", on: loop) { host.server.bufferedBytes > 20_000 }
            let held = host.server.bufferedBytes
            for _ in 0..<8 { sockets.append(try await host.open(flood)) }
            try await until("all have been read", on: loop) { pending.count == 9 }
            #expect(host.server.bufferedBytes <= 100_000 + held)
            for latch in pending { latch.open() }
            for socket in sockets {
                #expect(try await response(on: socket).text == "done")
                socket.close()
            }
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `replies that a client does not take count until they are sent`() async throws {
        try await withServer { loop, host in
            let size = 32 << 20
            host.function.handler = { request, reply in reply.send(.text(Self.bytes(size))) }
            let socket = try await host.open(post("{}"))
            try await until("a part of the reply waits", on: loop) { host.server.bufferedBytes > 1 << 20 }
            #expect(try await response(on: socket).body.count == size)
            #expect(host.server.bufferedBytes == 0)
            socket.close()
        }
    }
}

/// How fast a body must arrive.
@Suite(.timeLimit(.minutes(1))) struct `The pace of uploads` {
    private static let limit = Duration.seconds(9)

    @Test(arguments: [16 * 1024 - 1, 16 * 1024]) func `16 KiB give a client more time`(count: Int) async throws {
        try await withServer(limits: limits { $0.readTimeout = Self.limit }, clock: .manual) { loop, host in
            let socket = try await host.open(request("POST", "/", ["Content-Length: 20000"]))
            defer { socket.close() }
            try await until("the time runs", on: loop) { loop.hasDeadline(at: loop.now + Self.limit) }
            await loop.advance(by: Self.limit - .nanoseconds(1))
            try socket.send(String(repeating: "x", count: count))
            try await until("they are here", on: loop) { host.server.bufferedBytes == count }
            await loop.advance(by: .nanoseconds(1))
            if count >= 16 * 1024 { try socket.send(String(repeating: "x", count: 20_000 - count)) }
            #expect(try await response(on: socket).status == (count < 16 * 1024 ? 408 : 200))
        }
    }

    @Test func `a steady upload has the whole time for a body, and no more`() async throws {
        let limits = limits { ($0.readTimeout, $0.bodyTimeout) = (Self.limit, Self.limit + .seconds(1)) }
        try await withServer(limits: limits, clock: .manual) { loop, host in
            let socket = try await host.open(request("POST", "/", ["Content-Length: 100000"]))
            defer { socket.close() }
            try await until("the time runs", on: loop) { loop.hasDeadline(at: loop.now + Self.limit) }
            await loop.advance(by: .seconds(5))
            try socket.send(String(repeating: "x", count: 20_000))
            try await until("the end of all time counts", on: loop) { loop.hasDeadline(at: loop.now + .seconds(5)) }
            await loop.advance(by: .seconds(5))
            #expect(try await response(on: socket).status == 408)
        }
    }
}
