/// A request to `/api/chat`. Source: Ollama's docs/api, "Generate a chat completion".
public struct ChatRequest: Sendable, Equatable {
    public var model: JSONText
    /// The content of the one message, which is the user's.
    public var prompt: JSONText
    /// Whether the reply comes token by token; `false`: one object, whole.
    public var stream: Bool

    public init(model: JSONText, prompt: JSONText, stream: Bool) {
        self.model = model
        self.prompt = prompt
        self.stream = stream
    }

    /// The body as JSON.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.reserve(model.bytes.count + prompt.bytes.count + 80)
        writer.put("{\"model\":\"")
        writer.put(model)
        writer.put("\",\"messages\":[{\"role\":\"user\",\"content\":\"")
        writer.put(prompt)
        writer.put(stream ? "\"}],\"stream\":true}" : "\"}],\"stream\":false}")
        return writer.bytes
    }
}
