import EventLoop
import HTTPServer
import TestSupport
import Testing

/// Sends a row to a server of its own in every way that its bytes can arrive, and checks that the outcome is always
/// the one of the row.
struct WireCheck {
    let row: WireRow
    private let bytes: [UInt8]

    /// How the bytes of a row arrive.
    private enum Delivery: CustomStringConvertible {
        case whole
        /// With the next request in the same segment.
        case withNext
        /// One byte in a segment.
        case bytes
        case split(Int)

        var description: String {
            switch self {
            case .whole: "whole"
            case .withNext: "with the next request"
            case .bytes: "byte by byte"
            case .split(let position): "split at \(position)"
            }
        }
    }

    /// What the client received.
    private struct Received: Sendable {
        var interim = 0
        var replies: [RawResponse] = []
        var rest = ""
        var ending = RawSocket.Ending.closed
    }

    /// Small, so that rows are short.
    static let limits = HTTPServerTests.limits { ($0.headerBytes, $0.bodyBytes) = (512, 128) }

    /// Comes behind each row.
    private static let next = Array(get("/health/liveness", "Connection: close").utf8)

    init(_ row: WireRow) { (self.row, bytes) = (row, row.bytes) }

    func run() async throws {
        try await withServer(limits: Self.limits, clock: .manual) { loop, host in
            host.function.handler = { request, reply in
                let body = request.takeBody().map { String(decoding: $0.copy(), as: UTF8.self) } ?? ""
                reply.send(.text("\(request.method) \(request.path) \(body)"))
            }
            try await check([.whole, .withNext, .bytes], host, on: loop)
            let splits = (1..<bytes.count).filter(isBesideMark).map { Delivery.split($0) }
            for start in stride(from: 0, to: splits.count, by: 64) {
                try await check(Array(splits[start..<min(start + 64, splits.count)]), host, on: loop)
            }
            try await host.untilEmpty(on: loop)
            #expect(host.server.bufferedBytes == 0)
        }
    }

    /// Whether the byte before or after a position is no letter: within a word, the place of a split changes nothing.
    private func isBesideMark(_ position: Int) -> Bool {
        bytes[position - 1...position].contains { !(UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 32) }
    }

    /// Performs `deliveries` at the same time, each on a connection of its own.
    private func check(_ deliveries: [Delivery], _ host: TestServer, on loop: isolated EventLoop) async throws {
        let sockets = try deliveries.map { _ in try RawSocket(port: host.port) }
        for (socket, delivery) in zip(sockets, deliveries) {
            switch delivery {
            case .whole: send(bytes, to: socket)
            case .withNext: send(bytes + Self.next, to: socket)
            case .bytes: try await sendByteByByte(to: socket, on: loop)
            case .split(let position): send(bytes[..<position], to: socket)
            }
        }
        for _ in 0..<10 { await loop.turn() }  // the server has read all that there is
        for (socket, delivery) in zip(sockets, deliveries) {
            switch delivery {
            case .whole: if !row.outcome.closes { send(Self.next, to: socket) }
            case .withNext: break
            case .bytes: send(Self.next, to: socket)
            case .split(let position): send(bytes[position...] + Self.next, to: socket)
            }
        }
        let received = try await offLoop { [outcome = row.outcome] in
            sockets.map { socket in
                defer { socket.close() }
                return Result { try Self.receive(outcome, from: socket) }
            }
        }
        for (result, delivery) in zip(received, deliveries) {
            switch result {
            case .success(let received): expect(received, delivery)
            case .failure(let error): Issue.record(error, "\(delivery)")
            }
        }
    }

    /// Sends what the server takes: it may have refused the first bytes, and closed.
    private func send(_ bytes: some Sequence<UInt8>, to socket: RawSocket) { try? socket.send(Array(bytes)) }

    private func sendByteByByte(to socket: RawSocket, on loop: isolated EventLoop) async throws {
        let isSilentBefore = !row.outcome.closes && !row.outcome.continues && row.outcome.replies.count == 1
        for (index, byte) in bytes.enumerated() {
            if index == bytes.count - 1 && isSilentBefore {
                #expect(!socket.isReadable(within: 0), "a reply before the last byte")
            }
            send([byte], to: socket)
            await loop.turn()
        }
    }

    // MARK: Replies

    /// Receives as many replies as are due, and what comes behind them.
    private static func receive(_ outcome: Outcome, from socket: RawSocket) throws -> Received {
        var received = Received()
        for reply in outcome.replies + (outcome.closes ? [] : [.ok("Alive")]) {
            while true {
                let response = try socket.response(toHead: reply.isToHead)
                if response.status != 100 {
                    received.replies.append(response)
                    break
                }
                received.interim += 1
            }
        }
        (received.rest, received.ending) = try socket.rest()
        return received
    }

    private func expect(_ received: Received, _ delivery: Delivery) {
        let expected = row.outcome.replies + (row.outcome.closes ? [] : [.ok("Alive")])
        let comment = Comment(rawValue: delivery.description)
        for (index, (response, reply)) in zip(received.replies, expected).enumerated() {
            expect(response, reply, isLast: index == expected.count - 1, comment)
        }
        #expect(received.rest.isEmpty, comment)
        switch delivery {
        case .whole: #expect(received.ending == .closed && received.interim == 0)
        case .bytes: #expect(received.interim == (row.outcome.continues ? 1 : 0))
        default: #expect(received.interim <= (row.outcome.continues ? 1 : 0), comment)
        }
    }

    private func expect(_ response: RawResponse, _ reply: ExpectedReply, isLast: Bool, _ comment: Comment) {
        #expect(response.version == "HTTP/1.1", comment)
        #expect(response.status == reply.status, comment)
        // RFC 9110, 6.6.1.
        let date = /[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/
        #expect(response["Date"]?.wholeMatch(of: date) != nil, comment)
        // RFC 9112, 9.6. Before the last reply, a client of HTTP/1.0 reads of keep-alive.
        #expect((response["Connection"] == "close") == isLast, comment)
        if reply.status == 204 {  // RFC 9110, 8.6
            #expect(response["Content-Length"] == nil && response["Transfer-Encoding"] == nil, comment)
        } else {
            #expect(response["Content-Length"] != nil && response["Content-Type"] != nil, comment)
        }
        if let body = reply.body {
            #expect(response.text == body, comment)
        } else if !reply.isToHead {
            #expect(!response.body.isEmpty, comment)
        }
        for (name, value) in reply.fields { #expect(response[name] == value, comment) }
    }
}
