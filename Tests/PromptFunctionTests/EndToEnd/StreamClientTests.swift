import EventLoop
import Foundation
import HTTPClient
import HTTPServer
import Ollama
import PromptFunction
import StandIn
import TestSupport
import Testing

/// Clients of streams that leave, or do not read.
@Suite(.timeLimit(.minutes(2))) struct `Stream clients` {
    private static let streaming = #"{"stream":true}"#

    /// What a client does in the end.
    enum Leaving: CaseIterable { case fin, reset, halfClose }

    private static func leave(_ socket: RawSocket, _ way: Leaving) {
        switch way {
        case .fin: socket.close()
        case .reset: socket.reset()
        case .halfClose: socket.shutdownWrite()
        }
    }

    /// Opens `count` streams and waits until each has had its first token.
    private static func streams(_ count: Int, port: UInt16, _ body: String = streaming) throws -> [RawSocket] {
        let sockets = try (0..<count).map { _ in
            let socket = try RawSocket(port: port)
            try socket.send(postRequest(body))
            return socket
        }
        for socket in sockets { _ = try socket.receive(until: "\r\n\r\n2\r\nNo\r\n") }
        return sockets
    }

    @Test(arguments: Leaving.allCases)
    func `streams end upstream when their clients leave`(way: Leaving) async throws {
        var standIn = StandInSettings()
        standIn.tokenInterval = .seconds(600)
        try await withBackends([standIn]) { loop, fixture in
            let port = fixture.port
            let sockets = try await offLoop { try Self.streams(100, port: port) }
            #expect(fixture.standIn.counts.active == 100)
            for socket in sockets { Self.leave(socket, way) }
            try await until("none is active upstream", on: loop) { fixture.standIn.counts.active == 0 }
            #expect(fixture.standIn.counts.aborted == 100)
            #expect(fixture.server.requestsInFlight == 0)
            for socket in sockets { socket.close() }
            try await until("no connection is left", on: loop) {
                fixture.server.connections == 0 && fixture.upstreamConnections == 0
            }
        }
    }

    /// An Ollama that sends until nobody takes any more, to a client of promptd's that reads nothing; then `then`.
    private static func stalled(
        clock: LoopClock = .monotonic, limits: @Sendable (inout Limits) -> Void = { _ in },
        _ then: @escaping @Sendable (isolated EventLoop, MultiBackendFixture, RawSocket) async throws -> Void
    ) async throws {
        let line = #"{"message":{"content":"\#(String(repeating: "x", count: 1000))"},"done":false}"# + "\n"
        let chunk = Array("\(String(line.utf8.count, radix: 16))\r\n\(line)\r\n".utf8)
        let server = try RawServer()
        let isBlocked = Gate()
        async let peers = server.play([
            { peer in
                defer { isBlocked.open() }  // when something fails, too: nobody is to wait for ever
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                let limit = 64 * 1024 * 1024
                #expect(try peer.sendUntilBlocked(chunk, limit: limit) < limit)
                isBlocked.open()
                try peer.receiveEnd()
            }
        ])
        let change: @Sendable (inout PromptFunction.Settings) throws -> Void = {
            $0.hosts = [try OllamaHost.parse("127.0.0.1:\(server.port)").0]
        }
        try await withBackends(clock: clock, settings: change, limits: limits) { loop, fixture in
            let socket = try await fixture.open(postRequest(streaming), receiveBuffer: 4096)
            await isBlocked.wait()
            try await then(loop, fixture, socket)
            socket.close()
            try await until("no connection is left", on: loop) { fixture.server.connections == 0 }
        }
        _ = try await peers  // Ollama's connection has ended too
    }

    @Test(arguments: Leaving.allCases)
    func `a client that stalls and leaves ends its stream`(way: Leaving) async throws {
        try await Self.stalled { loop, fixture, socket in
            Self.leave(socket, way)
            try await until("it is gone", on: loop) { fixture.server.requestsInFlight == 0 }
        }
    }

    @Test func `a client that does not read slows Ollama down, and nobody else`() async throws {
        try await Self.stalled { loop, fixture, socket in
            let alive = try await fixture.get("/health/liveness")
            #expect(alive.status == 200)
            // It goes on as soon as the client reads.
            let more = try await offLoop { try socket.receive(count: 500_000).count }
            #expect(more == 500_000)
        }
    }

    @Test func `a client that reads nothing is dropped after the write deadline`() async throws {
        let limit = Duration.seconds(30)
        try await Self.stalled(clock: .manual, limits: { $0.writeTimeout = limit }) { loop, fixture, socket in
            await loop.advance(by: limit * 3)  // it may have taken a little in the first
            try await until("it was dropped", on: loop) { fixture.server.connections == 0 }
            let ending = try await offLoop { try socket.receiveUntilEnd().ending }
            #expect(ending == .reset)
        }
    }

    @Test(.seeded) func `streams of which a third is given up at random leave nothing behind`() async throws {
        var standIn = StandInSettings()
        standIn.tokenInterval = .microseconds(200)
        try await withBackends([standIn]) { loop, fixture in
            let port = fixture.port
            let texts = try await withThrowingTaskGroup(of: [String].self) { group in
                for client in 0..<50 {
                    group.addTask {
                        try await offLoop { try Self.someStreams(10, port: port, client: UInt64(client)) }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(texts.count > 200 && texts.count < 450)
            #expect(texts.allSatisfy { $0 == answer(to: "Who are you?") })
            try await until("nothing is left", on: loop) {
                fixture.standIn.counts.active == 0 && fixture.server.requestsInFlight == 0
                    && fixture.server.connections == 0
            }
            #expect(fixture.standIn.counts.requests >= texts.count)
            await fixture.function.stop()
            try await until("no connection to Ollama is left", on: loop) { fixture.upstreamConnections == 0 }
        }
    }

    /// Runs streams one after another, and gives about a third of them up after some bytes. Returns the texts of the
    /// others.
    private static func someStreams(_ count: Int, port: UInt16, client: UInt64) throws -> [String] {
        let random = SeededRandom.bytes(count * 3, client)
        var texts: [String] = []
        for index in 0..<count {
            let socket = try RawSocket(port: port)
            defer { socket.close() }
            try socket.send(postRequest(streaming))
            if random[index] % 3 == 0 {
                _ = try socket.receive(count: 1 + Int(random[count + index]))
                if random[2 * count + index] % 2 == 0 { socket.reset() }
            } else {
                let response = try socket.response()
                if response.isWhole { texts.append(response.text) }
            }
        }
        return texts
    }
}
