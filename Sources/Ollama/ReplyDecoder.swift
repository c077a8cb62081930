internal import JSON
internal import FoundationEssentials

/// One object of Ollama's reply to a chat, read by Foundation: the fallback for objects that `ReplyScanner` is unsure
/// of, and the reference for testing it.
///
/// Usable on any thread; about twenty times slower than the scanner. Source: Ollama's docs/api.md, "Generate a chat
/// completion".
package struct ReplyDecoder: Decodable, Equatable, Sendable {
    /// `message.content`; `nil` when there is none.
    package let content: String?
    /// Whether there is a `message`.
    package let hasMessage: Bool
    /// `message.thinking`; `nil` when there is none.
    package let thinking: String?
    /// Whether this is the last object of the reply; false when `done` is missing.
    package let done: Bool
    /// `done_reason`, such as `stop` or `length`.
    package let doneReason: String?
    /// Whether there is a `message.thinking` that is not empty.
    package var hasThinking: Bool { thinking?.isEmpty == false }
    /// Whether there is an array `message.tool_calls`, even an empty one.
    package let hasToolCalls: Bool
    /// The error that Ollama reports.
    package let error: String?

    private enum Name: String, CodingKey {
        case message, done, error
        case doneReason = "done_reason"
    }

    private enum MessageName: String, CodingKey {
        case content, thinking
        case toolCalls = "tool_calls"
    }

    /// - Returns: `nil` when the bytes are not JSON, or not such an object.
    package static func decode(_ bytes: UnsafeRawBufferPointer) -> ReplyDecoder? {
        try? unsafe JSONDecoder().decode(Self.self, from: Data(bytes))
    }

    /// The same content as JSON that `ReplyScanner` understands. `nil` when the object is not part of an answer, or has
    /// tool calls, which are not read here.
    var plain: [UInt8]? {
        guard hasMessage, !hasToolCalls else { return nil }
        var writer = JSONWriter()
        writer.put("{\"message\":{\"content\":")
        writer.put(quoted: content ?? "")
        if let thinking {
            writer.put(",\"thinking\":")
            writer.put(quoted: thinking)
        }
        writer.put(done ? "},\"done\":true}" : "},\"done\":false}")
        return writer.bytes
    }

    /// - Throws: `DecodingError`.
    package init(from decoder: any Decoder) throws {
        let reply = try decoder.container(keyedBy: Name.self)
        done = try reply.decodeIfPresent(Bool.self, forKey: .done) ?? false
        doneReason = try reply.decodeIfPresent(String.self, forKey: .doneReason)
        error = try reply.decodeIfPresent(String.self, forKey: .error)
        guard reply.contains(.message), try !reply.decodeNil(forKey: .message) else {
            (hasMessage, content, thinking, hasToolCalls) = (false, nil, nil, false)
            return
        }
        hasMessage = true
        let message = try reply.nestedContainer(keyedBy: MessageName.self, forKey: .message)
        content = try message.decodeIfPresent(String.self, forKey: .content)
        thinking = try message.decodeIfPresent(String.self, forKey: .thinking)
        hasToolCalls = try message.contains(.toolCalls) && !message.decodeNil(forKey: .toolCalls)
    }
}
