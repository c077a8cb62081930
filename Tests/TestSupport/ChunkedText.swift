/// The text of a chunked body as it comes, however it is cut into chunks: a reply is passed on as it is read, so that a
/// long piece may arrive in several chunks.
///
/// `@unchecked Sendable`: as `RawSocket`.
package final class ChunkedText: @unchecked Sendable {
    private let socket: RawSocket
    private var hasHead = false
    private var pending: [UInt8] = []

    /// `socket`: what comes on it begins with the head of a response.
    package init(on socket: RawSocket) { self.socket = socket }

    /// Receives until `text` has come, and forgets everything up to its end.
    package func receive(until text: String) throws {
        if !hasHead { _ = try socket.receive(until: "\r\n\r\n") }
        hasHead = true
        let pattern = Array(text.utf8)
        while true {
            if let end = pending.firstRange(of: pattern)?.upperBound { return pending.removeFirst(end) }
            try receiveChunk()
        }
    }

    private func receiveChunk() throws {
        let line = try socket.receive(until: "\r\n").dropLast()
        guard let size = Int(line, radix: 16), size > 0 else { throw RawSocket.Failure.malformed("a chunk: \(line)") }
        pending += try socket.receive(count: size)
        _ = try socket.receive(until: "\r\n")
    }
}
