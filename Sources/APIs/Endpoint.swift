/// A path of an API to which clients post what a model shall do.
package enum Endpoint: String, Sendable, CaseIterable {
    case chat = "/api/chat"
    case generate = "/api/generate"
    case embed = "/api/embed"
    case embeddings = "/api/embeddings"
    case chatCompletions = "/v1/chat/completions"
    case completions = "/v1/completions"
    case openAIEmbeddings = "/v1/embeddings"
    case responses = "/v1/responses"
    case messages = "/v1/messages"
    case countTokens = "/v1/messages/count_tokens"

    package var api: API {
        switch self {
        case .chat, .generate, .embed, .embeddings: .ollama
        case .chatCompletions, .completions, .openAIEmbeddings, .responses: .openai
        case .messages, .countTokens: .anthropic
        }
    }

    package var operation: Operation {
        switch self {
        case .chat, .chatCompletions, .responses, .messages: .chat
        case .generate, .completions: .textCompletion
        case .embed, .embeddings, .openAIEmbeddings: .embeddings
        case .countTokens: .countTokens
        }
    }

    /// Whether it is one of Ollama's for embeddings.
    package var isEmbedding: Bool { self == .embed || self == .embeddings }

    /// Whether an answer is streamed if the request does not say so.
    var streamsByDefault: Bool { self == .chat || self == .generate }

    /// The members that limit the tokens of an answer, the usual one first. Empty if there is no answer to limit.
    var tokenLimits: [StaticString] {
        switch self {
        case .chat, .generate: Self.ollamaLimits
        case .chatCompletions, .completions, .messages: Self.otherLimits
        case .responses: Self.responseLimits
        case .embed, .embeddings, .openAIEmbeddings, .countTokens: []
        }
    }

    private static let ollamaLimits: [StaticString] = ["num_predict"]
    // Servers know each other's names, and some that are none of OpenAI's: llama.cpp's server prefers `n_predict` on any
    // path.
    private static let otherLimits: [StaticString] = [
        "max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict", "max_new_tokens",
    ]
    private static let responseLimits: [StaticString] = [
        "max_output_tokens", "max_tokens", "max_completion_tokens", "n_predict", "max_new_tokens",
    ]

    /// Whether the limit of tokens is a member of the object `options`.
    var limitsTokensInOptions: Bool { self == .chat || self == .generate }
}

/// What a model does. Source: OpenTelemetry's registry, `gen_ai.operation.name`.
package enum Operation: String, Sendable {
    case chat
    case textCompletion = "text_completion"
    case embeddings
    /// Not one of OpenTelemetry's.
    case countTokens = "count_tokens"

    /// Whether a model writes tokens.
    package var writes: Bool { self == .chat || self == .textCompletion }
}
