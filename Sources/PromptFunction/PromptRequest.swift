internal import JSON
internal import Ollama

/// What a client asks: the body of its POST.
struct PromptRequest: Sendable, Equatable {
    /// What to ask the model; `nil` for the default prompt, unless there are messages.
    var prompt: JSONText?
    /// Which model to ask; `nil` for the default model.
    var model: JSONText?
    /// What the model is told before all else.
    var system: JSONText?
    /// Earlier messages: the inside of the array.
    var messages: JSONValue?
    /// Base64 images that belong to the prompt.
    var images: JSONValue?
    /// Passed on to Ollama as they are.
    var options, format, think, tools, keepAlive: JSONValue?
    /// `num_predict` in the options: how many tokens to make at most; negative: any number.
    var numPredict: Int?
    /// Whether the answer comes token by token.
    var stream = false
    /// What the client will wait for at most.
    var timeouts = PromptTimeouts()

    /// Asked when the body has neither `prompt` nor `messages`, as by the function that promptd replaces.
    static let defaultPrompt = JSONText("Who are you?")

    /// Whether the model is given tools that it may call.
    var hasTools: Bool { tools.map { $0.bytes.contains(UInt8(ascii: "{")) } ?? false }

    /// Bytes of what the model is to read, images not counted.
    var promptBytes: Int {
        (prompt?.bytes.count ?? 0) + (system?.bytes.count ?? 0) + (messages?.bytes.count ?? 0)
    }

    /// The same, as Ollama wants it.
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
        return chat
    }
}
