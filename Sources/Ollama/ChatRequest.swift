package import JSON

/// A request to `/api/chat`. Source: Ollama's docs/api, "Generate a chat completion".
public struct ChatRequest: Sendable, Equatable {
    package var model: JSONText
    /// The content of the first message, from `system`.
    package var system: JSONText?
    /// Earlier messages: the elements of a JSON array, without its brackets.
    package var history: JSONValue?
    /// The content of the last message, from the user.
    package var prompt: JSONText?
    /// A JSON array of base64 strings: the images of the prompt.
    package var images: JSONValue?
    /// Members that are passed on unchanged.
    package var options, format, think, tools, keepAlive: JSONValue?
    /// Further members that are passed on unchanged: the text between an object's braces.
    package var others: JSONValue?
    /// Whether the reply is streamed token by token. If `false`, the reply is one object.
    package var stream: Bool

    /// Makes a request with one message from the user.
    ///
    /// - Parameters:
    ///   - model: the model's name, such as `llama3.2:1b`.
    ///   - prompt: the message from the user.
    ///   - system: the system message, sent before the prompt.
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
        let values = [history, images, options, format, think, tools, keepAlive, others]
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
        writer.put(",", others)
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
