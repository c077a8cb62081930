internal import FoundationEssentials

/// The body of a request, in any of the APIs, with the parts that the stand-in uses.
struct ChatBody: Decodable, Sendable {
    struct Message: Decodable, Sendable {
        var role: String?
        var content: Content?
        var images: [String]?
    }

    /// A text, or an array of parts or texts, as OpenAI's and Anthropic's APIs have them.
    struct Content: Decodable, Sendable {
        let texts: [String]

        private struct Part: Decodable {
            var text: String?
            var content: Content?
        }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let text = try? value.decode(String.self) {
                texts = [text]
            } else if let several = try? value.decode([String].self) {
                texts = several
            } else {
                texts = try value.decode([Part].self).flatMap { $0.text.map { [$0] } ?? $0.content?.texts ?? [] }
            }
        }

        var text: String { texts.joined() }
    }

    struct StreamOptions: Decodable, Sendable {
        var includeUsage: Bool?

        private enum CodingKeys: String, CodingKey {
            case includeUsage = "include_usage"
        }
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

        /// Anthropic's API has the name here.
        var name: String?
        var function: Function?
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
    /// The older name for `model` in requests that do not ask it.
    var name: String?
    var messages: [Message]?
    var prompt: String?
    /// Of `/api/embed` and `/v1/embeddings`: texts; of `/v1/responses`: a text or messages.
    var input: Content?
    var stream: Bool?
    var dimensions: Int?
    var streamOptions: StreamOptions?
    var maxTokens, maxCompletionTokens, maxOutputTokens: Int?
    var think: Think?
    /// What OpenAI's API has in its place.
    var reasoningEffort: String?
    var tools: [Tool]?
    var options: Options?

    private enum CodingKeys: String, CodingKey {
        case model, name, messages, prompt, input, stream, dimensions, think, tools, options
        case streamOptions = "stream_options"
        case reasoningEffort = "reasoning_effort"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case maxOutputTokens = "max_output_tokens"
    }

    /// The question: the last message, or the prompt.
    var question: String { messages?.last?.content?.text ?? prompt ?? input?.texts.last ?? "" }

    /// Maximum tokens of the answer; `nil` or negative: no limit.
    var tokenLimit: Int? { options?.numPredict ?? maxCompletionTokens ?? maxTokens ?? maxOutputTokens }

    /// Whether the model is to think.
    var thinks: Bool { think?.isOn ?? reasoningEffort.map { $0 != "none" } ?? false }

    /// The reason for which a body is rejected, in the words of Ollama, which is written in Go.
    struct Refusal: Error, Sendable {
        let message: String
    }

    /// Parses a body. Slow, so call it on Dispatch.
    ///
    /// - Parameter isAsked: whether a model is asked.
    static func read(_ bytes: [UInt8], isAsked: Bool = true) -> Result<ChatBody, Refusal> {
        do {
            var body = try JSONDecoder().decode(ChatBody?.self, from: Data(bytes))
            if !isAsked, let name = body?.name, body?.model == nil { body?.model = name }
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
