internal import FoundationEssentials

/// Ollama's JSON, written as Go writes it.
///
/// On purpose it shares no code with what promptd reads and writes JSON with: a bug in one must not hide one in the other.
struct WireFormat: Sendable {
    /// What a reply's pieces are called.
    enum Shape: Sendable {
        case chat, generate
    }

    let shape: Shape
    let model: String

    /// One token of a stream, with its line end.
    func token(_ text: String) -> [UInt8] { line(text, tail: "\"done\":false}\n") }

    /// The end of a stream, with its line end.
    func end(tokens: Int, started: ContinuousClock.Instant) -> [UInt8] {
        line("", tail: statistics(tokens: tokens, started: started) + "\n")
    }

    /// A whole reply.
    func whole(_ text: String, tokens: Int, started: ContinuousClock.Instant) -> [UInt8] {
        line(text, tail: statistics(tokens: tokens, started: started))
    }

    /// A whole reply that does not say that it is complete.
    func unfinished(_ text: String) -> [UInt8] { line(text, tail: "\"done\":false}") }

    /// The reply to a request without messages.
    func loadOnly() -> [UInt8] { line("", tail: "\"done\":true,\"done_reason\":\"load\"}") }

    private func line(_ text: String, tail: String) -> [UInt8] {
        let content =
            switch shape {
            case .chat: "\"message\":{\"role\":\"assistant\",\"content\":\(Self.quoted(text))}"
            case .generate: "\"response\":\(Self.quoted(text))"
            }
        return Array("{\"model\":\(Self.quoted(model)),\"created_at\":\"\(Self.now)\",\(content),\(tail)".utf8)
    }

    private func statistics(tokens: Int, started: ContinuousClock.Instant) -> String {
        let (seconds, attoseconds) = (ContinuousClock.now - started).components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return """
            "done":true,"done_reason":"stop","total_duration":\(nanoseconds),"load_duration":1,\
            "prompt_eval_count":1,"prompt_eval_duration":1,"eval_count":\(tokens),"eval_duration":\(nanoseconds)}
            """
    }

    /// An error's body: without a line end, unless it is a line of a stream.
    static func error(_ message: String) -> [UInt8] { Array("{\"error\":\(quoted(message))}".utf8) }

    /// A string as Go's encoder writes it.
    static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode(text) else { return "\"\"" }
        var json = String(decoding: data, as: UTF8.self)
        for (character, escape) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")] where json.contains(character) {
            json = json.replacing(character, with: escape)
        }
        return json
    }

    private static var now: String { Date().formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true)) + "Z" }
}
