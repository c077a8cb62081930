import EventLoop
import Glibc
import HTTPClient
import TestSupport
import Testing

/// Which connections serve a second request.
@Suite(.timeLimit(.minutes(1))) struct `Reuse` {
    @Test func `requests one after the other use one connection`() async throws {
        try await withServer([
            { peer in
                for number in 1...3 {
                    #expect(try peer.receiveRequest().head == "POST / HTTP/1.1\r\nHost: a\r\n\r\n")
                    try peer.send(response("\(number)"))
                }
                #expect(try peer.receiveEnd() == .closed)
            }
        ]) { _, origin, server in
            for number in 1...3 {
                #expect(await origin.text() == .success("\(number)"))
                #expect(origin.idleConnections == 1)
                #expect(origin.requestsInFlight == 0)
            }
            #expect(server.accepted == 1)
        }
    }

    @Test func `a connection that was opened ahead serves the next request`() async throws {
        let isAsked = Flag()
        try await withServer([
            { peer in
                try isAsked.wait()
                #expect(try peer.receiveRequest().head == "POST / HTTP/1.1\r\nHost: a\r\n\r\n")
                try peer.send(response("1"))
                #expect(try peer.receiveEnd() == .closed)
            }
        ]) { _, origin, server in
            try await origin.open()
            #expect(origin.idleConnections == 1 && origin.connectionsOpened == 1)
            isAsked.raise()
            #expect(await origin.text() == .success("1"))
            #expect(origin.connectionsOpened == 1 && origin.requestsResent == 0)
        }
    }

    @Test func `no more idle connections are kept than are asked for`() async throws {
        let server = try RawServer()
        async let peers = server.play([{ try $0.receiveEnd() }, { try $0.receiveEnd() }, { try $0.receiveEnd() }])
        try await onLoop { loop in
            let origin = Origin(host: "127.0.0.1", port: server.port, idleLimit: 2, on: loop)
            for _ in 0..<3 { try await origin.open() }
            #expect(origin.idleConnections == 2 && origin.connectionsOpened == 3)
            try await until("the third is closed", on: loop) { server.clients == 2 }
            origin.closeIdle()
        }
        _ = try await peers
    }

    @Test func `the connection that was used last is used next`() async throws {
        let secondIsHere = Flag(), firstIsAnswered = Flag()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try secondIsHere.wait()
                try peer.send(response("first"))
                try peer.receiveEnd()
            },
            { peer in
                try peer.receiveRequest()
                secondIsHere.raise()
                try firstIsAnswered.wait()
                for _ in 0..<3 {
                    try peer.send(response("second"))
                    try peer.receiveRequest()
                }
                try peer.send(response("last"))
            },
        ]) { loop, origin, server in
            let first = loop.startTask { await origin.text() }
            try await until("the first is connected", on: loop) { server.clients == 1 }
            let second = loop.startTask { await origin.text() }
            #expect(await first.value == .success("first"))
            firstIsAnswered.raise()
            #expect(await second.value == .success("second"))
            #expect(origin.idleConnections == 2)
            for answer in ["second", "second", "last"] { #expect(await origin.text() == .success(answer)) }
        }
    }

    @Test(arguments: [false, true])
    func `a connection that the server ends while it is idle is dropped`(byReset: Bool) async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                if byReset { peer.reset() } else { peer.close() }
            },
            { peer in
                try peer.receiveRequest()
                try peer.send(response("2"))
            },
        ]) { loop, origin, _ in
            // The reset may take an answer with it that was not read yet, but it is read as soon as it is here.
            #expect(await origin.text() == .success("1"))
            try await until("it is dropped", on: loop) { origin.idleConnections == 0 }
            #expect(await origin.text() == .success("2"))
        }
    }

    @Test func `bytes on an idle connection close it`() async throws {
        let isIdle = Flag()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                try isIdle.wait()
                try peer.send(response("nobody asked"))
                try peer.receiveEnd()
            },
            { peer in
                try peer.receiveRequest()
                try peer.send(response("2"))
            },
        ]) { loop, origin, _ in
            #expect(await origin.text() == .success("1"))
            #expect(origin.idleConnections == 1)
            isIdle.raise()
            try await until("it is dropped", on: loop) { origin.idleConnections == 0 }
            #expect(await origin.text() == .success("2"))
        }
    }

    /// Each response is `1`, and what ends its connection.
    static let unfit = [
        response("1", "Connection: close\r\n"),
        response("1").replacing("HTTP/1.1", with: "HTTP/1.0"),
        response("1") + "H",
        response("1") + response("2"),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n\r\nH",
    ]

    @Test(arguments: unfit)
    func `a connection that is not fit for reuse is closed at once`(answer: String) async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(answer)
                try peer.receiveEnd()
            },
            { peer in
                try peer.receiveRequest()
                try peer.send(response("fresh"))
            },
        ]) { _, origin, _ in
            #expect(await origin.text() == .success("1"))
            #expect(origin.idleConnections == 0)
            #expect(await origin.text() == .success("fresh"))
        }
    }

    @Test func `a body that ends with the connection is whole, and a reset cuts it`() async throws {
        let half = "HTTP/1.1 200 OK\r\n\r\nto the end"
        let isRead = Flag()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(half)
                peer.close()
            },
            { peer in
                try peer.receiveRequest()
                try peer.send(half)
                try isRead.wait()
                peer.reset()
            },
        ]) { _, origin, _ in
            #expect(await origin.text() == .success("to the end"))
            #expect(origin.idleConnections == 0)
            await #expect(throws: ClientError.closed(errno: ECONNRESET, .body)) {
                try await origin.withResponse(to: template) { response throws(ClientError) in
                    _ = try await response.nextPiece { _ in }
                    isRead.raise()
                    _ = try await response.body(upTo: 100)
                }
            }
        }
    }

    @Test func `a reset that a failed send has seen is no proper end`() async throws {
        let isReset = Flag()
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send(response("1"))
                _ = try peer.receiveHead()
                try peer.send("HTTP/1.1 200 OK\r\n\r\nnot the end")
                peer.reset()
                isReset.raise()
            }
        ]) { loop, origin, _ in
            #expect(await origin.text() == .success("1"))
            let task = loop.startTask { await origin.text(Payload(largeBytes)) }
            try isReset.wait()  // blocks the loop: it finds the answer, the reset and room to send all at once
            #expect(await task.value == .failure(.closed(errno: ECONNRESET, .body)))
        }
    }

    @Test func `a response that comes before the whole request is sent is read, and ends its connection`() async throws
    {
        let payload = Payload(largeBytes)
        try await withServer([
            { peer in
                _ = try peer.receiveHead()
                try peer.send("HTTP/1.1 413 No\r\nContent-Length: 4\r\n\r\nmuch")
                try peer.waitUntilRead()  // or the rest of the request may be out first
                try peer.receiveEnd()
            }
        ]) { _, origin, _ in
            #expect(await origin.text(payload) == .success("much"))
            #expect(origin.idleConnections == 0)
        }
    }

    @Test func `a body that is not read to its end ends its connection`() async throws {
        try await withServer([
            { peer in
                try peer.receiveRequest()
                try peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n12")
                try peer.receiveEnd()
            }
        ]) { _, origin, _ in
            let count = try await origin.withResponse(to: template) { response throws(ClientError) in
                try await response.nextPiece { $0.count }
            }
            #expect(count == 2)
            #expect(origin.idleConnections == 0)
        }
    }

    @Test func `an idle connection is kept for as long as it was said`() async throws {
        let deadlines = Deadlines.only { $0.keepAlive = .seconds(60) }
        try await withServer(
            [
                { peer in
                    try peer.receiveRequest()
                    try peer.send(response("1"))
                    #expect(try peer.receiveEnd() == .closed)
                }
            ], deadlines: deadlines, clock: .manual
        ) { loop, origin, _ in
            #expect(await origin.text() == .success("1"))
            await loop.advance(by: .seconds(60) - .nanoseconds(1))
            #expect(origin.idleConnections == 1)
            await loop.advance(by: .nanoseconds(1))
            #expect(origin.idleConnections == 0)
        }
    }
}
