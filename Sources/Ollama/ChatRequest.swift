package import JSON

/// A request to `/api/chat`. Source: Ollama's docs/api, "Generate a chat completion".
public struct ChatRequest: Sendable, Equatable {
    package var model: JSONText
    /// The content of a message from `system`, the first of all.
    package var system: JSONText?
    /// Messages, as the inside of a JSON array.
    package var history: JSONValue?
    /// The content of a message from the user, the last of all.
    package var prompt: JSONText?
    /// An array of base64 texts that belong to the prompt.
    package var images: JSONValue?
    /// Members that are passed on as they are.
    package var options, format, think, tools, keepAlive: JSONValue?
    /// Whether the reply comes token by token; `false`: one object, whole.
    package var stream: Bool

    /// A question of one message.
    ///
    /// - Parameters:
    ///   - model: the model's name, such as `llama3.2:1b`.
    ///   - prompt: the message from the user.
    ///   - system: what the model is told before it.
    public init(model: String, prompt: String, system: String? = nil) {
        self.init(model: JSONText(model), prompt: JSONText(prompt), stream: false)
        self.system = system.map { JSONText($0) }
    }

    package init(model: JSONText, prompt: JSONText?, stream: Bool) {
        self.model = model
        self.prompt = prompt
        self.stream = stream
    }

    /// The body as JSON.
    package var json: [UInt8] {
        var writer = JSONWriter()
        let values = [history, images, options, format, think, tools, keepAlive]
        writer.reserve(
            values.reduce(200) { $0 + ($1?.bytes.count ?? 0) } + model.bytes.count + (prompt?.bytes.count ?? 0)
                + (system?.bytes.count ?? 0))
        writer.put("{\"model\":\"")
        writer.put(model)
        writer.put("\",\"messages\":[")
        putMessages(to: &writer)
        writer.put(stream ? "],\"stream\":true" : "],\"stream\":false")
        writer.put(",\"options\":", options)
        writer.put(",\"format\":", format)
        writer.put(",\"think\":", think)
        writer.put(",\"tools\":", tools)
        writer.put(",\"keep_alive\":", keepAlive)
        writer.put("}")
        return writer.bytes
    }

    private func putMessages(to writer: inout JSONWriter) {
        var separator: StaticString = ""
        if let system {
            writer.put("{\"role\":\"system\",\"content\":\"")
            writer.put(system)
            writer.put("\"}")
            separator = ","
        }
        if let history, !history.isBlank {
            writer.put(separator, history)
            separator = ","
        }
        if let prompt {
            writer.put(separator)
            writer.put("{\"role\":\"user\",\"content\":\"")
            writer.put(prompt)
            writer.put("\"")
            writer.put(",\"images\":", images)
            writer.put("}")
        }
    }
}
