import HTTPServer

/// Answers of `/v1/chat/completions` and `/v1/completions`, as Ollama writes them.
final class CompletionsFormat: EventFormat {
    private let isChat: Bool
    private let model: String
    private let created: Int
    private let sendsUsage: Bool
    private let number: Int
    private var isFirst = true

    init(isChat: Bool, model: String, number: Int, created: Int, sendsUsage: Bool) {
        self.isChat = isChat
        self.model = model
        self.number = number
        self.created = created
        self.sendsUsage = sendsUsage
    }

    func opening() -> [UInt8] { [] }

    func token(_ text: String) -> [UInt8] {
        isChat ? chunk("\"content\":\(quoted(text))", nil) : event(nil, object(text: text, nil))
    }

    func thinking(_ text: String) -> [UInt8] {
        chunk("\"content\":\"\",\"reasoning\":\(quoted(text))", nil)
    }

    func call(_ tool: String) -> [UInt8] { chunk("\"content\":\"\",\"tool_calls\":[\(toolCall(tool))]", nil) }

    func end(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        let reason = reason(answer)
        var output = isChat ? chunk("", reason) : event(nil, object(text: "", reason))
        if sendsUsage {
            let head = head(isChat ? "chat.completion.chunk" : "text_completion")
            output += event(nil, "{\(head),\"choices\":[],\"usage\":\(usage(answer))}")
        }
        return output + event(nil, "[DONE]")
    }

    func whole(_ answer: Answer, started: ContinuousClock.Instant) -> [UInt8] {
        let reason = quoted(reason(answer))
        let choice: String
        if isChat {
            let thinking = answer.thinking.isEmpty ? "" : ",\"reasoning\":\(quoted(answer.thinking.joined()))"
            let calls = answer.tool.map { ",\"tool_calls\":[\(toolCall($0))]" } ?? ""
            choice =
                "{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\(quoted(answer.text))\(thinking)\(calls)},\"finish_reason\":\(reason)}"
        } else {
            choice = "{\"text\":\(quoted(answer.text)),\"index\":0,\"finish_reason\":\(reason)}"
        }
        let head = head(isChat ? "chat.completion" : "text_completion")
        return Array("{\(head),\"choices\":[\(choice)],\"usage\":\(usage(answer))}\n".utf8)
    }

    func unfinished(_ text: String) -> [UInt8] {
        Array("{\(head("chat.completion")),\"choices\":[]}\n".utf8)
    }

    func error(_ status: Status, _ message: String) -> [UInt8] { Self.error(status, message) }

    static func error(_ status: Status, _ message: String) -> [UInt8] {
        let type =
            switch status.code {
            case 404: "not_found_error"
            case 400..<500: "invalid_request_error"
            default: "api_error"
            }
        let words = WireFormat.quoted(message)
        return Array("{\"error\":{\"message\":\(words),\"type\":\"\(type)\",\"param\":null,\"code\":null}}\n".utf8)
    }

    // MARK: Parts

    private func head(_ object: String) -> String {
        """
        "id":"\(isChat ? "chatcmpl" : "cmpl")-\(number)","object":"\(object)","created":\(created),\
        "model":\(quoted(model)),"system_fingerprint":"fp_ollama"
        """
    }

    private func chunk(_ delta: String, _ reason: String?) -> [UInt8] {
        let role = isFirst ? "\"role\":\"assistant\"" + (delta.isEmpty ? "" : ",") : ""
        isFirst = false
        let finish = reason.map(quoted) ?? "null"
        return event(
            nil,
            "{\(head("chat.completion.chunk")),\"choices\":[{\"index\":0,\"delta\":{\(role)\(delta)},\"finish_reason\":\(finish)}]}"
        )
    }

    private func object(text: String, _ reason: String?) -> String {
        "{\(head("text_completion")),\"choices\":[{\"text\":\(quoted(text)),\"index\":0,\"finish_reason\":\(reason.map(quoted) ?? "null")}]}"
    }

    private func toolCall(_ tool: String) -> String {
        "{\"id\":\"call_\(number)\",\"index\":0,\"type\":\"function\",\"function\":{\"name\":\(quoted(tool)),\"arguments\":\"{}\"}}"
    }

    private func reason(_ answer: Answer) -> String {
        answer.tool != nil ? "tool_calls" : answer.isCut ? "length" : "stop"
    }

    private func usage(_ answer: Answer) -> String {
        let count = answer.tokens.count
        return "{\"prompt_tokens\":1,\"completion_tokens\":\(count),\"total_tokens\":\(count + 1)}"
    }
}
