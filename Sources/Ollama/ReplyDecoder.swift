internal import FoundationEssentials

/// One object of Ollama's reply, by Foundation: the fallback for what `ReplyScanner` is not sure of, and its oracle in the tests.
struct ReplyDecoder: Decodable, Equatable {
    struct Message: Decodable, Equatable {
        var content: String?
    }

    private enum CodingKeys: String, CodingKey {
        case message, error
        case isDone = "done"
        case reason = "done_reason"
    }

    private var message: Message?
    private var isDone: Bool?
    var reason: String?
    var error: String?

    var content: String? { message?.content }
    var done: Bool { isDone ?? false }

    /// `nil` when it is not such an object.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> ReplyDecoder? {
        try? JSONDecoder().decode(Self.self, from: Data(bytes))
    }
}
