import Dispatch
import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Requests that are given up.
@Suite(.timeLimit(.minutes(1))) struct `Cancelling` {
    /// From where the task is cancelled.
    enum Place: CaseIterable {
        case loop, elsewhere

        func cancel<Success: Sendable>(_ task: Task<Success, Never>) async throws {
            switch self {
            case .loop: task.cancel()
            case .elsewhere: try await offLoop { task.cancel() }
            }
        }
    }

    @Test(arguments: Place.allCases)
    func `it ends the wait for a name at once`(place: Place) async throws {
        let isAsked = Gate(), isOver = Flag()
        try await onLoop { loop in
            let origin = Origin(host: "slow", port: 1, on: loop) { host, _ throws(ResolveError) in
                isAsked.open()
                try? isOver.wait()
                return try noAddress(of: host)
            }
            let task = loop.startTask { await origin.text() }
            await isAsked.wait()
            try await place.cancel(task)
            #expect(await task.value == .failure(.cancelled))
            isOver.raise()
            let error = try #require(throws: ResolveError.self) { try noAddress(of: "slow") }
            #expect(await origin.text() == .failure(.unresolved(error)))  // of the same lookup, which went on
        }
    }

    @Test(arguments: Place.allCases)
    func `it ends connecting at once`(place: Place) async throws {
        let (server, filler) = try await offLoop {
            let server = try RawServer(backlog: 0)
            return (server, try RawSocket(port: server.port))
        }
        try await onLoop { loop in
            let origin = Origin(host: "127.0.0.1", port: server.port, deadlines: .only(), on: loop)
            let task = loop.startTask { await origin.text() }
            try await server.untilConnecting()
            try await place.cancel(task)
            #expect(await task.value == .failure(.cancelled))
            let connecting = try server.connecting()
            #expect(connecting == 0)
        }
        filler.close()
    }

    @Test(arguments: Place.allCases, ["", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234"])
    func `it closes the connection at once, waiting or reading`(place: Place, bytes: String) async throws {
        let isThere = Gate()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(bytes)
                isThere.open()
                #expect(try peer.receiveEnd() == .closed)
            }
        ]) { loop, origin, _ in
            let task = loop.startTask { await origin.text() }
            await isThere.wait()
            try await place.cancel(task)
            #expect(await task.value == .failure(.cancelled))
            #expect(origin.idleConnections == 0)
            #expect(origin.requestsInFlight == 0)
        }
    }

    @Test func `it closes the connection while the request is being sent`() async throws {
        let isThere = Gate()
        try await withServer([
            { peer in
                _ = try peer.receiveHead()
                isThere.open()
                try peer.receiveEnd()
            }
        ]) { loop, origin, _ in
            let task = loop.startTask { await origin.text(Payload(largeBytes)) }
            await isThere.wait()
            task.cancel()
            #expect(await task.value == .failure(.cancelled))
        }
    }

    @Test func `a task that was cancelled before asks nothing`() async throws {
        try await withServer([]) { loop, origin, server in
            let task = loop.startTask {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                return await origin.text()
            }
            #expect(await task.value == .failure(.cancelled))
        }
    }

    @Test func `cancelling that comes too late does not hit the next request`() async throws {
        try await withServer([
            { peer in
                for number in 1...2 {
                    try peer.receiveRequest()
                    try peer.send(response("\(number)"))
                }
            }
        ]) { loop, origin, server in
            let isReading = Flag(), isCancelled = Flag()
            let task = loop.startTask { () async -> Result<String, ClientError> in
                do throws(ClientError) {
                    return .success(
                        try await origin.withResponse(to: template) { response throws(ClientError) in
                            let body = try await response.body(upTo: 100)
                            isReading.raise()
                            try? isCancelled.wait()  // blocks the loop, so that it hears of the cancelling later
                            return String(decoding: body, as: UTF8.self)
                        })
                } catch {
                    return .failure(error)
                }
            }
            let canceller = loop.startTask {
                _ = try? await offLoop {
                    try isReading.wait()
                    task.cancel()
                    isCancelled.raise()
                }
            }
            #expect(await task.value == .success("1"))
            #expect(origin.idleConnections == 1)
            #expect(await origin.text() == .success("2"))
            #expect(server.accepted == 1)
            await canceller.value
        }
    }
}
