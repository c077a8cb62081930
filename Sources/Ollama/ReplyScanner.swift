package import APIs
internal import JSON

/// Reads one object of Ollama's reply to a chat: a line of a stream, a whole reply, or an error.
///
/// Checks all bytes in one pass, and allocates nothing except the text of an error. `null` counts as absent, and the
/// last of several members with the same name counts, as in Go. Usable on any thread. Source: Ollama's docs/api.md,
/// "Generate a chat completion"; RFC 8259.
package struct ReplyScanner {
    /// The content of the object. Ranges refer to the bytes given to `scan`; the range of a JSON string excludes its
    /// quotes.
    package struct Fields: Equatable, Sendable {
        /// `message.content`. It is valid UTF-8, and the text itself if it has no escapes; `appendUnescaped` resolves
        /// escapes.
        package var content: Range<Int>
        /// `done_reason`, such as `stop` or `length`.
        package var doneReason: Range<Int>?
        /// `message.thinking`, without its quotes; `nil` when it is empty.
        package var thinking: Range<Int>?
        /// The array `message.tool_calls`, including its brackets. It may be empty.
        package var toolCalls: Range<Int>?
        /// `prompt_eval_count` and `eval_count`: tokens of the prompt and of the whole answer, in its last object.
        package var usage: TokenUsage
        /// The member `message`, its name and value, without a comma. Empty in a last object that has none.
        package var messageMember: Range<Int>
        // These two must be last: then the tag of `Outcome` is in a byte that is always set, not in padding.
        /// Whether there are escapes in `content`.
        package var contentHasEscapes: Bool
        /// Whether this is the last object of the reply.
        package var done: Bool

        package init(
            content: Range<Int>, doneReason: Range<Int>? = nil, thinking: Range<Int>? = nil,
            toolCalls: Range<Int>? = nil, usage: TokenUsage = TokenUsage(), messageMember: Range<Int>,
            contentHasEscapes: Bool,
            done: Bool
        ) {
            self.content = content
            self.doneReason = doneReason
            self.thinking = thinking
            self.toolCalls = toolCalls
            self.usage = usage
            self.messageMember = messageMember
            self.contentHasEscapes = contentHasEscapes
            self.done = done
        }
    }

    /// The result of scanning the bytes.
    package enum Outcome: Equatable, Sendable {
        /// Part of an answer, or a whole answer.
        case message(Fields)
        /// Ollama reports this error.
        case error(ReportedError)
        /// Not part of an answer, or not JSON.
        case malformed
    }

    private var reader: JSONReader
    private var content: JSONReader.Text?
    private var messageMember: Range<Int>?
    private var done: Bool?
    private var doneReason: Range<Int>?
    private var thinking = 0..<0
    private var toolCalls: Range<Int>?
    private var usage = TokenUsage()
    private var error: Range<Int>?

    private init(_ bytes: UnsafeRawBufferPointer) { reader = unsafe JSONReader(bytes, allowsHalfPairs: true) }

    /// Reads `bytes`, which must hold exactly one object; white space around it is allowed.
    package static func scan(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var scanner = unsafe ReplyScanner(bytes)
        do throws(JSONReader.Malformed) {
            try scanner.reply()
            try scanner.reader.end()
        } catch {
            return .malformed
        }
        return scanner.outcome
    }

    private var outcome: Outcome {
        if let error {
            return unsafe .error(ReportedError(UnsafeRawBufferPointer(rebasing: reader.bytes[error])))
        }
        let done = done ?? (doneReason?.isEmpty == false)  // some proxies leave `done` out
        if messageMember == nil && !done { return .malformed }
        return .message(
            Fields(
                content: content?.range ?? 0..<0, doneReason: doneReason, thinking: thinking.isEmpty ? nil : thinking,
                toolCalls: toolCalls, usage: usage, messageMember: messageMember ?? 0..<0,
                contentHasEscapes: content?.hasEscapes ?? false, done: done))
    }

    private mutating func reply() throws(JSONReader.Malformed) {
        try reader.begin("{")
        var isFirst = true
        while let name = try reader.nextName(isFirst: &isFirst) {
            if reader.matches(name, "message") {
                guard try !skipNull() else { continue }
                try message()
                messageMember = (name.range.lowerBound - 1)..<reader.position
            } else if reader.matches(name, "done") {
                if try !skipNull() { done = try reader.boolean() }
            } else if reader.matches(name, "done_reason") {
                if try !skipNull() { doneReason = try reader.string().range }
            } else if reader.matches(name, "eval_count") {
                usage.output = try reader.count()
            } else if reader.matches(name, "prompt_eval_count") {
                usage.input = try reader.count()
            } else if reader.matches(name, "error") {
                if try !skipNull() { error = try reader.skipped() }
                if let range = error, range.count == 2, unsafe reader.bytes[range.lowerBound] == 0x22 { error = nil }
            } else {
                try reader.skipValue()
            }
        }
    }

    /// Skips `null`, which counts as absent. Returns whether there was one.
    @inline(__always) private mutating func skipNull() throws(JSONReader.Malformed) -> Bool {
        guard try reader.peek() == UInt8(ascii: "n") else { return false }
        try reader.skipValue()
        return true
    }

    private mutating func message() throws(JSONReader.Malformed) {
        content = JSONReader.Text(range: 0..<0, hasEscapes: false)
        (thinking, toolCalls) = (0..<0, nil)
        try reader.begin("{")
        var isFirst = true
        while let name = try reader.nextName(isFirst: &isFirst) {
            if reader.matches(name, "content") {
                if try !skipNull() { content = try reader.string() }
            } else if reader.matches(name, "thinking") {
                if try !skipNull() { thinking = try reader.string().range }
            } else if reader.matches(name, "tool_calls") {
                guard try !skipNull() else { continue }
                guard try reader.kind() == .array else { throw JSONReader.Malformed() }
                toolCalls = try reader.skipped()
            } else {
                try reader.skipValue()
            }
        }
    }
}
