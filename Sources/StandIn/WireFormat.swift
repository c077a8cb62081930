internal import FoundationEssentials
import HTTPServer

/// Ollama's JSON, written as Go writes it.
///
/// It intentionally shares no code with promptd's own JSON reader and writer, so that a bug in one cannot hide a bug in
/// the other.
///
/// Belongs to the loop's thread.
final class WireFormat: AnswerFormat {
    /// The names of a reply's fields.
    enum Shape: Sendable {
        case chat, generate
    }

    let streamType = ContentType.ndjson
    let wholeType = ContentType.json
    private let shape: Shape
    /// The start of every line, up to the time.
    private let start: String
    private let clock: WireClock

    init(shape: Shape, model: String, clock: WireClock) {
        self.shape = shape
        self.clock = clock
        start = "{\"model\":\(Self.quoted(model)),\"created_at\":\""
    }

    func opening() -> [UInt8] { [] }

    func failure(_ message: String) -> [UInt8] { Self.error(message) + [0x0A] }

    func error(_ status: Status, _ message: String) -> [UInt8] { Self.error(message) }

    /// One token of a stream, with its line end.
    func token(_ text: String) -> [UInt8] { line(text, tail: "\"done\":false}\n") }

    /// One token of thinking, with its line end. Source: Ollama's docs/api, "Chat request (with thinking)".
    func thinking(_ text: String) -> [UInt8] { line("", thinking: text, tail: "\"done\":false}\n") }

    /// A tool call, with its line end. Source: Ollama's docs/api, "Chat request (Streaming with tools)".
    func call(_ tool: String) -> [UInt8] { line("", tool: tool, tail: "\"done\":false}\n") }

    /// The end of a stream, with its line end.
    func end(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        line("", tail: statistics(answer, started: started) + "\n")
    }

    /// A complete reply.
    func whole(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        line(
            answer.text, thinking: answer.thinking.joined(), tool: answer.tool,
            tail: statistics(answer, started: started))
    }

    /// A complete reply that does not say that it is complete.
    func unfinished(_ text: String) -> [UInt8] { line(text, tail: "\"done\":false}") }

    /// The reply to a request without messages.
    func loadOnly() -> [UInt8] { line("", tail: "\"done\":true,\"done_reason\":\"load\"}") }

    private func line(_ text: String, thinking: String = "", tool: String? = nil, tail: String) -> [UInt8] {
        let content: String
        switch shape {
        case .chat:
            let thought = thinking.isEmpty ? "" : ",\"thinking\":\(Self.quoted(thinking))"
            let call =
                tool.map { ",\"tool_calls\":[{\"function\":{\"name\":\(Self.quoted($0)),\"arguments\":{}}}]" } ?? ""
            content = "\"message\":{\"role\":\"assistant\",\"content\":\(Self.quoted(text))\(thought)\(call)}"
        case .generate: content = "\"response\":\(Self.quoted(text))"
        }
        return Array("\(start)\(clock.text)\",\(content),\(tail)".utf8)
    }

    private func statistics(_ answer: Answer, started: ContinuousClock.Instant) -> String {
        let (seconds, attoseconds) = (ContinuousClock.now - started).components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return """
            "done":true,"done_reason":"\(answer.isCut ? "length" : "stop")","total_duration":\(nanoseconds),"load_duration":1,\
            "prompt_eval_count":1,"prompt_eval_duration":1,"eval_count":\(answer.tokens.count),"eval_duration":\(nanoseconds)}
            """
    }

    /// The body of an error, without a line end unless it is a line of a stream.
    static func error(_ message: String) -> [UInt8] { Array("{\"error\":\(quoted(message))}".utf8) }

    /// A string as Go's encoder writes it.
    static func quoted(_ text: String) -> String {
        if text.utf8.allSatisfy(isPlain) { return "\"\(text)\"" }  // nearly every token; the encoder takes microseconds
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        guard let data = try? encoder.encode(text) else { return "\"\"" }
        var json = String(decoding: data, as: UTF8.self)
        for (character, escape) in [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")] where json.contains(character)
        {
            json = json.replacing(character, with: escape)
        }
        return json
    }

    /// Whether a byte represents itself in a JSON string as Go writes it.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): false
        default: 0x20...0x7E ~= byte
        }
    }
}
