internal import JSON
internal import HTTPClient
internal import Ollama

/// A request as Ollama gets it, and what else it takes to serve it.
final class Prompt: Sendable {
    let model: ModelName
    /// What the model is called in what a client is told.
    let modelText: String
    let payload: Payload
    /// Of the prompt's beginning: prompts that begin alike go to the same Ollama.
    let prefix: UInt64
    let isStreamed: Bool
    let hasTools: Bool
    let timeouts: PromptTimeouts

    /// What a body is held against.
    struct Rules: Sendable {
        let defaultModel: JSONText
        let models: ModelPolicy
        let maxPromptBytes: Int
        let maxPredict: Int
    }

    /// Reads a body and writes Ollama's. Takes time in proportion to it: for Dispatch.
    init(body: [UInt8], _ rules: Rules) throws(PromptFailure) {
        let request = try PromptRequest(body: body)
        if rules.maxPromptBytes > 0 && request.promptBytes > rules.maxPromptBytes {
            throw .forbidden("Send at most \(rules.maxPromptBytes) bytes of prompt and messages.")
        }
        var chat = request.chat(defaultModel: rules.defaultModel)
        try Self.limit(&chat, request, maxPredict: rules.maxPredict)
        var text = chat.model.string
        var name = ModelName(text)
        if !rules.models.isEmpty {
            switch rules.models.verdict(on: name) {
            case .asIs: break
            case .instead(let other):
                chat.model = JSONText(other)
                (text, name) = (other, ModelName(other))
            case .refused: throw .forbidden("The model '\(text.prefix(200))' is not offered here: ask for another.")
            }
        }
        let json = chat.json
        model = name
        modelText = text
        payload = Payload(json)
        // Behind the model's name: the first message.
        prefix = PromptPrefix.hash(json.dropFirst(chat.model.bytes.count))
        isStreamed = request.stream
        hasTools = request.hasTools
        timeouts = request.timeouts
    }

    /// Holds `num_predict` to what is allowed: without one, Ollama would go on for ever.
    private static func limit(
        _ chat: inout ChatRequest, _ request: PromptRequest, maxPredict: Int
    ) throws(PromptFailure) {
        guard maxPredict > 0 else { return }
        if let wanted = request.numPredict {
            guard wanted >= 0 && wanted <= maxPredict else {
                throw .forbidden("Give options.num_predict as a number from 0 to \(maxPredict).")
            }
        } else {
            chat.options = (chat.options ?? JSONValue("{}")).adding("\"num_predict\":\(maxPredict)")
        }
    }
}
