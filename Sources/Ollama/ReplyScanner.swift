internal import JSON

/// Reads one object of Ollama's reply to a chat: a line of a stream, a whole reply, or an error.
///
/// Checks all bytes in one pass, and allocates nothing except the text of an error. If it does not fully understand an
/// object, it returns `unsure`, and `ReplyDecoder` must read the object. Usable on any thread. Source: Ollama's
/// docs/api.md, "Generate a chat completion"; RFC 8259.
package struct ReplyScanner {
    /// The content of the object. Ranges refer to the bytes given to `scan`; the range of a JSON string excludes its
    /// quotes.
    package struct Fields: Equatable, Sendable {
        /// `message.content`. It is valid UTF-8, and the text itself if it has no escapes; `appendUnescaped` resolves
        /// escapes.
        package var content: Range<Int>
        /// `done_reason`, such as `stop` or `length`. It never has escapes.
        package var doneReason: Range<Int>?
        /// `message.thinking`, without its quotes; `nil` when it is empty.
        package var thinking: Range<Int>?
        /// The array `message.tool_calls`, including its brackets. It may be empty.
        package var toolCalls: Range<Int>?
        /// `eval_count`: tokens of the whole answer, in its last object.
        package var tokens: Int?
        /// The member `message`, its name and value, without a comma.
        package var messageMember: Range<Int>
        // These two must be last: then the tag of `Outcome` is in a byte that is always set, not in padding.
        /// Whether there are escapes in `content`.
        package var contentHasEscapes: Bool
        /// Whether this is the last object of the reply.
        package var done: Bool
    }

    /// The result of scanning the bytes.
    package enum Outcome: Equatable, Sendable {
        /// Part of an answer, or a whole answer.
        case message(Fields)
        /// Ollama reports this error.
        case error(String)
        /// Anything else: unusual, not a reply, or not JSON.
        case unsure
    }

    private var reader: JSONReader
    private var content: JSONReader.Text?
    private var messageMember: Range<Int>?
    private var done: Bool?
    private var doneReason: Range<Int>?
    private var thinking = 0..<0
    private var hasThinking = false
    private var toolCalls: Range<Int>?
    private var tokens: Int?
    private var error: JSONReader.Text?

    private init(_ bytes: UnsafeRawBufferPointer) { reader = unsafe JSONReader(bytes) }

    /// Reads `bytes`, which must hold exactly one object; white space around it is allowed.
    package static func scan(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        var scanner = unsafe ReplyScanner(bytes)
        do throws(JSONReader.Malformed) {
            try scanner.reply()
            try scanner.reader.end()
        } catch {
            return .unsure
        }
        return scanner.outcome
    }

    /// Appends the text of a JSON string, given without its quotes, as UTF-8. It resolves escapes and checks every
    /// byte.
    ///
    /// - Returns: false when the string is malformed, for example by half a surrogate pair; then `output` is unchanged.
    package static func appendUnescaped(_ raw: UnsafeRawBufferPointer, to output: inout [UInt8]) -> Bool {
        unsafe JSONString.appendUnescaped(raw, to: &output)
    }

    private var outcome: Outcome {
        if let error {
            var text: [UInt8] = []
            let raw = unsafe UnsafeRawBufferPointer(rebasing: reader.bytes[error.range])
            return unsafe Self.appendUnescaped(raw, to: &text) ? .error(String(decoding: text, as: UTF8.self)) : .unsure
        }
        guard let content, let done, let messageMember else { return .unsure }
        return .message(
            Fields(
                content: content.range, doneReason: doneReason, thinking: thinking.isEmpty ? nil : thinking,
                toolCalls: toolCalls, tokens: tokens, messageMember: messageMember,
                contentHasEscapes: content.hasEscapes, done: done))
    }

    private mutating func reply() throws(JSONReader.Malformed) {
        try reader.begin("{")
        var isFirst = true
        while let name = try reader.nextName(isFirst: &isFirst) {
            if name.hasEscapes { throw JSONReader.Malformed() }  // it might be one of the names below
            if reader.matches(name, "message") {
                try expectFirst(messageMember == nil)
                try message()
                messageMember = (name.range.lowerBound - 1)..<reader.position
            } else if reader.matches(name, "done") {
                try expectFirst(done == nil)
                done = try reader.boolean()
            } else if reader.matches(name, "done_reason") {
                let text = try reader.string()
                try expectFirst(doneReason == nil && !text.hasEscapes)
                doneReason = text.range
            } else if reader.matches(name, "eval_count") {
                tokens = try count()
            } else if reader.matches(name, "error") {
                try expectFirst(error == nil)
                error = try reader.string()
            } else {
                try reader.skipValue()
            }
        }
    }

    /// Reads a number; `nil` unless it is a non-negative integer of at most nine digits.
    private mutating func count() throws(JSONReader.Malformed) -> Int? {
        _ = try reader.peek()
        let start = reader.position
        try reader.skipValue()
        let digits = unsafe reader.bytes[start..<reader.position]
        guard unsafe digits.count < 10, unsafe digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return unsafe digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private mutating func message() throws(JSONReader.Malformed) {
        try reader.begin("{")
        var isFirst = true
        while let name = try reader.nextName(isFirst: &isFirst) {
            if name.hasEscapes { throw JSONReader.Malformed() }
            if reader.matches(name, "content") {
                try expectFirst(content == nil)
                content = try reader.string()
            } else if reader.matches(name, "thinking") {
                try expectFirst(!hasThinking)
                hasThinking = true
                thinking = try reader.string().range
            } else if reader.matches(name, "tool_calls") {
                let isArray = try reader.peek() == UInt8(ascii: "[")
                try expectFirst(toolCalls == nil && isArray)
                let start = reader.position
                try reader.skipValue()
                toolCalls = start..<reader.position
            } else {
                try reader.skipValue()
            }
        }
    }

    /// Throws when a name occurs twice: the scanner does not decide which one counts.
    private func expectFirst(_ isFirst: Bool) throws(JSONReader.Malformed) {
        if !isFirst { throw JSONReader.Malformed() }
    }
}
