import EventLoop
import HTTPServer
import TestSupport
import Testing

private func bytes(_ count: Int) -> String { String(repeating: "x", count: count) }

/// The start of an upload of `total` bytes, of which `count` are sent.
private func upload(_ count: Int, of total: Int) -> String {
    request("POST", "/", ["Content-Length: \(total)"]) + bytes(count)
}

/// What clients make the server hold, all together.
@Suite(.timeLimit(.minutes(1))) struct `The budget of bytes` {
    @Test func `the longest unfinished upload makes room for a short request`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let short = try await host.open(upload(30_000, of: 31_000))
            try await until("the first is here", on: loop) { host.server.bufferedBytes == 30_000 }
            let long = try await host.open(upload(70_000, of: 80_000), from: 2)
            try await until("both are here", on: loop) { host.server.bufferedBytes == 100_000 }
            #expect(try await host.ask(post("{}")).status == 200)
            let refused = try await response(on: long)
            #expect(refused.status == 503)
            #expect(refused["Retry-After"] == "1")
            try short.send(bytes(1000))
            #expect(try await response(on: short).text == "body 31000")
            short.close()
            long.close()
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `one that finds no room does not close the search for shorter ones`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let first = try await host.open(upload(60_000, of: 80_000))
            try await until("the first is here", on: loop) { host.server.bufferedBytes == 60_000 }
            let second = try await host.open(upload(40_000, of: 80_000), from: 2)
            try await until("both are here", on: loop) { host.server.bufferedBytes == 100_000 }
            let (long, short) = (try await host.open(from: 3), try await host.open(from: 4))
            try await until("all are connected", on: loop) { host.server.connections == 4 }
            // The loop, whose thread this is, finds both at once.
            try long.send(upload(35_000, of: 36_000))
            try short.send(post("{}"))
            #expect(try await response(on: long).status == 503)
            #expect(try await response(on: short).status == 200)
            #expect(try await response(on: first).status == 503)
            for socket in [first, second, long, short] { socket.close() }
        }
    }

    @Test func `an upload that comes too slowly makes room for one of its size`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let slow = try await host.open(upload(50_000, of: 60_000))
            try await until("the first is here", on: loop) { host.server.bufferedBytes == 50_000 }
            await loop.advance(by: .milliseconds(249))
            let fast = try await host.open(upload(50_000, of: 60_000), from: 2)
            try await until("both are here", on: loop) { host.server.bufferedBytes == 100_000 }
            let refused = try await host.open(upload(40_000, of: 40_000), from: 3)
            #expect(try await response(on: refused).status == 503)
            refused.close()
            await loop.advance(by: .milliseconds(1))
            try fast.send(bytes(10_000))
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
            let upload = try await host.open(upload(10_000, of: 20_000))
            try await until("the budget is full", on: loop) { host.server.bufferedBytes == 10_000 }
            let probe = try await host.open("GET / HTTP/1.1\r\nX: " + bytes(3000))
            try probe.send("\r\nHost: a\r\n\r\n")
            #expect(try await response(on: probe).status == 200)
            probe.close()
            upload.close()
        }
    }

    @Test func `a long part of a head is refused while the budget is full`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 10_000 }) { loop, host in
            let upload = try await host.open(upload(10_000, of: 20_000))
            try await until("the budget is full", on: loop) { host.server.bufferedBytes == 10_000 }
            let head = try await host.open("GET / HTTP/1.1\r\nHost: a\r\nX: " + bytes(15_000))
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

    @Test func `a pipeline whose replies nobody reads is given up above the budget`() async throws {
        let limit = 256 * 1024
        try await withServer(limits: limits { $0.bufferedBytes = limit }, clock: .manual) { loop, host in
            let pipeline = Array(String(repeating: get(), count: 40_000).utf8)
            var sockets: [RawSocket] = []
            for _ in 0..<16 { sockets.append(try await host.open(receiveBuffer: 2048)) }
            var sent = [Int](repeating: 0, count: sockets.count)
            var isStuck = false
            while !isStuck {  // until no socket takes more, which is when the server reads no more
                isStuck = true
                for (index, socket) in sockets.enumerated() where sent[index] < pipeline.count {
                    let count = socket.sendWithoutWaiting(Array(pipeline[sent[index]...])) ?? 0
                    sent[index] += count
                    if count > 0 { isStuck = false }
                }
                for _ in 0..<10 { await loop.turn() }
            }
            #expect(host.server.bufferedBytes <= limit)
            let other = try await host.open(post("{}"), from: 2)
            #expect(try await response(on: other).status == 200)
            for socket in sockets + [other] { socket.close() }
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `replies that a client does not take count until they are sent`() async throws {
        try await withServer { loop, host in
            let size = 32 << 20
            host.function.handler = { request, reply in reply.send(.text(bytes(size))) }
            let socket = try await host.open(post("{}"))
            try await until("a part of the reply waits", on: loop) { host.server.bufferedBytes > 1 << 20 }
            #expect(try await response(on: socket).body.count == size)
            #expect(host.server.bufferedBytes == 0)
            socket.close()
        }
    }
}

/// What one client may make the server hold.
@Suite(.timeLimit(.minutes(1))) struct `A client's share of the budget` {
    /// The first 8 KiB of each connection are free, so 60,000 bytes in two uploads are a share of 43,616.
    @Test func `one client holds at most four times what is free, and others find room`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            var first: [RawSocket] = []
            for number in 1...2 {
                first.append(try await host.open(upload(30_000, of: 35_000)))
                try await until("it is here", on: loop) { host.server.bufferedBytes == number * 30_000 }
            }
            // Of the 40,000 bytes that are free, 24,000 would leave it too little.
            let more = try await host.open(upload(24_000, of: 26_000))
            #expect(try await response(on: more).status == 503)
            let other = try await host.open(upload(30_000, of: 30_000), from: 2)
            #expect(try await response(on: other).text == "body 30000")
            for socket in first {
                try socket.send(bytes(5000))
                #expect(try await response(on: socket).text == "body 35000")
            }
            for socket in first + [more, other] { socket.close() }
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    @Test func `an upload that comes too slowly makes room for another of the same client`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let other = try await host.open(upload(30_000, of: 31_000), from: 2)
            try await until("the other's is here", on: loop) { host.server.bufferedBytes == 30_000 }
            let slow = try await host.open(upload(50_000, of: 60_000))
            try await until("both are here", on: loop) { host.server.bufferedBytes == 80_000 }
            await loop.advance(by: .milliseconds(250))
            let next = try await host.open(upload(10_000, of: 10_000))
            #expect(try await response(on: next).text == "body 10000")
            #expect(try await response(on: slow).status == 503)
            try other.send(bytes(1000))
            #expect(try await response(on: other).text == "body 31000")
            for socket in [other, slow, next] { socket.close() }
        }
    }

    @Test func `what the head decides is decided before others make room`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 60_000 }) { loop, host in
            let slow = try await host.open(upload(55_000, of: 59_000))
            try await until("it is here", on: loop) { host.server.bufferedBytes == 55_000 }
            let head = request("POST", "/", ["Content-Length: 30000", "X-Refuse: a"])
            let refused = try await host.open(head + bytes(10_000), from: 2)
            #expect(try await response(on: refused).status == 403)
            try slow.send(bytes(4000))
            #expect(try await response(on: slow).text == "body 59000")
            for socket in [slow, refused] { socket.close() }
        }
    }

    @Test func `a client alone may use all that one request needs`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }) { loop, host in
            let response = try await host.ask(upload(100_000, of: 100_000))
            #expect(response.text == "body 100000")
        }
    }
}

