import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Requests among more jobs than the loop runs between two looks at its sockets.
@Suite(.timeLimit(.minutes(1))) struct `A burst` {
    @Test func `a response that comes before the task has begun to wait is not missed`() async throws {
        let isAnswered = Flag()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                isAnswered.raise()
                try peer.receiveEnd()
            }
        ]) { loop, origin, _ in
            try await origin.open()
            // They go first: what the request's task does next waits for some turns of the loop, in which the socket is read.
            let others = (0..<9000).map { _ in start(on: loop) { await Task.yield() } }
            let request = start(on: loop) { await origin.text() }
            try isAnswered.wait()
            #expect(await request.value == .success("1"))
            for other in others { await other.value }
        }
    }
}
