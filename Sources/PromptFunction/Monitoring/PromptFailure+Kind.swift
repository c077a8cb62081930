internal import HTTPClient
internal import Ollama

extension PromptFailure {
    /// A short name for metrics: OpenTelemetry's `error.type`. There are few of them, whatever clients and hosts send.
    var kind: String {
        switch self {
        case .badRequest, .toolsAsText, .noPrompt: "bad_request"
        case .encodedBody: "unknown_encoding"
        case .decodedTooLong, .tooLongToQueue: "too_long"
        case .unauthorized: "unauthorized"
        case .forbidden: "forbidden"
        case .apiNotServed: "api_not_served"
        case .rateLimited: "rate_limited"
        case .noRoom: "no_room"
        case .queueFull: "queue_full"
        case .queueTimeout: "queue_timeout"
        case .allBackendsDown: "all_backends_down"
        case .cancelled: "cancelled"
        case .ollama(let error, _, _): error.kind
        }
    }
}

extension OllamaError {
    fileprivate var kind: String {
        switch self {
        case .transport(let error): error.kind
        // Only these: a host may send any number.
        case .refused(let status, _, _):
            [400, 401, 403, 404, 413, 422, 429, 500, 502, 503, 504].contains(status) ? "\(status)" : "other_status"
        case .malformedResponse: "malformed_response"
        case .incomplete: "incomplete_answer"
        case .failed: "failed_answer"
        case .lineTooLong: "line_too_long"
        case .cutToolCall: "cut_tool_call"
        case .onlyThinking: "only_thinking"
        case .toolCalls: "tool_calls_as_text"
        case .untranslatable: "untranslatable"
        }
    }
}

extension ClientError {
    fileprivate var kind: String {
        switch self {
        case .unresolved: "unresolved"
        case .unreachable: "unreachable"
        case .timeout(.connect): "connect_timeout"
        case .timeout(.firstByte): "first_token_timeout"
        case .timeout(.total): "total_timeout"
        case .timeout: "idle_timeout"
        case .closed: "connection_closed"
        case .malformed: "malformed_response"
        case .noRoom: "no_room"
        case .encoded: "encoded_response"
        case .tooLarge: "too_large_response"
        case .cancelled: "cancelled"
        }
    }
}
