import JSON
import EventLoop
import HTTPClient
import Ollama

/// Reads one answer as it arrives, finds its tokens, and checks it at its end. Belongs to one request.
struct AnswerReader {
    /// The form in which an answer is requested and arrives.
    enum Form: Sendable, CaseIterable {
        /// As one whole response.
        case whole
        /// As server-sent events, one for each token.
        case events
        /// As text, in pieces; each chunk counts as a token.
        case text
    }

    /// The most bytes of an answer that are kept for comparison.
    private static let answerLimit = 64 << 20
    /// The most bytes of an error text that are kept.
    private static let exampleLimit = 200

    private let form: Form
    private let status: Int
    private let expected: [UInt8]?
    private var events = EventReader()
    private var text: [UInt8] = []
    private var isDone = false
    private var failure: LoadFailure?
    /// What the server said about its failure.
    private(set) var example = ""
    /// The number of tokens so far.
    private(set) var tokens = 0

    /// - Parameter expected: what the answer must contain; `nil` for anything.
    init(_ form: Form, status: Int, expected: [UInt8]?) {
        self.form = form
        self.status = status
        self.expected = expected
    }

    /// Takes the next piece of the body. Calls `token` for each token in it.
    mutating func take(_ bytes: Span<UInt8>, _ token: () -> Void) {
        guard status == 200 else {
            text.append(bytes.extracting(first: Self.exampleLimit - text.count))
            return
        }
        switch form {
        case .whole: keep(bytes)
        case .text:
            tokens += 1
            token()
            keep(bytes)
        case .events:
            var reader = EventReader()
            swap(&reader, &events)
            let isWell = unsafe bytes.withUnsafeBytes { bytes in
                unsafe reader.read(bytes) { unsafe take(event: $0, $1, token) }
            }
            swap(&reader, &events)
            if !isWell { fail(.tooLong) }
        }
    }

    private mutating func keep(_ bytes: Span<UInt8>) {
        guard expected != nil else { return }
        text.append(bytes)
        if text.count > Self.answerLimit { fail(.tooLong) }
    }

    private mutating func take(event name: String, _ data: UnsafeRawBufferPointer, _ token: () -> Void) {
        switch name {
        case "", "message":
            guard let content = unsafe Self.string("content", in: data) else {
                return fail(.answerFailed, "no content in an event")
            }
            if unsafe content.isEmpty { return }
            tokens += 1
            token()
            guard expected != nil, text.count <= Self.answerLimit else { return }
            _ = unsafe JSONString.appendUnescaped(content, to: &text)
        case "done": isDone = true
        case "error":
            let message = unsafe Self.string("error", in: data).map { unsafe String(decoding: $0, as: UTF8.self) }
            fail(.answerFailed, message ?? "")
        default: break
        }
    }

    private mutating func fail(_ failure: LoadFailure, _ example: String = "") {
        guard self.failure == nil else { return }
        self.failure = failure
        self.example = example
    }

    /// Checks the answer after the body has ended properly.
    ///
    /// - Returns: what is wrong with the answer; `nil` if it is right.
    mutating func end() -> LoadFailure? {
        guard status == 200 else {
            example = String(decoding: text, as: UTF8.self)
            return text.isEmpty ? .bareStatus(status) : .status(status)
        }
        if let failure { return failure }
        if form == .events, !isDone {
            example = "the stream ended without the event that says it is done"
            return .cut
        }
        if let expected, !expected.isEmpty, !text.contains(expected) {
            example = String(decoding: text.prefix(Self.exampleLimit), as: UTF8.self)
            return .unexpected
        }
        return nil
    }

    /// The content of the string `name` in the JSON object `json`; `nil` if there is none.
    private static func string(_ name: StaticString, in json: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        var reader = unsafe JSONReader(json), isFirst = true
        var found: JSONReader.Text?
        do throws(JSONReader.Malformed) {
            try reader.begin("{")
            while let field = try reader.nextName(isFirst: &isFirst) {
                if reader.matches(field, name), try reader.peek() == UInt8(ascii: "\"") {
                    found = try reader.string()
                } else {
                    try reader.skipValue()
                }
            }
            try reader.end()
        } catch {
            return nil
        }
        return unsafe found.map { unsafe UnsafeRawBufferPointer(rebasing: json[$0.range]) }
    }
}
