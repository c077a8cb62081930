internal import JSON

/// What matters in one object of OpenAI's chat completions: a chunk of a stream, or a whole completion. Source: OpenAI's
/// API reference, "Chat Completions".
///
/// Ranges refer to the bytes given to `scan`. Only the first choice counts: none other is asked for.
struct Completion {
    /// The text of the model; empty if there is none.
    private(set) var content = JSONReader.Text(range: 0..<0, hasEscapes: false)
    /// What the model thinks, for which OpenAI's API has no name, and servers have two; empty if there is none.
    private(set) var thinking = 0..<0
    private(set) var toolCalls: [ToolCallPiece] = []
    /// The JSON of the reason why the answer ended, such as `"stop"`, in its quotes.
    private(set) var finishReason: Range<Int>?
    private(set) var promptTokens: Int?
    private(set) var tokens: Int?
    /// The model's name, without its quotes.
    private(set) var model: Range<Int>?
    /// Seconds since 1970.
    private(set) var created: Int?
    /// The value of `error`.
    private(set) var error: Range<Int>?
    private(set) var hasChoices = false

    /// Reads one object; `nil` if it is not JSON.
    static func scan(_ bytes: UnsafeRawBufferPointer) -> Completion? {
        var completion = Completion()
        var reader = unsafe JSONReader(bytes, allowsHalfPairs: true)
        do throws(JSONReader.Malformed) {
            try completion.object(&reader)
            try reader.end()
            return completion
        } catch {
            return nil
        }
    }

    private mutating func object(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "choices"), kind == .array {
                try choices(&reader)
            } else if reader.matches(name, "usage"), kind == .object {
                try usage(&reader)
            } else if reader.matches(name, "model"), kind == .string {
                model = try reader.string().range
            } else if reader.matches(name, "created"), kind == .number {
                created = try reader.count()
            } else if reader.matches(name, "error"), kind != .null {
                error = try reader.skipped()
            } else {
                try reader.skipValue()
            }
        }
    }

    private mutating func choices(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        hasChoices = true
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            var choice = Completion()
            let index = try choice.choice(&reader)
            guard index == 0 else { continue }
            (content, thinking, toolCalls) = (choice.content, choice.thinking, choice.toolCalls)
            finishReason = choice.finishReason
        }
    }

    /// Returns the choice's number.
    private mutating func choice(_ reader: inout JSONReader) throws(JSONReader.Malformed) -> Int {
        var index = 0
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "delta") || reader.matches(name, "message"), kind == .object {
                try message(&reader)
            } else if reader.matches(name, "finish_reason"), kind == .string {
                finishReason = try reader.skipped()
            } else if reader.matches(name, "index"), kind == .number {
                index = try reader.count() ?? 0
            } else {
                try reader.skipValue()
            }
        }
        return index
    }

    private mutating func message(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var refusal: JSONReader.Text?
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "content"), kind == .string {
                content = try reader.string()
            } else if reader.matches(name, "reasoning_content") || reader.matches(name, "reasoning"), kind == .string {
                let text = try reader.string().range
                if thinking.isEmpty { thinking = text }  // some servers say it under both names
            } else if reader.matches(name, "refusal"), kind == .string {
                refusal = try reader.string()
            } else if reader.matches(name, "tool_calls"), kind == .array {
                try calls(&reader)
            } else if reader.matches(name, "content"), kind != .null {
                throw JSONReader.Malformed()
            } else {
                try reader.skipValue()
            }
        }
        if content.range.isEmpty, let refusal { content = refusal }
    }

    private mutating func calls(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("[")
        while try reader.nextElement(isFirst: &isFirst, before: "]") {
            toolCalls.append(try ToolCallPiece(&reader, number: toolCalls.count))
        }
    }

    private mutating func usage(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            if reader.matches(name, "prompt_tokens") {
                promptTokens = try reader.count()
            } else if reader.matches(name, "completion_tokens") {
                tokens = try reader.count()
            } else {
                try reader.skipValue()
            }
        }
    }
}

/// A part of a tool call: all of it in a whole completion; in a stream its arguments come bit by bit.
struct ToolCallPiece {
    /// The call's place among those of the answer.
    private(set) var index: Int
    /// The JSON strings, without their quotes.
    private(set) var id, name: Range<Int>?
    /// The arguments, or a part of them: JSON within a JSON string.
    private(set) var arguments: JSONReader.Text?

    /// - Parameter number: the place if the piece does not say it.
    fileprivate init(_ reader: inout JSONReader, number: Int) throws(JSONReader.Malformed) {
        index = number
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(name, "index"), kind == .number {
                index = try reader.count() ?? number
            } else if reader.matches(name, "id"), kind == .string {
                id = try reader.string().range
            } else if reader.matches(name, "function"), kind == .object {
                try function(&reader)
            } else {
                try reader.skipValue()
            }
        }
    }

    private mutating func function(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let member = try reader.nextName(isFirst: &isFirst) {
            let kind = try reader.kind()
            if reader.matches(member, "name"), kind == .string {
                name = try reader.string().range
            } else if reader.matches(member, "arguments"), kind == .string {
                arguments = try reader.string()
            } else {
                try reader.skipValue()
            }
        }
    }
}