/// What the service holds for its requests.
@Suite(.timeLimit(.minutes(1))) struct `What a service holds` {
    @Test func `counts until the reply is sent, and is refused where there is no room`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }) { loop, host in
            let arrived = Gate(), answer = Gate()
            host.function.handler = { request, reply in
                #expect(request.hold(60_000))
                #expect(request.hold(70_000))
                #expect(!request.hold(200_000))
                arrived.open()
                await answer.wait()
                reply.send(.text("done"))
            }
            let socket = try await host.open(post("{}"))
            await arrived.wait()
            #expect(host.server.bufferedBytes > 60_000 && host.server.bufferedBytes < 70_000)
            host.function.handler = { request, reply in
                let holds = request.hold(50_000)
                reply.send(.text(holds ? "yes" : "no"))
            }
            #expect(try await host.ask(post("{}")).text == "no")
            let other = try await host.open(post("{}"), from: 2)
            #expect(try await response(on: other).text == "no")
            answer.open()
            #expect(try await response(on: socket).text == "done")
            #expect(host.server.bufferedBytes == 0)
            #expect(try await host.ask(post("{}")).text == "yes")
            socket.close()
            other.close()
        }
    }

    @Test func `an unfinished upload that comes too slowly makes room for it`() async throws {
        try await withServer(limits: limits { $0.bufferedBytes = 100_000 }, clock: .manual) { loop, host in
            let slow = try await host.open(request("POST", "/", ["Content-Length: 90000"]) + bytes(80_000), from: 2)
            try await until("it is here", on: loop) { host.server.bufferedBytes == 80_000 }
            host.function.handler = { request, reply in
                let holds = request.hold(50_000)
                reply.send(.text(holds ? "yes" : "no"))
            }
            #expect(try await host.ask(post("{}")).text == "no")
            await loop.advance(by: .milliseconds(250))
            #expect(try await host.ask(post("{}")).text == "yes")
            #expect(try await response(on: slow).status == 503)
            slow.close()
        }
    }

    @Test func `the heads of requests that are being handled count`() async throws {
        try await withServer { loop, host in
            let (arrived, answer) = host.holdReplies(of: "done")
            let fields = (1...100).map { "X-\($0): \(bytes(100))" }
            let socket = try await host.open(request("POST", "/", fields + ["Content-Length: 2"]) + "{}")
            await arrived.wait()
            try await until("the head counts", on: loop) { host.server.bufferedBytes > 10_000 }
            answer.open()
            #expect(try await response(on: socket).text == "done")
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
