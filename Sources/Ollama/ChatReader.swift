internal import Glibc
public import HTTPClient

/// Who gets the parts of a streamed reply. Belongs to the loop's thread; called inside a read's callback.
public protocol ChatReceiver: AnyObject {
    /// The reply has begun. `flow` lets it go on after a pause.
    func begin(_ flow: BodyFlow)

    /// The next part. The one that `isDone` is the last.
    ///
    /// - Throws: why the receiver wants no more.
    func receive(_ part: borrowing ChatPart) throws(OllamaError)

    /// All parts of one read were given: the moment to send what was made of them.
    ///
    /// - Returns: whether more may come now; if not, `BodyFlow.resume` says when.
    func settle() -> Bool
}

/// Cuts a streamed reply into its lines, and reads them. Belongs to the loop's thread.
///
/// The token path: a line that came in one piece is read where it lies, with nothing copied and nothing allocated.
/// Source: Ollama's docs/api.md, "Generate a chat completion", streamed.
final class ChatReader: BodySink {
    private let receiver: any ChatReceiver
    /// The start of a line whose end has not come.
    private var partial: [UInt8] = []
    private var isDone = false
    private var failure: OllamaError?

    init(_ receiver: any ChatReceiver) { self.receiver = receiver }

    func receive(_ bytes: UnsafeRawBufferPointer) {
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

    func settle() -> BodyDemand {
        let mayGoOn = receiver.settle()
        if failure != nil { return .stop }
        return isDone ? .end : mayGoOn ? .more : .pause
    }

    /// Where the next line feed is.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress, let end = unsafe memchr(start, 0x0A, bytes.count) else { return nil }
        return unsafe start.distance(to: end)
    }

    /// Adds to the partial line. False: it is too long.
    private func keep(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard failure == nil, !isDone else { return false }
        guard partial.count + bytes.count <= OllamaClient.lineLimit else {
            partial = []
            failure = .lineTooLong(limit: OllamaClient.lineLimit)
            return false
        }
        unsafe partial.append(contentsOf: bytes)
        return true
    }

    private func takePartial() {
        unsafe partial.withUnsafeBytes(take)
        // A token's worth of memory is kept for the next line, a tool call's is not.
        partial.removeAll(keepingCapacity: partial.capacity <= 4096)
    }

    private func take(_ line: UnsafeRawBufferPointer) {
        guard !isDone else { return }  // nothing that comes after the end counts
        switch unsafe ReplyScanner.scan(line) {
        case .message(let fields): unsafe pass(ChatPart(line, fields, original: line))
        case .error(let message): failure = .failed(message: message)
        case .unsure: unsafe takeUnsure(line)
        }
    }

    private func pass(_ part: consuming ChatPart) {
        do throws(OllamaError) {
            try receiver.receive(part)
            isDone = part.isDone
        } catch {
            failure = error
        }
    }

    /// What the scanner does not understand: nothing, an odd object, or garbage.
    private func takeUnsure(_ line: UnsafeRawBufferPointer) {
        if unsafe line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { return }
        guard let reply = unsafe ReplyDecoder.decode(line) else {
            failure = .malformedResponse
            return
        }
        if let message = reply.error {
            failure = .failed(message: message)
            return
        }
        unsafe reply.plain?.withUnsafeBytes { plain in
            if case .message(let fields) = unsafe ReplyScanner.scan(plain) {
                unsafe pass(ChatPart(plain, fields, original: line))
            }
        }
        if reply.plain == nil { failure = .malformedResponse }
    }

    /// The body is over: whether the answer is whole.
    func end() throws(OllamaError) {
        if !partial.isEmpty && failure == nil && !isDone {  // one object without a line end, as for an empty chat
            takePartial()
            _ = receiver.settle()
        }
        if let failure { throw failure }
        if !isDone { throw .incomplete }
    }

    /// The body was cut: whether the answer is whole all the same.
    var isComplete: Bool { isDone && failure == nil }
}
