import HTTPServer

/// Answers of `/v1/responses`, as Ollama writes them. It has no tools.
final class ResponsesFormat: EventFormat {
    private let model: String
    private let number: Int
    private let created: Int
    private var sequence = 0
    private var text = ""

    init(model: String, number: Int, created: Int) {
        self.model = model
        self.number = number
        self.created = created
    }

    func opening() -> [UInt8] {
        numbered("response.created", "\"response\":\(response("in_progress", output: "", usage: "null"))")
            + numbered("response.in_progress", "\"response\":\(response("in_progress", output: "", usage: "null"))")
            + numbered("response.output_item.added", "\"item\":\(item("in_progress", "")),\"output_index\":0")
            + numbered("response.content_part.added", "\(place),\"part\":\(part(""))")
    }

    func token(_ text: String) -> [UInt8] {
        self.text += text
        return numbered("response.output_text.delta", "\(place),\"delta\":\(quoted(text)),\"logprobs\":[]")
    }

    func thinking(_ text: String) -> [UInt8] { [] }
    func call(_ tool: String) -> [UInt8] { [] }

    func end(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        let item = item("completed", part(text))
        return numbered("response.output_text.done", "\(place),\"text\":\(quoted(text)),\"logprobs\":[]")
            + numbered("response.content_part.done", "\(place),\"part\":\(part(text))")
            + numbered("response.output_item.done", "\"item\":\(item),\"output_index\":0")
            + numbered(
                "response.completed", "\"response\":\(response("completed", output: item, usage: usage(answer)))")
    }

    func whole(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        let output = item("completed", part(answer.text))
        return Array((response("completed", output: output, usage: usage(answer)) + "\n").utf8)
    }

    func unfinished(_ text: String) -> [UInt8] {
        Array((response("in_progress", output: "", usage: "null") + "\n").utf8)
    }

    func error(_ status: Status, _ message: String) -> [UInt8] { CompletionsFormat.error(status, message) }

    // MARK: Parts

    private func numbered(_ name: String, _ members: String) -> [UInt8] {
        defer { sequence += 1 }
        return event(name, "{\(members),\"sequence_number\":\(sequence),\"type\":\"\(name)\"}")
    }

    private var place: String { "\"content_index\":0,\"item_id\":\"msg_\(number)\",\"output_index\":0" }

    private func part(_ text: String) -> String {
        "{\"annotations\":[],\"logprobs\":[],\"text\":\(quoted(text)),\"type\":\"output_text\"}"
    }

    private func item(_ status: String, _ content: String) -> String {
        "{\"content\":[\(content)],\"id\":\"msg_\(number)\",\"role\":\"assistant\",\"status\":\"\(status)\",\"type\":\"message\"}"
    }

    private func usage(_ answer: Answer) -> String {
        """
        {"input_tokens":1,"input_tokens_details":{"cached_tokens":0},"output_tokens":\(answer.tokens.count),\
        "output_tokens_details":{"reasoning_tokens":0},"total_tokens":\(answer.tokens.count + 1)}
        """
    }

    private func response(_ status: String, output: String, usage: String) -> String {
        """
        {"background":false,"completed_at":\(status == "completed" ? "\(created)" : "null"),"created_at":\(created),\
        "error":null,"frequency_penalty":0,"id":"resp_\(number)","incomplete_details":null,"instructions":null,\
        "max_output_tokens":null,"max_tool_calls":null,"metadata":{},"model":\(quoted(model)),"object":"response",\
        "output":[\(output)],"parallel_tool_calls":true,"presence_penalty":0,"previous_response_id":null,\
        "prompt_cache_key":null,"reasoning":null,"safety_identifier":null,"service_tier":"default",\
        "status":"\(status)","store":false,"temperature":1,"text":{"format":{"type":"text"}},"tool_choice":"auto",\
        "tools":[],"top_logprobs":0,"top_p":1,"truncation":"disabled","usage":\(usage)}
        """
    }
}
