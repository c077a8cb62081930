import Foundation

/// One object of Ollama's reply to a chat, read by Foundation: the reference for testing `ReplyScanner`. Source: Ollama's docs/api.md, "Generate a chat
/// completion".
struct ReplyDecoder: Decodable, Equatable, Sendable {
    /// `message.content`; `nil` when there is none.
    let content: String?
    /// Whether there is a `message`.
    let hasMessage: Bool
    /// `message.thinking`; `nil` when there is none.
    let thinking: String?
    /// Whether this is the last object of the reply; false when `done` is missing.
    let done: Bool
    /// `done_reason`, such as `stop` or `length`.
    let doneReason: String?
    /// Whether there is a `message.thinking` that is not empty.
    var hasThinking: Bool { thinking?.isEmpty == false }
    /// Whether there is an array `message.tool_calls`, even an empty one.
    let hasToolCalls: Bool
    /// The error that Ollama reports.
    let error: String?

    private enum Name: String, CodingKey {
        case message, done, error
        case doneReason = "done_reason"
    }

    private enum MessageName: String, CodingKey {
        case content, thinking
        case toolCalls = "tool_calls"
    }

    /// - Returns: `nil` when the bytes are not JSON, or not such an object.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> ReplyDecoder? {
        try? unsafe JSONDecoder().decode(Self.self, from: Data(bytes))
    }

    /// - Throws: `DecodingError`.
    init(from decoder: any Decoder) throws {
        let reply = try decoder.container(keyedBy: Name.self)
        let doneReason = try reply.decodeIfPresent(String.self, forKey: .doneReason)
        self.doneReason = doneReason
        done = try reply.decodeIfPresent(Bool.self, forKey: .done) ?? (doneReason?.isEmpty == false)
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
