import EventLoop
import Glibc
import HTTPServer
import TestSupport
import Testing

/// Open descriptors of this process.
private func openDescriptors() -> Int {
    guard let directory = unsafe opendir("/proc/self/fd") else { return -1 }
    defer { unsafe closedir(directory) }
    var count = 0
    while unsafe readdir(directory) != nil { count += 1 }
    return count
}

/// Open sockets of this process: unlike all its descriptors, none that Dispatch opens for itself when it first needs
/// it.
private func openSockets() -> Int {
    (0..<CInt(4096)).count { descriptor in
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
}

private func setDescriptorLimit(_ count: rlim_t?) {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = count ?? limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// What would break only after a while. Some need a process of their own.
@Suite(.timeLimit(.minutes(1))) struct `Endurance` {
    /// Connections that end in every way there is.
    static let endings: [@Sendable (RawSocket) throws -> Void] = [
        { _ in },
        { $0.reset() },
        {
            try $0.send(get()); _ = try $0.response()
        },
        {
            try $0.send(get("/", "Connection: close")); _ = try $0.rest()
        },
        {
            try $0.send(post("{}")); _ = try $0.response()
        },
        {
            try $0.send(post("wait")); $0.shutdownWrite(); _ = try $0.rest()
        },
        {
            try $0.send(post("wait")); $0.reset()
        },
        {
            try $0.send(post("stream")); _ = try $0.rest()
        },
        {
            try $0.send(post("stream")); $0.reset()
        },
        {
            try $0.send(post("reset")); _ = try $0.rest()
        },
        {
            try $0.send(post("large")); _ = try $0.receive(until: "AAA"); $0.reset()
        },
        {
            try $0.send("nonsense\r\n\r\n"); _ = try $0.rest()
        },
        {
            try $0.send("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"); _ = try $0.response()
        },
        {
            try $0.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{}"); $0.reset()
        },
        {
            try $0.send(get() + post("{}") + get() + post("wait") + get()); _ = try $0.response(); $0.reset()
        },
    ]

    static func answer(_ request: Request, _ reply: consuming Reply) async {
        switch request.takeBody().map({ String(decoding: $0.copy(), as: UTF8.self) }) {
        case "wait":
            await Gate().waitOrCancelled()
            reply.send(.text("late"))
        case "stream":
            let body = reply.start(.ok, .text)
            for _ in 0..<3 { await body.send(Array("token".utf8)) }
        case "reset":
            let body = reply.start(.ok, .text)
            await body.send([UInt8](repeating: 0x41, count: 1000))
        case "large": reply.send(Response(body: [UInt8](repeating: 0x41, count: 10_000_000)))
        default: reply.send(.text("body"))
        }
    }

    @Test func `no descriptor is left behind`() async {
        await #expect(processExitsWith: .success) {
            try await withServer { loop, host in
                host.function.handler = Endurance.answer
                _ = try await host.ask(get())
                try await host.untilEmpty(on: loop)
                let before = openSockets()
                for _ in 0..<30 {
                    for ending in Endurance.endings { try await host.client(ending) }
                }
                try await host.untilEmpty(on: loop)
                #expect(openSockets() == before)
                #expect(host.server.requestsInFlight == 0)
                #expect(host.server.bufferedBytes == 0)
            }
        }
    }

    @Test func `accepting goes on after descriptors ran out`() async {
        await #expect(processExitsWith: .success) {
            try await withServer(clock: .manual) { loop, host in
                let port = host.port
                let sockets = try await offLoop { try (0..<50).map { _ in try RawSocket(port: port) } }
                try await until("all are here", on: loop) { host.server.connections == 50 }
                let last = try LateSocket()
                setDescriptorLimit(rlim_t(openDescriptors() + 2))  // a few
                let late = try await offLoop { () -> [RawSocket] in
                    var late: [RawSocket] = []
                    while let socket = try? RawSocket(port: port) { late.append(socket) }
                    return late
                }
                #expect(late.count > 0)
                try await offLoop { try last.connect(to: port) }  // the server has no descriptor left for it
                try await until("the server says so", on: loop) { !host.log.lines(with: "cannot accept").isEmpty }
                await loop.advance(by: .seconds(1))  // it is tried again and again meanwhile
                #expect(host.log.lines(with: "cannot accept").count == 1)
                #expect(host.log.lines(with: "accepting connections again").isEmpty)
                try await offLoop {
                    for socket in late { try socket.send(get()) }
                    for socket in sockets { socket.close() }
                }
                try await until("there is room", on: loop) { host.server.connections <= late.count + 1 }
                await loop.advance(by: .seconds(1))
                let texts = try await offLoop { try late.map { try $0.response().text } }
                #expect(texts.allSatisfy { $0 == "OK" })
                let probe = try await host.ask(get("/health/liveness"))
                #expect(probe.text == "Alive")
                await loop.advance(by: .seconds(2))
                #expect(host.log.lines(with: "accepting connections again").count == 1)
                #expect(host.log.lines(with: "cannot accept").count == 1)
                withExtendedLifetime(last) {}
            }
        }
    }

    @Test func `five thousand idle connections are fine`() async {
        await #expect(processExitsWith: .success) {
            setDescriptorLimit(nil)
            try await withServer { loop, host in
                let port = host.port
                let sockets = try await offLoop { try (0..<5000).map { _ in try RawSocket(port: port) } }
                try await until("all are here", on: loop) { host.server.connections == 5000 }
                let probe = try await host.ask(get("/health/liveness"))
                #expect(probe.text == "Alive")
                let texts = try await offLoop {
                    try sockets.map {
                        try $0.send(get())
                        return try $0.response().text
                    }
                }
                #expect(texts.allSatisfy { $0 == "OK" })
                try await offLoop { for socket in sockets { socket.close() } }
                try await host.untilEmpty(on: loop)
            }
        }
    }

    @Test(.seeded, arguments: 0..<4)
    func `random bytes do no harm`(run: UInt64) async throws {
        try await withServer { loop, host in
            let pieces = [
                get(), post("{}"), request("POST", "/", ["Transfer-Encoding: chunked"]), "5\r\nhello\r\n", "0\r\n\r\n",
                "\r\n", "\0",
                "GET / HTTP/1.1\r\n", "Content-Length: 5\r\n", "Host: a\r\n", "Expect: 100-continue\r\n",
                "HEAD / HTTP/1.0\r\n\r\n",
            ].map { Array($0.utf8) }
            try await offLoop { [port = host.port] in
                let noise = SeededRandom.bytes(2_500_000, run)
                var start = 0
                for index in 0..<250 {
                    let socket = try RawSocket(port: port)
                    var bytes: [UInt8] = []
                    for step in 0..<40 where index % 4 != 0 {
                        bytes += pieces[Int(noise[index * 40 + step]) % pieces.count]
                    }
                    bytes += noise[start..<start + 10_000]
                    start += 10_000
                    try? socket.send(bytes)
                    if index % 3 == 0 { socket.shutdownWrite() }
                    if index % 3 == 1 { _ = try? socket.receive(until: "\r\n\r\n") }
                }
            }
            let response = try await host.ask(get())
            #expect(response.text == "OK")
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
            #expect(host.server.requestsInFlight == 0)
        }
    }
}
