import EventLoop
import HTTPServer
import Synchronization
import TestSupport
import Testing

/// Clients that ask for as much as they can get, on a thread of their own, until `end`.
private final class Flood: Sendable {
    enum Kind: CaseIterable, Sendable {
        /// A GET on each connection, as soon as the one before it is answered.
        case requests
        /// As many GETs in a row as the socket takes.
        case pipelines
        /// Nothing but empty lines, on a new connection whenever one is closed.
        case emptyLines
        /// On after a rejection.
        case rejected
        /// POSTs of 1 MB.
        case bodies

        var bytes: [UInt8] {
            switch self {
            case .requests: Array(get().utf8)
            case .pipelines: Array([String](repeating: get(), count: 1000).joined().utf8)
            case .emptyLines: Array([String](repeating: "\r\n", count: 30_000).joined().utf8)
            case .rejected: Array("nonsense\r\n\r\n".utf8) + [UInt8](repeating: 0x41, count: 60_000)
            case .bodies: Array(post(String(repeating: "x", count: 1 << 20)).utf8)
            }
        }

        var connections: Int { self == .requests ? 300 : 30 }
    }

    private let isOver = Gate()
    private let ended = Gate()
    /// Opens once each connection has sent something.
    let isUnderWay = Gate()

    init(_ kind: Kind, port: UInt16) {
        let (isOver, ended, isUnderWay) = (isOver, ended, isUnderWay)
        Task {
            _ = try? await offLoop {
                let bytes = kind.bytes
                var sockets = try (0..<kind.connections).map { _ in try RawSocket(port: port) }
                var unsent = [[UInt8]](repeating: bytes, count: sockets.count)
                while !isOver.isOpen {
                    for index in sockets.indices {
                        let answered = sockets[index].discard()
                        if answered == nil { sockets[index] = try RawSocket(port: port) }
                        let isNext = kind == .requests ? answered ?? 1 > 0 : true
                        if unsent[index].isEmpty && isNext || answered == nil { unsent[index] = bytes }
                        unsent[index].removeFirst(sockets[index].sendWithoutWaiting(unsent[index]) ?? 0)
                    }
                    isUnderWay.open()
                }
            }
            isUnderWay.open()
            ended.open()
        }
    }

    func end() async {
        isOver.open()
        await ended.wait()
    }
}

/// No client, whatever it sends, keeps others from being served.
@Suite(.serialized, .timeLimit(.minutes(1))) struct `Fairness` {
    /// Runs `body` in the midst of a flood.
    private func withFlood(
        _ kind: Flood.Kind, _ body: @Sendable (isolated EventLoop, TestServer) async throws -> Void
    ) async throws {
        try await withServer { loop, host in
            let flood = Flood(kind, port: host.port)
            await flood.isUnderWay.wait()
            do {
                try await body(loop, host)
            } catch {
                await flood.end()
                throw error
            }
            await flood.end()
        }
    }

    @Test(arguments: Flood.Kind.allCases)
    private func `a flood keeps no timer, probe, prompt or stream waiting`(kind: Flood.Kind) async throws {
        try await withFlood(kind) { loop, host in
            // Each turn is bounded to some milliseconds of work, so that what waits for a turn is. More would be the work
            // of a large part of a second.
            var most = 0
            for _ in 0..<50 {
                let before = host.function.answered
                await loop.turn()
                most = max(most, host.function.answered - before)
            }
            #expect(most < 10_000)
            let probe = try await host.ask(get("/health/liveness", "Connection: close"))
            #expect(probe.text == "Alive")
            host.function.handler = { request, reply in
                guard request.path == "/stream" else { return reply.send(.text("answer")) }
                let body = reply.start(.ok, .text)
                for _ in 0..<20 {
                    await loop.sleep(for: .milliseconds(1))
                    await body.send(Array("token ".utf8))
                }
                body.end()
            }
            let answer = try await host.ask(request("POST", "/", ["Content-Length: 2"]) + "{}")
            #expect(answer.text == "answer")
            let stream = try await host.ask(request("POST", "/stream", ["Content-Length: 2"]) + "{}")
            #expect(stream.text == String(repeating: "token ", count: 20))
        }
    }
}
