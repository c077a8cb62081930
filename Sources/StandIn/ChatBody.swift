internal import FoundationEssentials

/// The body of a request to `/api/chat` or `/api/generate`, with the parts that the stand-in uses.
struct ChatBody: Decodable, Sendable {
    struct Message: Decodable, Sendable {
        var role: String?
        var content: String?
        var images: [String]?
    }

    struct Options: Decodable, Sendable {
        var numPredict: Int?

        private enum CodingKeys: String, CodingKey {
            case numPredict = "num_predict"
        }
    }

    struct Tool: Decodable, Sendable {
        struct Function: Decodable, Sendable {
            var name: String
        }

        var function: Function
    }

    /// `true`, `false` or a level. Source: Ollama's docs, "Thinking".
    struct Think: Decodable, Sendable {
        let isOn: Bool

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let isOn = try? value.decode(Bool.self) {
                self.isOn = isOn
            } else {
                isOn = try !value.decode(String.self).isEmpty
            }
        }
    }

    var model: String?
    var messages: [Message]?
    var prompt: String?
    var stream: Bool?
    var think: Think?
    var tools: [Tool]?
    var options: Options?

    /// The question: the last message, or the prompt.
    var question: String { messages?.last?.content ?? prompt ?? "" }

    /// The reason for which a body is rejected, in the words of Ollama, which is written in Go.
    struct Refusal: Error, Sendable {
        let message: String
    }

    /// Parses a body. Slow, so call it on Dispatch.
    static func read(_ bytes: [UInt8]) -> Result<ChatBody, Refusal> {
        do {
            let body = try JSONDecoder().decode(ChatBody?.self, from: Data(bytes))
            guard let body, !(body.model ?? "").isEmpty else { return .failure(Refusal(message: "model is required")) }
            return .success(body)
        } catch DecodingError.typeMismatch(_, let context) {
            let field = context.codingPath.map(\.stringValue).joined(separator: ".")
            return .failure(
                Refusal(message: "json: cannot unmarshal value into Go struct field ChatRequest.\(field)"))
        } catch {
            return .failure(Refusal(message: "unexpected EOF"))
        }
    }
}
