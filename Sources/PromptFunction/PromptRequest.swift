internal import FoundationEssentials
internal import Ollama

/// What a client asks: the body of its POST.
struct PromptRequest: Decodable, Sendable, Equatable {
    /// What to ask the model; `nil` for the default prompt.
    var prompt: String?
    /// Which model to ask; `nil` for the default model.
    var model: String?

    /// Asked when the body has no `prompt`, as by the function that promptd replaces.
    static let defaultPrompt = "Who are you?"

    /// Reads a body. Slow: for Dispatch.
    ///
    /// - Throws: `PromptFailure.badRequest` with a sentence for the client.
    init(body: [UInt8]) throws(PromptFailure) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(body))
        } catch DecodingError.typeMismatch(let wanted, let context) {
            guard let field = context.codingPath.first?.stringValue else { throw .badRequest(Self.notAnObject) }
            throw .badRequest("Give \"\(field)\" as a \(wanted == String.self ? "string" : "\(wanted)").")
        } catch {
            throw .badRequest(Self.notAnObject)
        }
    }

    static let notAnObject = #"Send a JSON object, such as {"prompt": "Why is the sky blue?", "model": "llama3.2:1b"}."#

    /// The same, as Ollama wants it.
    func chat(defaultModel: String) -> ChatRequest {
        ChatRequest(
            model: model ?? defaultModel,
            messages: [ChatRequest.Message(role: "user", content: prompt ?? Self.defaultPrompt)],
            stream: false)
    }
}
