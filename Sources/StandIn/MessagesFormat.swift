import HTTPServer

/// Answers of `/v1/messages`, as Ollama writes them.
final class MessagesFormat: EventFormat {
    private let model: String
    private let number: Int
    /// The kind of the open content block, and the number of those that were closed.
    private var open: String?
    private var closed = 0

    init(model: String, number: Int) {
        self.model = model
        self.number = number
    }

    func opening() -> [UInt8] {
        event(
            "message_start",
            "{\"type\":\"message_start\",\"message\":{\(head),\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":0}}}"
        )
    }

    private var head: String {
        "\"id\":\"msg_\(number)\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\(quoted(model))"
    }

    func token(_ text: String) -> [UInt8] {
        begin("text", "\"type\":\"text\",\"text\":\"\"") + delta("\"type\":\"text_delta\",\"text\":\(quoted(text))")
    }

    func thinking(_ text: String) -> [UInt8] {
        begin("thinking", "\"type\":\"thinking\",\"thinking\":\"\"")
            + delta("\"type\":\"thinking_delta\",\"thinking\":\(quoted(text))")
    }

    func call(_ tool: String) -> [UInt8] {
        begin("tool", "\"type\":\"tool_use\",\"id\":\"call_\(number)\",\"name\":\(quoted(tool)),\"input\":{}")
            + delta("\"type\":\"input_json_delta\",\"partial_json\":\"{}\"")
    }

    func end(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        close()
            + event(
                "message_delta",
                "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"\(reason(answer))\"},\"usage\":{\"input_tokens\":1,\"output_tokens\":\(answer.tokens.count)}}"
            ) + event("message_stop", "{\"type\":\"message_stop\"}")
    }

    func whole(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        var blocks: [String] = []
        if !answer.thinking.isEmpty {
            blocks.append("{\"type\":\"thinking\",\"thinking\":\(quoted(answer.thinking.joined()))}")
        }
        if !answer.tokens.isEmpty { blocks.append("{\"type\":\"text\",\"text\":\(quoted(answer.text))}") }
        if let tool = answer.tool {
            blocks.append("{\"type\":\"tool_use\",\"id\":\"call_\(number)\",\"name\":\(quoted(tool)),\"input\":{}}")
        }
        let usage = "{\"input_tokens\":1,\"output_tokens\":\(answer.tokens.count)}"
        return Array(
            "{\(head),\"content\":[\(blocks.joined(separator: ","))],\"stop_reason\":\"\(reason(answer))\",\"usage\":\(usage)}\n"
                .utf8)
    }

    func unfinished(_ text: String) -> [UInt8] { Array("{\(head),\"content\":[]}\n".utf8) }

    func error(_ status: Status, _ message: String) -> [UInt8] {
        let type =
            switch status.code {
            case 404: "not_found_error"
            case 400..<500: "invalid_request_error"
            case 503: "overloaded_error"
            default: "api_error"
            }
        let words = quoted(message)
        return Array(
            "{\"type\":\"error\",\"error\":{\"type\":\"\(type)\",\"message\":\(words)},\"request_id\":\"req_\(number)\"}\n"
                .utf8)
    }

    // MARK: Content blocks

    private func begin(_ kind: String, _ block: String) -> [UInt8] {
        if open == kind { return [] }
        let before = close()
        open = kind
        return before
            + event(
                "content_block_start",
                "{\"type\":\"content_block_start\",\"index\":\(closed),\"content_block\":{\(block)}}")
    }

    private func delta(_ delta: String) -> [UInt8] {
        event("content_block_delta", "{\"type\":\"content_block_delta\",\"index\":\(closed),\"delta\":{\(delta)}}")
    }

    private func close() -> [UInt8] {
        guard open != nil else { return [] }
        open = nil
        closed += 1
        return event("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":\(closed - 1)}")
    }

    private func reason(_ answer: Answer) -> String {
        answer.tool != nil ? "tool_use" : answer.isCut ? "max_tokens" : "end_turn"
    }
}
