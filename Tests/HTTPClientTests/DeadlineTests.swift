import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Servers that take their time.
@Suite(.timeLimit(.minutes(1))) struct `Deadlines of requests` {
    private static let limit = Duration.seconds(7)

    /// Which deadline ends a response that stops there.
    static let stops: [(String, ClientError.Phase)] = [
        ("", .firstByte), ("H", .idle), ("HTTP/1.1 100 Continue\r\n\r\n", .idle), ("HTTP/1.1 200 OK\r\n", .idle),
        ("HTTP/1.1 200 OK\r\n\r\n", .idle), ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345678", .idle),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", .idle),
    ]

    @Test(arguments: stops)
    func `each deadline holds alone and with the others`(bytes: String, phase: ClientError.Phase) async throws {
        let own: [@Sendable (inout Deadlines) -> Void] = [
            { if phase == .idle { $0.idle = Self.limit } else { $0.firstByte = Self.limit } },
            { $0.total = Self.limit },
        ]
        for (change, expected) in zip(own, [phase, .total]) {
            var among = Deadlines()
            change(&among)
            for deadlines in [.only(change), among] {
                let hasStopped = Gate()
                let script: RawServer.Script = { peer in
                    defer { hasStopped.open() }
                    try peer.receiveRequest()
                    try peer.send(bytes)
                    hasStopped.open()
                    try peer.receiveEnd()
                }
                try await withServer([script], deadlines: deadlines, clock: .manual) { loop, origin, _ in
                    let result = loop.startTask { await origin.text() }
                    await hasStopped.wait()
                    try await passDeadline(Self.limit, on: loop)
                    #expect(await result.value == .failure(.timeout(expected)))
                }
            }
        }
    }

    /// More sockets than one poll tells of.
    @Test(arguments: [true, false]) func `what has arrived before a deadline counts, however much that is`(
        closes: Bool
    ) async throws {
        let server = try RawServer()
        try await onLoop(clock: .manual) { loop in
            let origin = Origin(
                host: "127.0.0.1", port: server.port, deadlines: .only { $0.firstByte = Self.limit }, on: loop)
            let results = (0..<200).map { _ in loop.startTask { await origin.text() } }
            let peers = try await offLoop {
                let peers = try results.map { _ in try server.accept() }
                for peer in peers { try peer.receiveRequest() }
                return peers
            }
            for peer in peers {  // on the loop's thread, so the loop reads nothing meanwhile
                try peer.send(closes ? "HTTP/1.0 200 OK\r\n\r\nabc" : response("abc"))
                if closes { peer.close() }
            }
            await loop.suspend(for: Self.limit)
            for result in results { #expect(await result.value == .success("abc")) }
            origin.closeIdle()
            try await until("no connection is left", on: loop) { server.clients == 0 }
        }
    }

    /// An interim response is no first byte.
    @Test func `interim responses without end are ended by the deadline of the first byte`() async throws {
        let server = try RawServer()
        try await onLoop(clock: .manual) { loop in
            let origin = Origin(
                host: "127.0.0.1", port: server.port,
                deadlines: .only { ($0.firstByte, $0.idle) = (Self.limit, .seconds(5)) }, on: loop)
            let result = loop.startTask { await origin.text() }
            let peer = try await offLoop {
                let peer = try server.accept()
                try peer.receiveRequest()
                return peer
            }
            for _ in 0..<2 {
                try peer.send("HTTP/1.1 102 Processing\r\n\r\n")
                await loop.turn()
                await loop.advance(by: .seconds(3))
            }
            try peer.send("HTTP/1.1 102 Processing\r\n\r\n")
            try await passDeadline(.seconds(1), on: loop)
            #expect(await result.value == .failure(.timeout(.firstByte)))
            peer.close()
        }
    }

    @Test func `a response that never ends is ended by the total deadline`() async throws {
        let isSending = Gate()
        try await withServer(
            [
                { peer in
                    defer { isSending.open() }
                    try peer.receiveRequest()
                    try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    isSending.open()
                    #expect(throws: (any Error).self) {
                        while true {
                            try peer.send("1\r\nx\r\n")
                            try peer.waitUntilRead()  // the loop has other things to do
                        }
                    }
                }
            ], deadlines: .only { $0.total = Self.limit }, clock: .manual
        ) { loop, origin, _ in
            let result = loop.startTask { await origin.text() }
            await isSending.wait()
            try await passDeadline(Self.limit, on: loop)
            #expect(await result.value == .failure(.timeout(.total)))
        }
    }

    @Test func `a request that the server does not read is ended by the deadline of the first byte`() async throws {
        let isOver = Flag()
        try await withServer(
            [{ _ in try isOver.wait() }], deadlines: .only { $0.firstByte = Self.limit }, clock: .manual
        ) { loop, origin, _ in
            let result = loop.startTask { await origin.text(Payload(largeBytes)) }
            try await passDeadline(Self.limit, on: loop)
            #expect(await result.value == .failure(.timeout(.firstByte)))
            isOver.raise()
        }
    }

    /// A server whose backlog is full: it takes no more connections, and refuses none.
    private static func fullServer() throws -> (RawServer, RawSocket) {
        let server = try RawServer(backlog: 0)
        return (server, try RawSocket(port: server.port))
    }

    private static func deadlines(_ phase: ClientError.Phase) -> Deadlines {
        .only { if phase == .connect { $0.connect = limit } else { $0.total = limit } }
    }

    @Test(arguments: [ClientError.Phase.connect, .total])
    func `a connection that is not taken is ended by a deadline`(phase: ClientError.Phase) async throws {
        let (server, filler) = try await offLoop { try Self.fullServer() }
        try await onLoop(clock: .manual) { loop in
            let origin = Origin(host: "127.0.0.1", port: server.port, deadlines: Self.deadlines(phase), on: loop)
            let result = loop.startTask { await origin.text() }
            try await passDeadline(Self.limit, on: loop)
            #expect(await result.value == .failure(.timeout(phase)))
            let connecting = try server.connecting()
            #expect(connecting == 0)
        }
        filler.close()
    }

    @Test(arguments: [ClientError.Phase.connect, .total])
    func `a name that is not found in time is ended by a deadline`(phase: ClientError.Phase) async throws {
        let isOver = Flag()
        try await onLoop(clock: .manual) { loop in
            let origin = Origin(host: "slow", port: 1, deadlines: Self.deadlines(phase), on: loop) {
                host, _ throws(ResolveError) in
                try? isOver.wait()
                return try noAddress(of: host)
            }
            let result = loop.startTask { await origin.text() }
            try await passDeadline(Self.limit, on: loop)
            #expect(await result.value == .failure(.timeout(phase)))
            isOver.raise()
            let error = try #require(throws: ResolveError.self) { try noAddress(of: "slow") }
            #expect(await origin.text() == .failure(.unresolved(error)))  // the lookup goes on, and ends here
        }
    }

    @Test func `a reader that takes its time meets no deadline but the total one`() async throws {
        let isWaiting = Flag(), isBack = Flag()
        try await withServer(
            [
                { peer in
                    try peer.receiveRequest()
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
                    try isWaiting.wait()
                    try peer.send("1")
                    try isBack.wait()
                    try peer.send("2")
                }
            ], deadlines: .only { $0.idle = Self.limit }, clock: .manual
        ) { loop, origin, _ in
            let received = try await origin.withResponse(to: template) { response throws(ClientError) in
                isWaiting.raise()
                let first = try await response.nextPiece { Array(copying: $0) } ?? []
                await loop.advance(by: Self.limit * 2)
                isBack.raise()
                return first + (try await response.nextPiece { Array(copying: $0) } ?? [])
            }
            #expect(received == Array("12".utf8))
        }
    }
}
