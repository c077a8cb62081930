import EventLoop
import HTTPClient

/// Ollama's reply to a chat that is not streamed.
struct WholeReply {
    private let head: ResponseHead
    private let content: Content

    /// What the body says.
    fileprivate enum Content: Sendable {
        case message(content: [UInt8], isDone: Bool)
        case error(String)
        case garbage
    }

    /// Reads the body. A short one that comes in one piece is looked at where it lies; a long one is decoded by Dispatch.
    init(reading response: borrowing IncomingResponse, work: WorkQueue) async throws(ClientError) {
        head = response.head
        var expected: Int?
        if case .length(let length) = response.head.framing { expected = length }
        var body: [UInt8] = []
        var content: Content?
        while true {
            let piece: Void? = try await response.nextPiece { piece throws(ClientError) in
                if piece.count == expected && piece.count <= WorkQueue.batchLimit {
                    content = Content(piece)
                } else if body.count + piece.count <= OllamaClient.replyLimit {
                    body.append(contentsOf: piece)
                } else {
                    throw .tooLarge(limit: OllamaClient.replyLimit)
                }
            }
            if piece == nil { break }
        }
        if let content {
            self.content = content
        } else if body.count <= WorkQueue.batchLimit {
            self.content = body.withUnsafeBytes(Content.init)
        } else {
            self.content = await work.run(weight: body.count) { [body] in body.withUnsafeBytes(Content.init) }
        }
    }

    /// The answer's text.
    func answer() throws(OllamaError) -> [UInt8] {
        switch content {
        case .error(let message) where head.status == 200: throw .failed(message: message)
        case .error(let message): throw .refused(status: head.status, message: message, retryAfter: head.retryAfter)
        case _ where head.status != 200: throw .refused(status: head.status, message: "", retryAfter: head.retryAfter)
        case .message(let content, isDone: true): return content
        case .message(_, isDone: false): throw .incomplete
        case .garbage: throw .garbled
        }
    }
}

extension WholeReply.Content {
    fileprivate init(_ bytes: UnsafeRawBufferPointer) {
        switch ReplyScanner.scan(bytes) {
        case .message(let fields):
            var content: [UInt8] = []
            let raw = UnsafeRawBufferPointer(rebasing: bytes[fields.content])
            if fields.contentHasEscapes {
                guard ReplyScanner.appendUnescaped(raw, to: &content) else {
                    self = .garbage
                    return
                }
            } else {
                content.append(contentsOf: raw)
            }
            self = .message(content: content, isDone: fields.done)
        case .error(let message):
            self = .error(message)
        case .unsure:
            self.init(decoding: bytes)
        }
    }

    /// By Foundation, for what the scanner does not know.
    private init(decoding bytes: UnsafeRawBufferPointer) {
        guard let reply = ReplyDecoder.decode(bytes) else {
            self = .garbage
            return
        }
        if let error = reply.error {
            self = .error(error)
        } else if let content = reply.content {
            self = .message(content: Array(content.utf8), isDone: reply.done)
        } else {
            self = .garbage
        }
    }
}
