import EventLoop
import HTTPClient
import TestSupport
import Testing

/// Bodies, interim responses and what is no response.
@Suite(.timeLimit(.minutes(1))) struct `Transfer` {
    @Test(arguments: [false, true])
    func `20 MB go up and come down whole`(isChunked: Bool) async throws {
        let bytes = largeBytes
        try await withServer([
            { peer in
                let body = try peer.receiveRequest().body
                if isChunked {
                    try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for start in stride(from: 0, to: body.count, by: 999_999) {
                        let chunk = body[start..<min(start + 999_999, body.count)]
                        try peer.send(Array((String(chunk.count, radix: 16) + "\r\n").utf8) + chunk + [0x0D, 0x0A])
                    }
                    try peer.send("0\r\n\r\n")
                } else {
                    try peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
                    try peer.send(body)
                }
            }
        ]) { _, origin, _ in
            let received = try await origin.ask(Payload(bytes)).get()
            #expect(received.hasSameBytes(as: bytes))
            #expect(origin.idleConnections == 1)
        }
    }

    @Test func `a reader that does not read stops the sender`() async throws {
        let isBlocked = Gate()
        let piece = [UInt8](repeating: 0x78, count: 65_536)
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\n\r\n")
                let sent = try peer.sendUntilBlocked(piece, limit: 64 << 20)
                #expect(sent < 16 << 20)  // most of it is in the kernel's two buffers
                isBlocked.open()
                try peer.send(piece)
                peer.close()
            }
        ]) { _, origin, _ in
            let count = try await origin.withResponse(to: template) { response throws(ClientError) in
                await isBlocked.wait()
                var count = 0
                while let more = try await response.nextPiece({ $0.count }) { count += more }
                return count
            }
            #expect(count > piece.count)
        }
    }

    @Test func `a body that is read with pauses is whole`() async throws {
        let body = Array(largeBytes.prefix(2_000_000))
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in stride(from: 0, to: body.count, by: 1000) {
                    try peer.send(Array("3e8\r\n".utf8) + body[start..<(start + 1000)] + [0x0D, 0x0A])
                }
                try peer.send("0\r\n\r\n")
            }
        ]) { loop, origin, _ in
            let received = try await origin.withResponse(to: template) { response throws(ClientError) in
                var received: [UInt8] = [], pieces = 0
                while try await response.nextPiece({ received.append($0) }) != nil {
                    pieces += 1
                    if pieces.isMultiple(of: 40) { await loop.turn() }
                }
                return received
            }
            #expect(received.hasSameBytes(as: body))
            #expect(origin.idleConnections == 1)
        }
    }

    @Test(arguments: [2, 3])
    func `a body is received up to its limit`(limit: Int) async throws {
        let answers = [
            response("123"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n2\r\n23\r\n0\r\n\r\n",
        ]
        for answer in answers {
            try await withServer([
                { peer in
                    try peer.receiveRequest()
                    try peer.send(answer)
                    try peer.receiveEnd()
                }
            ]) { _, origin, _ in
                let outcome: Result<[UInt8], ClientError>
                do throws(ClientError) {
                    outcome = .success(
                        try await origin.withResponse(to: template) { response throws(ClientError) in
                            try await response.body(upTo: limit)
                        })
                } catch {
                    outcome = .failure(error)
                }
                #expect(outcome == (limit == 3 ? .success(Array("123".utf8)) : .failure(.tooLarge(limit: 2))))
                #expect(origin.idleConnections == (limit == 3 ? 1 : 0))
            }
        }
    }

    /// Sends each of `pieces` when the client is known to have read the one before: it has answered no byte, but the
    /// socket's other end holds none.
    private static func play(_ pieces: [String]) -> RawServer.Script {
        { peer in
            try peer.receiveRequest()
            for piece in pieces {
                try peer.send(piece)
                try peer.waitUntilRead()
            }
            try peer.receiveEnd()
        }
    }

    @Test func `interim responses are skipped wherever they are split`() async throws {
        let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + response("body")
        let splits = (1..<text.utf8.count).map { offset in
            [
                String(decoding: text.utf8.prefix(offset), as: UTF8.self),
                String(decoding: text.utf8.dropFirst(offset), as: UTF8.self),
            ]
        }
        let bytes = text.utf8.map { String(decoding: [$0], as: UTF8.self) }
        for pieces in [[text]] + splits + [bytes] {
            try await withServer([Self.play(pieces)]) { _, origin, _ in
                #expect(await origin.text() == .success("body"))
                #expect(origin.idleConnections == 1)
            }
        }
    }

    @Test(arguments: [
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 Switch\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n", "\r\n", "\0", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 99 No\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n1",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\n1\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n123",
        "HTTP/1.1 200 OK\r\nA: \(String(repeating: "x", count: 70_000))\r\n\r\n",
    ])
    func `what is no response is malformed, and ends the connection`(answer: String) async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(answer)
                try peer.receiveEnd()
            }
        ]) { _, origin, server in
            let outcome = await origin.text()
            guard case .failure(.malformed(let rule, _)) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(!rule.isEmpty)
            #expect(origin.idleConnections == 0)
            #expect(server.accepted == 1)
        }
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12345678",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n0\r\n",
    ])
    func `a body that is cut off is an error`(answer: String) async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(answer)
                peer.close()
            }
        ]) { _, origin, _ in
            #expect(await origin.text() == .failure(.closed(errno: 0, .body)))
        }
    }
}
