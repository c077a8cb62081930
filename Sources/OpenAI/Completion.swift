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
    /// The array of the tokens' probabilities, which Ollama has in the same form.
    private(set) var logprobs: Range<Int>?
    /// The JSON of the reason why the answer ended, such as `"stop"`, in its quotes.
    private(set) var finishReason: Range<Int>?
    private(set) var promptTokens: Int?
    private(set) var tokens: Int?
    /// The model's name, without its quotes; empty if there is none, or it is none that a model would have.
    private(set) var model = 0..<0
    /// Seconds since 1970.
    private(set) var created: Int?
    /// The value of `error`.
    private(set) var error: Range<Int>?
    /// Whether there is a list of choices, and whether one is in it.
    private(set) var hasChoices = false, hasChoice = false

    /// Longer names are ignored: each object that is made repeats the name.
    private static let longestName = 512
    /// Longer reasons are none.
    private static let longestReason = 64
    /// Maximum pieces of tool calls in one object.
    private static let mostPieces = 1024

    /// Reads one object; `nil` if it is not JSON, or no object of this kind.
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
                if model.count > Self.longestName { model = 0..<0 }
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
            hasChoice = true
            (content, thinking, toolCalls) = (choice.content, choice.thinking, choice.toolCalls)
            (finishReason, logprobs) = (choice.finishReason, choice.logprobs)
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
                let reason = try reader.skipped()
                if reason.count > Self.longestReason { throw JSONReader.Malformed() }
                finishReason = reason
            } else if reader.matches(name, "logprobs"), kind == .object {
                try probabilities(&reader)
            } else if reader.matches(name, "index"), kind == .number {
                index = try reader.count() ?? 0
            } else if reader.matches(name, "text"), kind == .string {
                throw JSONReader.Malformed()  // a completion that is no chat's
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
            guard toolCalls.count < Self.mostPieces else { throw JSONReader.Malformed() }
            toolCalls.append(try ToolCallPiece(&reader, number: toolCalls.count))
        }
    }

    private mutating func probabilities(_ reader: inout JSONReader) throws(JSONReader.Malformed) {
        var isFirst = true
        try reader.begin("{")
        while let name = try reader.nextName(isFirst: &isFirst) {
            if reader.matches(name, "content"), try reader.kind() == .array {
                logprobs = try reader.skipped()
            } else {
                try reader.skipValue()
            }
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
