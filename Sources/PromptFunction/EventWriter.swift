internal import JSON
internal import HTTPServer
internal import Ollama

/// Writes the events of a streamed answer. Source: WHATWG HTML, 9.2.6.
///
/// Tokens are events without a name: `data: {"content":" Hello"}`, or `thinking`, or `tool_calls`. Two named events
/// mark the end: `done`, with Ollama's last object except its message, and `error`. JSON is passed on as Ollama wrote
/// it, because it has no line ends.
enum EventWriter {
    /// Appends the events of one part of an answer.
    ///
    /// - Parameter halves: those of surrogate pairs at the end of the part before, and of this one.
    static func append(_ part: borrowing ChatPart, to output: inout [UInt8], after halves: inout HalfPairs) {
        if part.hasThinking || (part.isDone && halves.hasThinking) {
            put("data: {\"thinking\":\"", to: &output)
            part.appendThinkingJSON(to: &output, after: &halves)
            put("\"}\n\n", to: &output)
        }
        if part.hasContent || (part.isDone && halves.hasContent) {
            put("data: {\"content\":\"", to: &output)
            part.appendContentJSON(to: &output, after: &halves)
            put("\"}\n\n", to: &output)
        }
        if part.hasToolCalls {
            put("data: {\"tool_calls\":", to: &output)
            part.appendToolCallsJSON(to: &output)
            put("}\n\n", to: &output)
        }
        if part.isDone {
            put("event: done\ndata: ", to: &output)
            part.appendSummaryJSON(to: &output)
            put("\n\n", to: &output)
        }
    }

    /// Appends the object that ends a failed answer: as an event, or as a line of its own.
    static func append(_ failure: PromptFailure, asEvent: Bool, to output: inout [UInt8]) {
        if asEvent { put("event: error\ndata: ", to: &output) }
        var writer = JSONWriter()
        writer.put("{\"error\":")
        writer.put(quoted: failure.sentence)
        writer.put(",\"status\":")
        writer.put(raw: String(failure.status.code))
        writer.put("}\n")
        output.append(contentsOf: writer.bytes)
        if asEvent { put("\n", to: &output) }
    }

    private static func put(_ text: StaticString, to output: inout [UInt8]) {
        unsafe output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
}
