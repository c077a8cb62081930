package import APIs
internal import JSON
package import EventLoop
package import HTTPClient

/// The form in which a whole reply is returned.
package enum WholeForm: Sendable {
    /// The answer's text.
    case text
    /// Ollama's object, unchanged.
    case object
}

/// A complete answer.
package struct WholeAnswer: Sendable {
    /// The answer in the requested form.
    package var bytes: [UInt8]
    /// The tokens, as far as Ollama says it.
    package var usage: TokenUsage

    package init(bytes: [UInt8], usage: TokenUsage) {
        self.bytes = bytes
        self.usage = usage
    }
}

/// Ollama's reply to a chat that is not streamed.
package struct WholeReply {
    /// Turns a whole reply of another API into Ollama's form; `nil` if it is no answer. Usable on any thread.
    package typealias Translation = @Sendable (Span<UInt8>) throws(OllamaError) -> StoredPart?

    private let head: ResponseHead
    private let content: Content

    /// The content of the body. Indirect, so that it is one word, which is always fully initialised before it is read
    /// (valgrind checks this).
    fileprivate indirect enum Content: Sendable {
        /// The answer's `bytes` have the requested form.
        case message(WholeAnswer, isDone: Bool)
        /// A message that cannot be returned as text.
        case toolCalls
        /// The model used all its tokens for thinking, which text does not show.
        case onlyThinking
        case error(ReportedError)
        case failed(OllamaError)
        case garbage
    }

    /// Reads the body. A short body that arrives in one piece is read in place; a long one is decoded on a Dispatch
    /// thread.
    ///
    /// - Parameter translation: `nil` for Ollama's own API.
    package init(
        reading response: borrowing IncomingResponse, as form: WholeForm, in memory: (any AnswerMemory)?,
        work: WorkQueue, translation: Translation? = nil
    ) async throws(ClientError) {
        head = response.head
        guard head.status == 200 else {
            let body = try await response.refusal(upTo: WorkQueue.batchLimit).body
            content = unsafe body.withUnsafeBytes { unsafe Content(refusal: $0, isTranslated: translation != nil) }
            return
        }
        try response.requirePlainBody()
        var expected = -1  // bytes; if the length is unknown, no piece counts as the whole body
        if case .length(let length) = response.head.framing { expected = length }
        var body: [UInt8] = []
        var content: Content?
        while true {
            let piece: Void? = try await response.nextPiece { piece throws(ClientError) in
                if piece.count == expected && piece.count <= WorkQueue.batchLimit {
                    content = unsafe piece.withUnsafeBytes { unsafe Content($0, form, translation) }
                } else {
                    let count = body.count + piece.count
                    guard count <= OllamaClient.replyLimit else { throw .tooLarge(limit: OllamaClient.replyLimit) }
                    // The answer is made while the body is still there.
                    guard memory?.mayHold(2 * count) ?? true else { throw .noRoom }
                    body.append(piece)
                }
            }
            if piece == nil { break }
        }
        if let content {
            self.content = content
        } else if body.count <= WorkQueue.batchLimit {
            self.content = unsafe body.withUnsafeBytes { unsafe Content($0, form, translation) }
        } else {
            self.content = await work.run(weight: body.count) { [body] in
                unsafe body.withUnsafeBytes { unsafe Content($0, form, translation) }
            }
        }
    }

    /// Returns the answer in the requested form.
    package func answer() throws(OllamaError) -> WholeAnswer {
        switch content {
        case .error(let error) where head.status == 200: throw .failed(message: error.message)
        case .error(let error): throw .refused(head, error)
        case _ where head.status != 200: throw .refused(status: head.status, message: "", retryAfter: head.retryAfter)
        case .message(_, isDone: false): throw .incomplete
        case .message(let answer, isDone: true): return answer
        case .toolCalls: throw .toolCalls
        case .onlyThinking: throw .onlyThinking
        case .failed(let error): throw error
        case .garbage: throw .malformedResponse
        }
    }
}

extension WholeReply.Content {
    fileprivate init(refusal bytes: UnsafeRawBufferPointer, isTranslated: Bool) {
        let error =
            unsafe isTranslated ? ReportedError(openAI: bytes) : ReportedError(body: bytes)
        self = error.map { .error($0) } ?? .garbage
    }

    fileprivate init(
        _ bytes: UnsafeRawBufferPointer, _ form: WholeForm, _ translation: WholeReply.Translation?
    ) {
        guard let translation else {
            unsafe self.init(bytes, form)
            return
        }
        do throws(OllamaError) {
            if let reply = unsafe try translation(bytes.bindMemory(to: UInt8.self).span) {
                self = reply.withPart { Self($0, form) }
            } else {
                self = unsafe ReportedError(openAI: bytes).map { .error($0) } ?? .garbage
            }
        } catch {
            self = .failed(error)
        }
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ form: WholeForm) {
        switch unsafe ReplyScanner.scan(bytes) {
        case .message(let fields) where fields.messageMember.isEmpty: self = .garbage
        case .message(let fields): unsafe self.init(ChatPart(bytes, fields), form)
        case .error(let error): self = .error(error)
        case .malformed: self = .garbage
        }
    }

    private init(_ part: borrowing ChatPart, _ form: WholeForm) {
        var output: [UInt8] = []
        switch form {
        case .text where part.hasToolCalls:
            self = .toolCalls
            return
        case .text where part.isCutByLength && part.hasThinking && !part.hasContent:
            self = .onlyThinking
            return
        case .text:
            var halves = HalfPairs()
            part.appendText(to: &output, after: &halves)
            JSONString.appendHalf(&halves.content, to: &output)
        case .object:
            var halves = HalfPairs()
            part.appendObject(to: &output, after: &halves)
        }
        self = .message(WholeAnswer(bytes: output, usage: part.usage), isDone: part.isDone)
    }
}
