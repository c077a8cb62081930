import EventLoop
import Glibc
import HTTPClient
import TestSupport
import Testing

/// What happens when a connection dies under a request.
@Suite(.timeLimit(.minutes(1))) struct `Retry` {
    /// How a server lets a request down.
    enum Death: CaseIterable {
        case fin, reset, finBeforeReading, resetBeforeReading

        func end(_ peer: RawPeer) throws {
            switch self {
            case .fin, .reset: try peer.receiveRequest()
            case .finBeforeReading, .resetBeforeReading: try peer.waitForBytes()
            }
            switch self {
            case .fin: peer.close()
            case .finBeforeReading: peer.shutdownWrite()
            case .reset, .resetBeforeReading: peer.reset()
            }
        }
    }

    private static func answer(_ text: String) -> RawServer.Script {
        { peer in
            try peer.receiveRequest()
            try peer.send(response(text))
        }
    }

    @Test(arguments: Death.allCases, [10, 20_000_000])
    func `a request that a reused connection swallows is sent again, whole, on a fresh one`(
        death: Death, count: Int
    ) async throws {
        let bytes = Array(largeBytes.prefix(count))
        let bothAreHere = Flag(), firstIsAnswered = Flag()
        try await withServer([
            { peer in  // stays idle below: a retry on it might meet the same fate
                try peer.receiveRequest()
                try bothAreHere.wait()
                try peer.send(response("1"))
                #expect(try peer.receiveEnd() == .closed)
            },
            { peer in
                try peer.receiveRequest()
                bothAreHere.raise()
                try firstIsAnswered.wait()
                try peer.send(response("2"))
                try death.end(peer)
                if death == .finBeforeReading { try peer.receiveEnd() }
            },
            { peer in
                #expect(try peer.receiveRequest().body.hasSameBytes(as: bytes))
                try peer.send(response("3"))
            },
        ]) { loop, origin, server in
            let first = loop.startTask { await origin.text() }
            try await until("the first is connected", on: loop) { server.clients == 1 }
            let second = loop.startTask { await origin.text() }
            #expect(await first.value == .success("1"))
            firstIsAnswered.raise()
            #expect(await second.value == .success("2"))
            #expect(origin.idleConnections == 2)
            #expect(await origin.text(Payload(bytes)) == .success("3"))
            #expect(server.accepted == 3)
        }
    }

    @Test func `a connection that the server closed a moment ago fails no request`() async throws {
        let isAnswered = Flag(), isClosed = Flag()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                try isAnswered.wait()
                peer.close()
                isClosed.raise()
            },
            Self.answer("2"),
        ]) { _, origin, _ in
            #expect(await origin.text() == .success("1"))
            isAnswered.raise()
            try isClosed.wait()  // blocks the loop, which therefore does not see the FIN
            #expect(origin.idleConnections == 1)
            #expect(await origin.text() == .success("2"))
        }
    }

    @Test(arguments: Death.allCases)
    func `it is sent again only once, and never when the connection was fresh`(death: Death) async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                try death.end(peer)
            },
            { peer in try death.end(peer) },
            { peer in try death.end(peer) },
        ]) { _, origin, server in
            let payload = Payload(SeededRandom.bytes(10, 3))
            #expect(await origin.text(payload) == .success("1"))
            for connections in [2, 3] {
                let outcome = await origin.text(payload)
                guard case .failure(.closed(_, .nothing)) = outcome else {
                    Issue.record("\(outcome)")
                    return
                }
                #expect(server.accepted == connections)
            }
        }
    }

    @Test(arguments: ["H", "HTTP/1.1 ", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200 OK\r\n"], [false, true])
    func `after a byte of response nothing is sent again`(byte: String, byReset: Bool) async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                try peer.receiveRequest()
                try peer.send(byte)
                if byReset { peer.reset() } else { peer.close() }
            }
        ]) { _, origin, server in
            #expect(await origin.text() == .success("1"))
            #expect(
                await origin.text() == .failure(.closed(errno: byReset ? ECONNRESET : 0, .head)))
            #expect(server.accepted == 1)
        }
    }

    @Test func `an error of the reader's own does not send the request again`() async throws {
        try await withServer([
            { peer in
                for _ in 0..<2 {
                    try peer.receiveRequest()
                    try peer.send(response("1"))
                }
            }
        ]) { _, origin, server in
            #expect(await origin.text() == .success("1"))
            let error = ClientError.closed(errno: 0, .nothing)  // such as another origin's
            await #expect(throws: error) {
                try await origin.withResponse(to: template) { _ throws(ClientError) in throw error }
            }
            #expect(server.accepted == 1)
        }
    }
}
