internal import APIs
internal import HTTPClient

/// Gives a receiver the body of an answer that is passed on, and reads along. Belongs to the loop's thread.
final class ForwardReader: BodySink {
    private let receiver: any ForwardReceiver
    private let head: ForwardedHead
    private let flow: BodyFlow
    /// Whether a model answers, so that there must be something.
    private let isAnswer: Bool
    private var scanner: StreamScanner
    private var format: StreamScanner.Format
    /// Set if the beginning of the body says what its format is: the API whose stream was asked for.
    private var unknownStream: API?
    /// For a whole answer that ends with the connection.
    private var balance: JSONBalance?
    private var state = State.waiting([])
    private var failure: OllamaError?
    private var heldBytes = 0

    private enum State {
        /// Too few bytes have come to know what they are; these.
        case waiting([UInt8])
        /// The answer is passed on.
        case passing
        /// An error came in place of an answer; these are its bytes so far.
        case refusing([UInt8])
    }

    /// Maximum bytes of an error.
    static let refusalLimit = 64 * 1024
    /// A line up to this length is not accounted for while it is kept.
    private static let freeBytes = 8192

    init(_ receiver: any ForwardReceiver, _ response: borrowing IncomingResponse, _ kind: ForwardedKind) {
        self.receiver = receiver
        head = ForwardedHead(response)
        flow = response.flow
        isAnswer = kind.isAnswer
        format =
            switch (kind, response.head.contentType) {
            case (.answer, .ndjson): .objects
            case (.answer, .events): .events
            default: .whole
            }
        if case .answer(let api, isStreamed: true) = kind, response.head.contentType == .other { unknownStream = api }
        if isAnswer, response.head.framing == .untilClose { balance = JSONBalance() }
        scanner = StreamScanner(format)
    }

    func receive(_ bytes: Span<UInt8>) {
        if failure != nil { return }
        if case .waiting(var start) = state {
            if start.isEmpty && bytes.count >= Self.startBytes {
                begin(bytes)
            } else {
                start.append(bytes)
                if mayBecomeError(start) {
                    state = .waiting(start)
                } else {
                    begin(start.span)
                    take(start.span)
                }
                return
            }
        }
        take(bytes)
    }

    /// The bytes at the beginning that say whether there is an answer, or an error in its place: `{"error": null`.
    private static let startBytes = 14

    /// Whether too few bytes have come to know. All else goes on at once: a host may begin with a short comment, and then
    /// think for long.
    private func mayBecomeError(_ start: [UInt8]) -> Bool {
        guard start.count < Self.startBytes, format != .events else { return false }
        if unknownStream != nil, start.allSatisfy({ $0 <= 0x20 }) { return true }
        return zip(start, "{\"error\":".utf8).allSatisfy { $0 == $1 }
    }

    private func take(_ bytes: Span<UInt8>) {
        if case .refusing(var body) = state {
            body.append(bytes)
            state = .refusing(body)
            if body.count > Self.refusalLimit { failure = .malformedResponse }
            return
        }
        let parts = scanner.parts
        guard scanner.read(bytes) else {
            failure = .lineTooLong(limit: StreamScanner.lineLimit)
            return
        }
        account()
        if format == .whole { balance?.read(bytes) }
        receiver.receive(bytes, parts: scanner.parts &- parts)
    }

    private func begin(_ bytes: Span<UInt8>) {
        if let api = unknownStream { findFormat(bytes, api) }
        if failure != nil { return }
        let isError = isError(bytes)
        state = isError ? .refusing([]) : .passing
        if !isError { receiver.begin(head, flow) }
    }

    /// The stream's type says nothing. What is neither an object nor an event is no answer.
    private func findFormat(_ bytes: Span<UInt8>, _ api: API) {
        switch unsafe bytes.withUnsafeBytes({ unsafe $0.first { $0 > 0x20 } }) {
        case UInt8(ascii: "{"): format = api == .ollama ? .objects : .whole
        // `data`, `event`, `id`, `retry`, or a comment.
        case UInt8(ascii: "d"), UInt8(ascii: "e"), UInt8(ascii: "i"), UInt8(ascii: "r"), UInt8(ascii: ":"):
            format = .events
        default: failure = .malformedResponse
        }
        scanner = StreamScanner(format)
    }

    /// Whether an error comes in place of an answer, so that another host may answer.
    private func isError(_ bytes: Span<UInt8>) -> Bool {
        guard format == .events else { return unsafe bytes.withUnsafeBytes { unsafe StreamScanner.isError($0) } }
        var scanner = scanner
        return scanner.read(bytes) && scanner.endsWithError
    }

    /// Accounts for the line that is kept until its end comes.
    private func account() {
        let held = scanner.heldBytes > Self.freeBytes ? scanner.heldBytes : 0
        guard held != heldBytes else { return }
        heldBytes = held
        if !receiver.mayHold(held) { failure = .transport(.noRoom) }
    }

    func endRead() -> BodyDemand {
        if failure != nil {
            _ = receiver.endRead()  // what came before it
            return .stop
        }
        guard case .passing = state else { return .more }
        guard receiver.endRead() else { return .pause }
        return isMarkedAsComplete ? .end : .more
    }

    /// Whether the end of the answer has come, even if that of the HTTP message has not. A message that says its length is
    /// not complete before.
    var isMarkedAsComplete: Bool {
        format != .whole && scanner.isComplete && failure == nil && head.length == nil
    }

    /// The tokens of the answer, if it says how many.
    var usage: TokenUsage { scanner.usage }

    /// The words of an error that came in place of an answer.
    private static func message(_ body: [UInt8], isEvents: Bool) -> String {
        var body = body
        if isEvents {
            let lines = body.split(separator: 0x0A)
            body = lines.first { $0.starts(with: "data:".utf8) }.map { Array($0.dropFirst("data:".utf8.count)) } ?? []
        }
        return unsafe body.withUnsafeBytes { bytes in
            unsafe isEvents ? ReportedError(openAI: bytes) : ReportedError(body: bytes)
        }?.message ?? ""
    }

    /// Called when the body has ended. Throws if the answer is not complete, or ends with an error.
    func end() throws(OllamaError) {
        if let failure { throw failure }
        if case .waiting(let start) = state {
            if isAnswer && start.isEmpty { throw .incomplete }
            begin(start.span)
            take(start.span)
            _ = receiver.endRead()
            if let failure { throw failure }
        }
        if case .refusing(let body) = state {
            receiver.refuse(head, body, isWhole: true)
            throw .failed(message: Self.message(body, isEvents: format == .events))
        }
        scanner.end()
        account()
        if !scanner.isComplete { throw .incomplete }
        if format == .whole, let balance, !balance.isClosed { throw .incomplete }
        receiver.end()
        if scanner.endsWithError { throw .failed(message: "the answer ends with an error") }
    }
}
