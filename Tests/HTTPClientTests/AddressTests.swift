import EventLoop
import Glibc
import HTTPClient
import Synchronization
import TestSupport
import Testing

/// Names, and the addresses behind them.
@Suite(.timeLimit(.minutes(1))) struct `Addresses` {
    private static func address(_ host: String, _ port: UInt16) throws(ResolveError) -> SocketAddress {
        try SocketAddress.resolve(host: host, port: port, numericOnly: true)[0]
    }

    /// Answers so many requests on each connection.
    private static func answering(_ count: Int) -> RawServer.Script {
        { peer in
            for _ in 0..<count {
                try peer.receiveRequest()
                try peer.send(response("yes"))
            }
        }
    }

    @Test func `each address of a name is tried, and the one that worked comes first from then on`() async throws {
        let server = try RawServer(), full = try RawServer(backlog: 0), lookups = Atomic(0)
        let filler = try await offLoop { try RawSocket(port: full.port) }
        async let peers = server.play([Self.answering(1), Self.answering(1)])
        try await onLoop(clock: .manual) { loop in
            let deadlines = Deadlines.only { $0.connect = .seconds(5) }
            let origin = Origin(host: "some.name", port: server.port, deadlines: deadlines, on: loop) {
                host, port throws(ResolveError) in
                lookups.add(1, ordering: .sequentiallyConsistent)
                // Nobody listens on port 1; the second takes no connection at first; the last is not come to.
                return [
                    try Self.address("127.0.0.1", 1), try Self.address("127.0.0.1", full.port),
                    try Self.address("127.0.0.1", port),
                    try Self.address("127.0.0.1", 1),
                ]
            }
            let result = loop.startTask { await origin.text() }
            try await full.untilConnecting()  // the second is tried
            try await passDeadline(.seconds(5), on: loop)
            #expect(await result.value == .success("yes"))
            origin.closeIdle()
            try await offLoop { _ = try full.accept() }  // now it would take one
            #expect(await origin.text() == .success("yes"))
            #expect(full.clients == 1)
            #expect(lookups.load(ordering: .sequentiallyConsistent) == 1)
            origin.closeIdle()
        }
        _ = try await peers
        filler.close()
    }

    @Test func `the error of the last address is told`() async throws {
        try await onLoop { loop in
            let origin = Origin(host: "some.name", port: 1, on: loop) { _, port throws(ResolveError) in
                [try Self.address("127.0.0.1", port), try Self.address("127.0.0.1", port)]
            }
            #expect(await origin.text() == .failure(.unreachable(errno: ECONNREFUSED)))
        }
    }

    @Test func `a name without an address is an error, and is looked up again for the next request`() async throws {
        let lookups = Atomic(0)
        try await onLoop { loop in
            let origin = Origin(host: "no.name", port: 1, on: loop) { host, _ throws(ResolveError) in
                lookups.add(1, ordering: .sequentiallyConsistent)
                return try noAddress(of: host)
            }
            let error = try #require(throws: ResolveError.self) { try noAddress(of: "no.name") }
            for _ in 0..<2 { #expect(await origin.text() == .failure(.unresolved(error))) }
            #expect(lookups.load(ordering: .sequentiallyConsistent) == 2)
        }
    }

    @Test func `an address is looked up again after 30 seconds`() async throws {
        let server = try RawServer(), lookups = Atomic(0)
        async let peers = server.play(Array(repeating: Self.answering(1), count: 3))
        try await onLoop(clock: .manual) { loop in
            let origin = Origin(host: "some.name", port: server.port, deadlines: .only(), on: loop) {
                _, port throws(ResolveError) in
                lookups.add(1, ordering: .sequentiallyConsistent)
                return [try Self.address("127.0.0.1", port)]
            }
            for (wait, count) in [(Duration.zero, 1), (.seconds(30) - .nanoseconds(1), 1), (.nanoseconds(1), 2)] {
                await loop.advance(by: wait)
                #expect(await origin.text() == .success("yes"))
                #expect(lookups.load(ordering: .sequentiallyConsistent) == count)
                origin.closeIdle()
            }
        }
        _ = try await peers
    }

    @Test func `lookups at the same time are one, whoever leaves`() async throws {
        let isOver = Flag(), isAsked = Gate(), lookups = Atomic(0)
        let server = try RawServer()
        async let peers = server.play(Array(repeating: Self.answering(1), count: 9))
        try await onLoop { loop in
            let origin = Origin(host: "some.name", port: server.port, on: loop) { _, port throws(ResolveError) in
                lookups.add(1, ordering: .sequentiallyConsistent)
                isAsked.open()
                try? isOver.wait()
                return [try Self.address("127.0.0.1", port)]
            }
            let tasks = (0..<10).map { _ in loop.startTask { await origin.text() } }
            await isAsked.wait()
            tasks[0].cancel()
            #expect(await tasks[0].value == .failure(.cancelled))
            isOver.raise()
            for task in tasks.dropFirst() { #expect(await task.value == .success("yes")) }
            #expect(lookups.load(ordering: .sequentiallyConsistent) == 1)
            origin.closeIdle()
        }
        _ = try await peers
    }

    @Test func `the system is asked when nothing else is said`() async throws {
        let server = try RawServer()
        async let peers = server.play([Self.answering(1)])
        try await onLoop { loop in
            let origin = Origin(host: "localhost", port: server.port, on: loop)
            #expect(await origin.text() == .success("yes"))
            origin.closeIdle()
        }
        _ = try await peers
    }
}
