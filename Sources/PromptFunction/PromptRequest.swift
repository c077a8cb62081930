internal import JSON
internal import Ollama

/// A client's request: the body of its POST.
struct PromptRequest: Sendable, Equatable {
    /// The prompt; `nil` for the default prompt, unless there are messages.
    var prompt: JSONText?
    /// The model; `nil` for the default model.
    var model: JSONText?
    /// The system prompt, which comes before all else.
    var system: JSONText?
    /// Earlier messages: the text between the array's brackets.
    var messages: JSONValue?
    /// Base64 images that belong to the prompt.
    var images: JSONValue?
    /// Values that are passed on to Ollama unchanged.
    var options, format, think, tools, keepAlive: JSONValue?
    /// Members that promptd does not know: the text between an object's braces.
    var others: JSONValue?
    /// `num_predict` in the options: the maximum number of tokens to generate; negative: no limit.
    var numPredict: Int?
    /// Whether the model answers the same each time: the temperature is 0, or there is a seed.
    var isDeterministic = false
    /// Whether the answer comes token by token.
    var stream = false
    /// How long the client will wait at most.
    var timeouts = PromptTimeouts()

    /// The prompt if the body has neither `prompt` nor `messages`, as in the function that promptd replaces.
    static let defaultPrompt = JSONText("Who are you?")

    /// Whether the request has tools that the model may call.
    var hasTools: Bool { tools.map { $0.bytes.contains(UInt8(ascii: "{")) } ?? false }

    /// The bytes of text that the model must read, without images.
    var promptBytes: Int {
        (prompt?.bytes.count ?? 0) + (system?.bytes.count ?? 0) + (messages?.bytes.count ?? 0)
    }

    /// Returns the request in Ollama's form.
    func chat(defaultModel: JSONText) -> ChatRequest {
        var chat = ChatRequest(
            model: model ?? defaultModel, prompt: prompt ?? (messages == nil ? Self.defaultPrompt : nil), stream: stream
        )
        chat.system = system
        chat.history = messages
        chat.images = images
        chat.options = options
        chat.format = format
        chat.think = think
        chat.tools = tools
        chat.keepAlive = keepAlive
        chat.others = others
        return chat
    }
}
