import EventLoop
import HTTPServer
import TestSupport
import Testing

/// More clients than the server takes.
@Suite(.timeLimit(.minutes(1))) struct `Connection limits` {
    /// Connections that say nothing, up to the limit of `connections`.
    private func fill(_ host: TestServer, on loop: isolated EventLoop, _ count: Int) async throws -> [RawSocket] {
        let port = host.port
        let sockets = try await offLoop { try (0..<count).map { _ in try RawSocket(port: port) } }
        try await until("they are here", on: loop) { host.server.connections == count }
        return sockets
    }

    @Test func `one connection too many is answered 503`() async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (2, 0) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let sockets = try await fill(host, on: loop, 2)
            let (response, rest) = try await host.askToTheEnd("")
            #expect(response.status == 503)
            #expect(response["Retry-After"] == "1")
            #expect(response["Connection"] == "close")
            #expect(rest.isEmpty)
            try await until("it is gone", on: loop) { host.server.connections == 2 }
            sockets[0].close()
            try await until("there is room", on: loop) { host.server.connections == 1 }
            let again = try await host.ask(get())
            #expect(again.status == 200)
            withExtendedLifetime(sockets) {}
        }
    }

    @Test func `a connection that has been idle for a second makes room`() async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (3, 0) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let (_, answer) = host.holdReplies(of: "done")
            let busy = try await host.open(post("{}"))
            let idle = try await host.open(get())
            #expect(try await response(on: idle).status == 200)
            await loop.advance(by: .milliseconds(999))
            let half = try await host.open("GET / HT")
            try await until("they are here", on: loop) { host.server.connections == 3 }
            let refused = try await host.askToTheEnd(get())
            #expect(refused.0.status == 503)
            try await until("it is gone", on: loop) { host.server.connections == 3 }
            await loop.advance(by: .milliseconds(1))
            let admitted = try await host.ask(get())
            #expect(admitted.status == 200)
            #expect(try await offLoop { try idle.rest().ending } == .closed)
            answer.open()
            #expect(try await response(on: busy).text == "done")
            try half.send("TP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await response(on: half).status == 200)
            for socket in [busy, idle, half] { socket.close() }
        }
    }

    /// `count` connections from 127.0.0.`address`, which have sent `text`.
    private func open(
        _ count: Int, to host: TestServer, from address: UInt8, sending text: String = "", on loop: isolated EventLoop
    ) async throws -> [RawSocket] {
        var sockets: [RawSocket] = []
        for _ in 0..<count { sockets.append(try await host.open(text, from: address)) }
        return sockets
    }

    private static let waiting = [
        "", "GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    ]

    @Test(arguments: waiting, [2, 64])
    func `an address that takes all slots makes room for another at once`(text: String, reserve: Int) async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (4, reserve) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let silent = try await open(4 + reserve, to: host, from: 1, on: loop)
            try await until("they are here", on: loop) { host.server.connections == 4 + reserve }
            for socket in silent.prefix(4) { try socket.send(text) }
            for _ in 0..<5 { await loop.turn() }
            let kept = try await host.open(post("{}"), from: 2)
            let answer = try await response(on: kept)
            #expect(answer.status == 200)
            // Each address has its share; the rest is for those that came first.
            let refused = try await host.open(from: 1)
            #expect(try await response(on: refused).status == 503)
            try kept.send(get())
            let again = try await response(on: kept)
            #expect(again.status == 200)
            for socket in silent + [kept, refused] { socket.close() }
        }
    }

    @Test func `an address whose replies nobody reads makes room for another at once`() async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (3, 0) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let body = [UInt8](repeating: 0x61, count: 8 << 20)
            host.function.handler = { _, reply in reply.send(Response(body: body)) }
            let readers = try await open(3, to: host, from: 1, sending: post("{}"), on: loop)
            try await until("their replies wait", on: loop) { host.server.bufferedBytes > 3 * (2 << 20) }
            let other = try await host.open(get(), from: 2)
            #expect(try await response(on: other).status == 200)
            for socket in readers + [other] { socket.close() }
        }
    }

    @Test func `an address with many connections does not lose one that has a request`() async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (4, 0) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let (_, answer) = host.holdReplies(of: "done")
            let busy = try await open(4, to: host, from: 1, sending: post("{}"), on: loop)
            try await until("they are asked", on: loop) { host.server.requestsInFlight == 4 }
            let refused = try await host.open(get(), from: 2)
            #expect(try await response(on: refused).status == 503)
            answer.open()
            for socket in busy {
                let response = try await response(on: socket)
                #expect(response.text == "done")
            }
            for socket in busy + [refused] { socket.close() }
        }
    }

    @Test func `a head that is not finished in a second makes room`() async throws {
        let few = limits { ($0.connections, $0.reservedConnections, $0.idleTimeout) = (2, 0, .zero) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let halves = [try await host.open("GET / HT"), try await host.open("")]
            try await until("they are here", on: loop) { host.server.connections == 2 }
            await loop.turn()
            await loop.advance(by: .seconds(1))
            let others = [try await host.open(get()), try await host.open(get())]
            for other in others {
                let answer = try await response(on: other)
                #expect(answer.status == 200)
            }
            let ends = try await offLoop { try halves.map { try $0.rest() } }
            #expect(ends[0].text.hasPrefix("HTTP/1.1 503 ") && ends.allSatisfy { $0.ending == .closed })
            for socket in others + halves { socket.close() }
        }
    }

    @Test func `health checks are answered when all connections are taken`() async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (2, 2) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let sockets = try await fill(host, on: loop, 2)
            for _ in 0..<5 {  // one after the other: the reserve has room again when the answer is out
                let (alive, rest) = try await host.askToTheEnd(get("/health/liveness"))
                #expect(alive.text == "Alive" && alive["Connection"] == "close")
                #expect(rest.isEmpty)
                let head = try await host.ask(request("HEAD"))
                #expect(head.status == 200)
                // Envoy sends its checks like this.
                let empty = try await host.ask(get("/health/readiness", "Transfer-Encoding: chunked") + "0\r\n\r\n")
                #expect(empty.status == 200)
            }
            let chunked = get("/", "Transfer-Encoding: chunked") + "2\r\n{}\r\n0\r\n\r\n"
            for refused in [post("{}"), post(""), get("/", "Content-Length: 2") + "{}", chunked] {
                let (response, _) = try await host.askToTheEnd(refused)
                #expect(response.status == 503 && response["Retry-After"] == "1")
            }
            #expect(host.function.handled == 0)
            #expect(host.log.lines(with: "more than 2 connections").count >= 1)
            withExtendedLifetime(sockets) {}
        }
    }

    @Test func `the reserve is bounded, and closed to those who say nothing`() async throws {
        let few = limits {
            ($0.connections, $0.reservedConnections) = (1, 2)
            $0.headerTimeout = .seconds(15)
        }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let sockets = try await fill(host, on: loop, 3)
            let (response, _) = try await host.askToTheEnd("")
            #expect(response.status == 503)
            try await passDeadline(.seconds(15), on: loop)
            let ends = try await offLoop { [try sockets[1].rest(), try sockets[2].rest()] }
            #expect(ends.allSatisfy { $0.text.isEmpty && $0.ending == .closed })
            try await until("one is left", on: loop) { host.server.connections == 1 }
            let alive = try await host.ask(get("/health/liveness"))
            #expect(alive.status == 200)
        }
    }

    @Test(arguments: ["", "G", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"])
    func `a connection of the reserve that says nothing makes room after a second`(text: String) async throws {
        let few = limits { ($0.connections, $0.reservedConnections) = (1, 2) }
        try await withServer(limits: few, clock: .manual) { loop, host in
            let (_, answer) = host.holdReplies(of: "done")
            let busy = try await host.open(post("{}"))
            let silent = [try await host.open(), try await host.open()]
            try await until("they are here", on: loop) { host.server.connections == 3 }
            for socket in silent { try socket.send(text) }
            for _ in 0..<5 { await loop.turn() }
            await loop.advance(by: .seconds(1))
            let probe = try await host.ask(get("/health/liveness"))
            #expect(probe.text == "Alive")
            answer.open()
            #expect(try await response(on: busy).text == "done")
            for socket in silent + [busy] { socket.close() }
        }
    }

    @Test func `a connection of the reserve becomes ordinary when there is room`() async throws {
        try await withServer(limits: limits { ($0.connections, $0.reservedConnections) = (1, 1) }) { loop, host in
            let sockets = try await fill(host, on: loop, 2)
            sockets[0].close()
            try await until("there is room", on: loop) { host.server.connections == 1 }
            let responses = try await offLoop {
                try (0..<2).map { _ in
                    try sockets[1].send(post("{}"))
                    return try sockets[1].response()
                }
            }
            #expect(responses.map(\.text) == ["body 2", "body 2"])
        }
    }

    @Test func `clients that are rejected and stay are bounded`() async throws {
        try await withServer(limits: limits { ($0.connections, $0.reservedConnections) = (1, 0) }) { loop, host in
            let first = try await fill(host, on: loop, 1)
            let port = host.port
            let stayers = try await offLoop {
                try (0..<100).map { _ in
                    let socket = try RawSocket(port: port)
                    try? socket.send("POST / HTTP/1.1\r\n")
                    return socket
                }
            }
            let answered = try await offLoop { stayers.count { (try? $0.response().status) == 503 } }
            #expect(answered >= 64)  // a reset may have taken the answer of those who were closed at once
            #expect(host.server.connections <= 1 + 8)
            withExtendedLifetime((first, stayers)) {}
        }
    }
}

/// How many connections one address may have.
@Suite(.timeLimit(.minutes(1))) struct `Addresses` {
    @Test func `one connection too many from an address is answered 503`() async throws {
        try await withServer(limits: limits { $0.connectionsPerAddress = 2 }) { loop, host in
            let port = host.port
            let sockets = try await offLoop { try (0..<2).map { _ in try RawSocket(port: port) } }
            try await until("both are here", on: loop) { host.server.connections == 2 }
            for refused in [get("/health/liveness"), post("{}")] {
                let (response, _) = try await host.askToTheEnd(refused)
                #expect(response.status == 503 && response["Retry-After"] == "1" && response["Connection"] == "close")
                #expect(response.text.contains("from your address"))
            }
            // The other line was withheld, unless a second went by.
            #expect(host.log.lines(with: "peer=127.0.0.1").count >= 1)
            let other = try await offLoop { () -> RawResponse in
                let socket = try RawSocket(port: port, from: 2)
                try socket.send(get())
                return try socket.response()
            }
            #expect(other.status == 200)
            sockets[0].close()
            try await until("there is room", on: loop) { host.server.connections == 1 }
            let again = try await host.ask(get())
            #expect(again.status == 200)
            withExtendedLifetime(sockets) {}
        }
    }

    @Test func `IPv4 counts the same on a socket of both families`() async throws {
        try await withServer(limits: limits { $0.connectionsPerAddress = 1 }) { loop, host in
            let everywhere = try SocketAddress.resolve(host: "::", port: 0)[0]
            let both = try host.server.listen(on: everywhere).port
            let first = try await offLoop { [port = host.port] in try RawSocket(port: port) }
            try await until("it is here", on: loop) { host.server.connections == 1 }
            let (refused, served) = try await offLoop {
                let mapped = try RawSocket(port: both)
                let status = try mapped.response().status
                let other = try RawSocket(port: both, ipv6: true)
                try other.send(get())
                return (status, try other.response().status)
            }
            #expect(refused == 503 && served == 200)
            withExtendedLifetime(first) {}
        }
    }

    @Test func `a request knows its peer`() async throws {
        try await withServer { loop, host in
            host.function.handler = { request, reply in
                let peer = request.peer
                reply.send(.text(peer))
                #expect(request.peer.isEmpty)
            }
            let both = try host.server.listen(on: SocketAddress.resolve(host: "::", port: 0)[0]).port
            let peers = try await offLoop { [port = host.port] in
                let sockets = [
                    try RawSocket(port: port), try RawSocket(port: port, from: 9), try RawSocket(port: both),
                    try RawSocket(port: both, ipv6: true),
                ]
                return try sockets.map { socket in
                    try socket.send(post("{}"))
                    return try socket.response().text
                }
            }
            #expect(peers == ["127.0.0.1", "127.0.0.9", "127.0.0.1", "::1"])
            host.function.answersPeer = true
            let head = try await host.ask(get("/peer"))
            #expect(head.text == "127.0.0.1")
        }
    }
}
