internal import Glibc
package import HTTPClient

/// Receives the parts of a streamed reply. Belongs to the loop's thread; its methods are called inside a read's
/// callback.
package protocol ChatReceiver: AnswerMemory {
    /// The reply has begun. `flow` resumes it after a pause.
    func begin(_ flow: BodyFlow)

    /// Receives the next part. The last one has `isDone` set.
    ///
    /// - Throws: an error if the receiver wants no more parts.
    func receive(_ part: borrowing ChatPart) throws(OllamaError)

    /// Called after all parts of one read were given, so that the receiver can send its results.
    ///
    /// - Returns: whether the receiver can take more now. If not, the reply pauses until `BodyFlow.resume` is called.
    func endRead() -> Bool
}

/// Turns the lines of another API's stream into parts of Ollama's form. Belongs to the loop's thread.
package protocol LineTranslator: AnyObject {
    /// Reads a line, without its line feed, and passes its parts on.
    func read(_ line: UnsafeRawBufferPointer, to reader: ChatReader) throws(OllamaError)

    /// Called when the body has ended before the last part was passed on.
    func end(_ reader: ChatReader) throws(OllamaError)
}

/// Splits a streamed reply into lines, and reads them. Belongs to the loop's thread.
///
/// This is on the path of every token: a line that arrives in one piece is read in place, without copying or
/// allocating. Source: Ollama's docs/api.md, "Generate a chat completion", streamed.
package final class ChatReader: BodySink {
    private let receiver: any ChatReceiver
    private let translator: (any LineTranslator)?
    /// The start of a line whose end has not arrived yet.
    private var partial: [UInt8] = []
    /// Whether a part has come. Some proxies leave the message out of the last object, but not out of the only one.
    private var hasParts = false
    private var isDone = false
    private var failure: OllamaError?
    private var translatedBytes = 0
    private var accountedBytes = 0

    /// - Parameter translator: `nil` for Ollama's own API.
    package init(_ receiver: any ChatReceiver, translator: (any LineTranslator)? = nil) {
        self.receiver = receiver
        self.translator = translator
    }

    package func receive(_ bytes: Span<UInt8>) { unsafe bytes.withUnsafeBytes { unsafe read($0) } }

    private func read(_ bytes: UnsafeRawBufferPointer) {
        var rest = unsafe bytes
        while let end = unsafe Self.lineEnd(in: rest), failure == nil {
            let piece = unsafe UnsafeRawBufferPointer(rebasing: rest[..<end])
            unsafe rest = unsafe UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
            if partial.isEmpty {
                unsafe take(piece)
            } else if unsafe keep(piece) {
                takePartial()
            }
        }
        if unsafe !rest.isEmpty { _ = unsafe keep(rest) }
    }

    package func endRead() -> BodyDemand {
        let mayGoOn = receiver.endRead()
        if failure != nil { return .stop }
        return isDone ? .end : mayGoOn ? .more : .pause
    }

    /// Returns the index of the next line feed.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress, let end = unsafe memchr(start, 0x0A, bytes.count) else { return nil }
        return unsafe start.distance(to: end)
    }

    /// A partial line up to this length is not accounted for.
    private static let freeBytes = 8192

    /// Appends to the partial line. Returns false if the line is too long or no more is wanted.
    private func keep(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard failure == nil, !isDone else { return false }
        guard partial.count + bytes.count <= OllamaClient.lineLimit else {
            partial = []
            failure = .lineTooLong(limit: OllamaClient.lineLimit)
            return false
        }
        let count = partial.count + bytes.count
        guard account(count) else {
            partial = []
            failure = .transport(.noRoom)
            return false
        }
        unsafe partial.append(contentsOf: bytes)
        return true
    }

    /// Accounts for a partial line of `count` bytes, and for what the translator holds.
    private func account(_ count: Int) -> Bool {
        let held = count + translatedBytes
        let counts = held > Self.freeBytes ? held : 0
        guard counts != accountedBytes else { return true }
        accountedBytes = counts
        return receiver.mayHold(counts)
    }

    /// Accounts for what the translator holds.
    package func hold(_ count: Int) throws(OllamaError) {
        translatedBytes = count
        if !account(partial.count) { throw .transport(.noRoom) }
    }

    private func takePartial() {
        unsafe partial.withUnsafeBytes(take)
        _ = account(0)
        // Keeps the memory for the next line if it is small, as for a token; frees it if it is large, as for a tool
        // call.
        partial.removeAll(keepingCapacity: partial.capacity <= 4096)
    }

    private func take(_ line: UnsafeRawBufferPointer) {
        guard !isDone else { return }  // ignore everything after the end
        if let translator { return unsafe translate(line, translator) }
        switch unsafe ReplyScanner.scan(line) {
        case .message(let fields) where fields.messageMember.isEmpty && !hasParts: failure = .malformedResponse
        case .message(let fields): unsafe pass(ChatPart(line, fields))
        case .error(let error): failure = .failed(message: error.message)
        case .malformed where unsafe line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }): break  // a blank line
        case .malformed: failure = .malformedResponse
        }
    }

    private func translate(_ line: UnsafeRawBufferPointer, _ translator: any LineTranslator) {
        do throws(OllamaError) {
            try unsafe translator.read(line, to: self)
        } catch {
            failure = error
        }
    }

    /// Gives the receiver a part.
    package func pass(_ part: consuming ChatPart) {
        guard failure == nil else { return }
        do throws(OllamaError) {
            try receiver.receive(part)
            isDone = part.isDone
            hasParts = true
        } catch {
            failure = error
        }
    }

    /// Called when the body has ended. Throws if the answer is not complete.
    package func end() throws(OllamaError) {
        if !partial.isEmpty && failure == nil && !isDone {  // one object without a line end, as for an empty chat
            takePartial()
            _ = receiver.endRead()
        }
        if let failure { throw failure }
        if !isDone, let translator {
            try translator.end(self)
            _ = receiver.endRead()
            if let failure { throw failure }
        }
        if !isDone { throw .incomplete }
    }

    /// Whether the answer is complete, even if the body was cut.
    package var isComplete: Bool { isDone && failure == nil }
}
