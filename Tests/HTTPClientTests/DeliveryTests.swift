import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Takes bodies, and does with them what a test wants.
private final class Sink: BodySink {
    var bytes: [UInt8] = []
    var pieces = 0, reads = 0
    /// What to want after each read.
    var demand: (Sink) -> BodyDemand = { _ in .more }

    func receive(_ bytes: Span<UInt8>) {
        pieces += 1
        self.bytes.append(bytes)
    }

    func endRead() -> BodyDemand {
        reads += 1
        return demand(self)
    }

    var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension Origin {
    /// Has `sink` take the body. Returns whether it came to its end.
    fileprivate func deliver(
        to sink: Sink, _ begin: @escaping (BodyFlow) -> Void = { _ in }
    ) async -> Result<Bool, ClientError> {
        do throws(ClientError) {
            return .success(
                try await withResponse(to: template) { response throws(ClientError) in
                    begin(response.flow)
                    return try await response.deliver(to: sink)
                })
        } catch {
            return .failure(error)
        }
    }
}

/// Bodies that go to a sink inside the read's callback.
@Suite(.timeLimit(.minutes(1))) struct `Delivery` {
    private static let response =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"

    /// Sends a part of a body, and waits for the end.
    private static let partial: RawServer.Script = { peer in
        try peer.receiveRequest()
        try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
        try peer.receiveEnd()
    }

    @Test func `chunks of one read are given one by one, then settled once`() async throws {
        try await withServer([
            { peer in
                for _ in 0..<2 {
                    try peer.receiveRequest()
                    try peer.send(Self.response)
                }
            }
        ]) { loop, origin, _ in
            for _ in 0..<2 {  // and the connection is used again
                let sink = Sink()
                #expect(await origin.deliver(to: sink) == .success(true))
                #expect(sink.text == "onetwothree" && sink.pieces == 3 && sink.reads == 1)
            }
            #expect(origin.idleConnections == 1)
        }
    }

    @Test func `a body is the same however it is split`() async throws {
        let bytes = Array(Self.response.utf8)
        try await withServer([
            { peer in
                for offset in 1..<bytes.count {
                    try peer.receiveRequest()
                    try peer.send(Array(bytes[..<offset]))
                    try peer.waitUntilRead()
                    try peer.send(Array(bytes[offset...]))
                }
            }
        ]) { loop, origin, _ in
            for offset in 1..<bytes.count {
                let sink = Sink()
                #expect(await origin.deliver(to: sink) == .success(true), "split at \(offset)")
                #expect(sink.text == "onetwothree", "split at \(offset)")
            }
        }
    }

    @Test func `a sink that stops closes the connection`() async throws {
        try await withServer([Self.partial]) { loop, origin, _ in
            let sink = Sink()
            sink.demand = { _ in .stop }
            #expect(await origin.deliver(to: sink) == .success(false))
            #expect(sink.text == "some" && origin.idleConnections == 0)
        }
    }

    @Test func `a sink that pauses stops the sender, and nothing is late meanwhile`() async throws {
        let isBlocked = Gate()
        let piece = [UInt8](repeating: 0x78, count: 65_536)
        try await withServer(
            [
                { peer in
                    try peer.receiveRequest()
                    try peer.send("HTTP/1.1 200 OK\r\n\r\n")
                    let sent = try peer.sendUntilBlocked(piece, limit: 64 << 20)
                    #expect(sent < 64 << 20)
                    isBlocked.open()
                    peer.shutdownWrite()
                    try peer.receiveEnd()
                }
            ], deadlines: .only { $0.idle = .seconds(120) }, clock: .manual
        ) { loop, origin, _ in
            let sink = Sink()
            var flow: BodyFlow?
            sink.demand = { $0.reads == 1 ? .pause : .more }
            let delivery = loop.startTask { await origin.deliver(to: sink) { flow = $0 } }
            await isBlocked.wait()
            await loop.advance(by: .seconds(3600))
            #expect(sink.reads == 1)
            flow?.resume()
            #expect(await delivery.value == .success(true))
            #expect(sink.bytes.count > 65_536 && sink.reads > 1)
            flow?.resume()  // over: does nothing
        }
    }

    @Test func `a sink that has all waits a second for the end, no longer`() async throws {
        try await withServer(
            [
                { peer in
                    try peer.receiveRequest()
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nall")
                    try peer.receiveEnd()
                }
            ], deadlines: .only()
        ) { loop, origin, _ in
            let sink = Sink()
            sink.demand = { _ in .end }
            #expect(await origin.deliver(to: sink) == .failure(.timeout(.idle)))
        }
    }

    @Test func `what came before a cut was given, and the cut is told`() async throws {
        for end in [
            ClientError.closed(errno: 0, .body),
            .malformed("a chunk's size is not a hexadecimal number", .body),
        ] {
            try await withServer([
                { peer in
                    try peer.receiveRequest()
                    try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
                    if end == .closed(errno: 0, .body) { peer.close() } else { try peer.send("x\r\n") }
                }
            ]) { loop, origin, _ in
                let sink = Sink()
                #expect(await origin.deliver(to: sink) == .failure(end))
                #expect(sink.text == "one")
            }
        }
    }

    @Test func `a sink is let go when its task is cancelled`() async throws {
        try await withServer([Self.partial]) { loop, origin, _ in
            let sink = Sink()
            let delivery = loop.startTask { await origin.deliver(to: sink) }
            try await until("some came", on: loop) { sink.reads == 1 }
            delivery.cancel()
            #expect(await delivery.value == .failure(.cancelled))
        }
    }
}
