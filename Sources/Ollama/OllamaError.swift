public import HTTPClient

/// Why Ollama gave no answer.
public indirect enum OllamaError: Error, Equatable, CustomStringConvertible {
    /// Ollama could not be reached, or its response was not a complete HTTP response.
    case transport(ClientError)
    /// Ollama replied with `status`; `message` is its JSON `error` field, or empty.
    case refused(status: Int, message: String, retryAfter: Int?)
    /// The reply does not follow Ollama's API.
    case malformedResponse
    /// Ollama ended the answer without saying that it is complete, as it does after a token repeated too often.
    case incomplete
    /// Ollama reported an error, either instead of an answer or after the answer had begun.
    case failed(message: String)
    /// A line of a stream is longer than this many bytes.
    case lineTooLong(limit: Int)
    /// The model calls tools, but the caller accepts only text.
    case toolCalls
    /// The model used all its tokens within a tool call.
    case cutToolCall
    /// The request has something that the API of the server lacks. The sentence is for the client.
    case untranslatable(String)
    /// The model used all its tokens for thinking, but the caller accepts only text, which does not show it.
    case onlyThinking

    public var description: String {
        switch self {
        case .transport(let error): "\(error)"
        case .refused(let status, let message, _): "\(status) \(message)"
        case .malformedResponse: "the response does not follow the API"
        case .incomplete: "the answer ended before it was complete"
        case .failed(let message): "it reported an error: \(message)"
        case .lineTooLong(let limit): "a line of the stream is longer than \(limit) bytes"
        case .toolCalls: "the model calls tools, but only text is accepted"
        case .cutToolCall: "the model used all its tokens within a tool call"
        case .untranslatable(let sentence): "not to be translated: \(sentence)"
        case .onlyThinking: "the model used all its tokens for thinking, but only text is accepted"
        }
    }
}

extension OllamaError {
    /// The error that a response reports, whose status is not 200.
    package static func refused(_ head: ResponseHead, _ error: ReportedError) -> Self {
        // The runner's status counts if it blames the request.
        let isClients = head.status >= 500 && error.status.map { [400, 413, 422].contains($0) } ?? false
        return .refused(status: isClients ? 400 : head.status, message: error.message, retryAfter: head.retryAfter)
    }
}
