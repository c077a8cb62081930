internal import APIs
internal import Glibc
internal import HTTPClient

/// Gives a receiver the body of an answer that is passed on, and reads along. Belongs to the loop's thread.
final class ForwardReader: BodySink {
    private let receiver: any ForwardReceiver
    private let head: ForwardedHead
    private let flow: BodyFlow
    /// Whether a model answers, so that there must be something.
    private let isAnswer: Bool
    private var scanner: StreamScanner
    private let format: StreamScanner.Format
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

    /// - Parameter hasMarker: whether a complete stream has its API's marker.
    init(_ receiver: any ForwardReceiver, _ response: borrowing IncomingResponse, hasMarker: Bool) {
        self.receiver = receiver
        head = ForwardedHead(response)
        flow = response.flow
        isAnswer = hasMarker
        format =
            switch response.head.contentType {
            case .ndjson where hasMarker: .objects
            case .events where hasMarker: .events
            default: .whole
            }
        scanner = StreamScanner(format)
    }

    func receive(_ bytes: Span<UInt8>) {
        if failure != nil { return }
        if case .waiting(var start) = state {
            if start.isEmpty && bytes.count >= Self.errorStart.utf8CodeUnitCount {
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

    private func take(_ bytes: Span<UInt8>) {
        if case .refusing(var body) = state {
            body.append(bytes)
            state = .refusing(body)
            if body.count > Self.refusalLimit { failure = .malformedResponse }
            return
        }
        guard scanner.read(bytes) else {
            failure = .lineTooLong(limit: StreamScanner.lineLimit)
            return
        }
        account()
        receiver.receive(bytes)
    }

    /// How an error begins that comes in place of an answer.
    private static let errorStart: StaticString = "{\"error\":"

    /// Whether so few bytes have come that they may be the beginning of an error.
    private func mayBecomeError(_ start: [UInt8]) -> Bool {
        let count = Self.errorStart.utf8CodeUnitCount
        guard format != .events, start.count < count else { return false }
        return unsafe memcmp(start, Self.errorStart.utf8Start, start.count) == 0
    }

    private func begin(_ bytes: Span<UInt8>) {
        let startsAsError = unsafe bytes.withUnsafeBytes { unsafe Self.isError($0) }
        let isError = startsAsError && format != .events
        state = isError ? .refusing([]) : .passing
        if !isError { receiver.begin(head, flow) }
    }

    private static func isError(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let count = errorStart.utf8CodeUnitCount
        guard bytes.count >= count, let base = bytes.baseAddress else { return false }
        return unsafe memcmp(base, errorStart.utf8Start, count) == 0
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

    /// Called when the body has ended. Throws if the answer is not complete, or ends with an error.
    func end() throws(OllamaError) {
        if let failure { throw failure }
        if case .waiting(let start) = state {
            if isAnswer { throw start.isEmpty ? .incomplete : .malformedResponse }
            receiver.begin(head, flow)
            receiver.receive(start.span)
            _ = receiver.endRead()
        }
        if case .refusing(let body) = state {
            receiver.refuse(head, body, isWhole: true)
            throw .failed(message: unsafe body.withUnsafeBytes { unsafe ReportedError(body: $0) }?.message ?? "")
        }
        scanner.end()
        account()
        if !scanner.isComplete { throw .incomplete }
        receiver.end()
        if scanner.endsWithError { throw .failed(message: "the answer ends with an error") }
    }
}
