internal import JSON

extension API {
    /// The body of an error, in the form in which the API's clients expect it.
    ///
    /// - Parameters:
    ///   - status: the response's status, from 400 to 599.
    ///   - message: a sentence for the client.
    package func errorBody(status: Int, _ message: String) -> [UInt8] {
        var writer = JSONWriter()
        switch self {
        case .ollama:
            writer.put("{\"error\":")
            writer.put(quoted: message)
            writer.put("}")
        case .openai:
            writer.put("{\"error\":{\"message\":")
            writer.put(quoted: message)
            writer.put(",\"type\":\"")
            writer.put(raw: Self.openAIType(status))
            writer.put("\",\"param\":null,\"code\":")
            writer.put(raw: Self.openAICode(status))
            writer.put("}}")
        case .anthropic:
            writer.put("{\"type\":\"error\",\"error\":{\"type\":\"")
            writer.put(raw: Self.anthropicType(status))
            writer.put("\",\"message\":")
            writer.put(quoted: message)
            writer.put("}}")
        }
        return writer.bytes
    }

    /// Source: openai/openai.go of Ollama, `NewError`; OpenAI's guide "Error codes".
    private static func openAIType(_ status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        default: "api_error"
        }
    }

    private static func openAICode(_ status: Int) -> String {
        switch status {
        case 401: "\"invalid_api_key\""
        case 429: "\"rate_limit_exceeded\""
        default: "null"
        }
    }

    /// Source: Anthropic's API reference, "Errors".
    private static func anthropicType(_ status: Int) -> String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        case 503: "overloaded_error"
        case 504: "timeout_error"
        default: "api_error"
        }
    }
}
