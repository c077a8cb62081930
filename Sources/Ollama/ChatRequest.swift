/// A request to `/api/chat`. Source: Ollama's docs/api, "Generate a chat completion".
public struct ChatRequest: Sendable, Equatable {
    /// One message of the conversation.
    public struct Message: Sendable, Equatable {
        /// `user`, `assistant`, `system` or `tool`.
        public var role: String
        public var content: String

        public init(role: String, content: String) {
            self.role = role
            self.content = content
        }
    }

    public var model: String
    public var messages: [Message]
    /// Whether the reply comes token by token; `false`: one object, whole.
    public var stream: Bool

    public init(model: String, messages: [Message], stream: Bool) {
        self.model = model
        self.messages = messages
        self.stream = stream
    }

    /// The body as JSON.
    public var json: [UInt8] {
        var writer = JSONWriter()
        writer.reserve(messages.reduce(model.utf8.count + 80) { $0 + $1.content.utf8.count + $1.role.utf8.count + 32 })
        writer.put("{\"model\":")
        writer.put(quoted: model)
        writer.put(",\"messages\":[")
        for (index, message) in messages.enumerated() {
            writer.put(index == 0 ? "{\"role\":" : ",{\"role\":")
            writer.put(quoted: message.role)
            writer.put(",\"content\":")
            writer.put(quoted: message.content)
            writer.put("}")
        }
        writer.put(stream ? "],\"stream\":true}" : "],\"stream\":false}")
        return writer.bytes
    }
}
