internal import APIs
internal import Glibc
internal import JSON
internal import Ollama

/// Writes Ollama's objects, one at a time, and knows where their parts are. Source: Ollama's docs/api, "Generate a chat
/// completion", "Generate a completion".
struct ObjectWriter {
    private let shape: ObjectShape
    /// The last object.
    private(set) var bytes: [UInt8] = []
    private(set) var fields = ReplyScanner.Fields(
        content: 0..<0, messageMember: 0..<0, contentHasEscapes: false, done: false)
    /// What all objects of an answer begin with.
    private var head: [UInt8] = []

    init(_ shape: ObjectShape) { self.shape = shape }

    /// How an answer has ended.
    struct End {
        /// A JSON string in its quotes; `nil` if it is not known.
        var reason: [UInt8]?
        var promptTokens, tokens: Int?
        var total: Duration?
        /// Until the first token, and from there on; `nil` if it is not known.
        var promptTime, answerTime: Duration?
    }

    /// Must be called before the first object.
    ///
    /// - Parameters:
    ///   - model: the inside of a JSON string.
    ///   - created: in seconds since 1970.
    mutating func begin(model: some Collection<UInt8>, created: Int) {
        var writer = JSONWriter()
        writer.put("{\"model\":\"")
        writer.put("", JSONValue(Array(model)))
        writer.put("\",\"created_at\":\"")
        writer.put(raw: Self.text(created))
        writer.put("\",")
        head = writer.bytes
    }

    var hasBegun: Bool { !head.isEmpty }

    /// - Parameters:
    ///   - content: the inside of a JSON string.
    ///   - thinking: the same; empty: there is none.
    ///   - toolCalls: Ollama's array of them.
    ///   - logprobs: the array of the tokens' probabilities.
    ///   - end: `nil` if this is not the last object.
    mutating func write(
        content: UnsafeRawBufferPointer, hasEscapes: Bool, thinking: UnsafeRawBufferPointer, toolCalls: [UInt8]? = nil,
        logprobs: UnsafeRawBufferPointer? = nil, end: End? = nil
    ) {
        bytes.removeAll(keepingCapacity: bytes.capacity <= 65_536)
        bytes += head
        let member = bytes.count
        put(shape == .chat ? "\"message\":{\"role\":\"assistant\",\"content\":\"" : "\"response\":\"")
        let contentRange = unsafe put(content)
        put("\"")
        var thinkingRange: Range<Int>?
        if unsafe !thinking.isEmpty {
            put(",\"thinking\":\"")
            thinkingRange = unsafe put(thinking)
            put("\"")
        }
        var callsRange: Range<Int>?
        if let toolCalls {
            put(",\"tool_calls\":")
            callsRange = unsafe toolCalls.withUnsafeBytes { unsafe put($0) }
        }
        if shape == .chat { put("}") }
        fields = ReplyScanner.Fields(
            content: contentRange, thinking: thinkingRange, toolCalls: callsRange,
            usage: TokenUsage(input: end?.promptTokens, output: end?.tokens),
            messageMember: member..<bytes.count, contentHasEscapes: hasEscapes, done: end != nil)
        if let logprobs = unsafe logprobs, unsafe !logprobs.isEmpty {
            put(",\"logprobs\":")
            _ = unsafe put(logprobs)
        }
        if let end {
            fields.doneReason = put(end)
        } else {
            put(",\"done\":false}")
        }
    }

    /// Appends the end of a last object. Returns where the reason is, without its quotes.
    private mutating func put(_ end: End) -> Range<Int>? {
        put(",\"done\":true")
        var reason: Range<Int>?
        if let text = end.reason {
            put(",\"done_reason\":")
            reason = (bytes.count + 1)..<(bytes.count + text.count - 1)
            bytes += text
        }
        put(",\"total_duration\":", end.total?.inNanoseconds)
        put(",\"prompt_eval_count\":", end.promptTokens)
        put(",\"prompt_eval_duration\":", end.promptTime?.inNanoseconds)
        put(",\"eval_count\":", end.tokens)
        put(",\"eval_duration\":", end.answerTime?.inNanoseconds)
        put("}")
        return reason
    }

    private mutating func put(_ name: StaticString, _ number: Int?) {
        guard let number else { return }
        put(name)
        bytes += "\(number)".utf8
    }

    private mutating func put(_ json: StaticString) {
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: json.utf8Start, count: json.utf8CodeUnitCount))
    }

    private mutating func put(_ json: UnsafeRawBufferPointer) -> Range<Int> {
        let start = bytes.count
        unsafe bytes.append(contentsOf: json)
        return start..<bytes.count
    }

    /// A time as RFC 3339 has it, in UTC.
    private static func text(_ seconds: Int) -> String {
        var time = time_t(seconds)
        var parts = unsafe tm()
        guard unsafe gmtime_r(&time, &parts) != nil else { return "" }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 40) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            let count = unsafe strftime(start, buffer.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
            return unsafe String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
        }
    }
}

extension Duration {
    var inNanoseconds: Int {
        Int(components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000)
    }
}
