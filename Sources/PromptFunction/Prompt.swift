internal import JSON
internal import HTTPClient
internal import Ollama

/// A prompt that is ready to send: Ollama's request, and what else is needed to serve it.
final class Prompt: Sendable {
    let model: ModelName
    /// The model's name in messages to the client.
    let modelText: String
    let payload: Payload
    /// A hash of the prompt's beginning: prompts that begin alike go to the same backend.
    let prefix: UInt64
    let isStreamed: Bool
    let hasTools: Bool
    let timeouts: PromptTimeouts

    /// The rules that a body must follow.
    struct Rules: Sendable {
        let defaultModel: JSONText
        let models: ModelPolicy
        let maxPromptBytes: Int
        let maxPredict: Int
    }

    /// Reads a body and writes Ollama's request body. The time depends on the body's size, so call it on Dispatch.
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
            case .refused: throw .forbidden("The model '\(text.prefix(200))' is not allowed here: ask another model.")
            }
        }
        let json = chat.json
        model = name
        modelText = text
        payload = Payload(json)
        // The first message comes after the model's name.
        prefix = PromptPrefix.hash(json.dropFirst(chat.model.bytes.count))
        isStreamed = request.stream
        hasTools = request.hasTools
        timeouts = request.timeouts
    }

    /// Enforces the maximum of `num_predict`, and sets it if the request has none: otherwise Ollama could generate
    /// forever.
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
