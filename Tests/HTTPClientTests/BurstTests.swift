import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Tasks that begin to wait among more jobs than the loop runs between two looks at its sockets.
@Suite(.timeLimit(.minutes(1))) struct `A burst` {
    /// A task may take some jobs until it waits; something comes before each of them.
    private static let jobs = 0..<8

    @Test func `a response that comes before its task waits is not missed`() async throws {
        try await withServer([
            { peer in
                for _ in Self.jobs {
                    try peer.receiveRequest()
                    try peer.send(response("1"))
                }
                try peer.receiveEnd()
            }
        ]) { loop, origin, _ in
            try await origin.open()
            for jobs in Self.jobs {
                let request = loop.startTask { await origin.text() }
                for _ in 0..<jobs { await Task.yield() }
                // The request's next job but one comes after these, and some hundred looks at the socket.
                let others = (0..<20_000).map { _ in loop.startTask { await Task.yield() } }
                #expect(await request.value == .success("1"))
                for other in others { await other.value }
            }
        }
    }

    @Test func `a latch that opens before its task waits is not missed`() async throws {
        try await onLoop { loop in
            for jobs in Self.jobs {
                let latch = Latch(on: loop)
                let waiting = loop.startTask { await latch.wait() }
                for _ in 0..<jobs { await Task.yield() }
                latch.open()
                await waiting.value
            }
        }
    }
}
