internal import HTTPClient
internal import Ollama

/// A short name of a failure, for metrics: OpenTelemetry's `error.type`. There are few of them, whatever clients and hosts
/// send.
enum FailureKind: String, CaseIterable {
    // The client's own.
    case badRequest = "bad_request"
    case unknownEncoding = "unknown_encoding"
    case tooLong = "too_long"
    case unauthorized
    case forbidden
    case apiNotServed = "api_not_served"
    case rateLimited = "rate_limited"
    case cancelled
    // promptd's.
    case noRoom = "no_room"
    case queueFull = "queue_full"
    case queueTimeout = "queue_timeout"
    case allBackendsDown = "all_backends_down"
    // The backend's.
    case unresolved
    case unreachable
    case connectTimeout = "connect_timeout"
    case firstTokenTimeout = "first_token_timeout"
    case idleTimeout = "idle_timeout"
    case totalTimeout = "total_timeout"
    case connectionClosed = "connection_closed"
    case malformedResponse = "malformed_response"
    case encodedResponse = "encoded_response"
    case tooLargeResponse = "too_large_response"
    case incompleteAnswer = "incomplete_answer"
    case failedAnswer = "failed_answer"
    case lineTooLong = "line_too_long"
    case cutToolCall = "cut_tool_call"
    case onlyThinking = "only_thinking"
    case toolCallsAsText = "tool_calls_as_text"
    case untranslatable
    case status400 = "400"
    case status401 = "401"
    case status403 = "403"
    case status404 = "404"
    case status413 = "413"
    case status422 = "422"
    case status429 = "429"
    case status500 = "500"
    case status502 = "502"
    case status503 = "503"
    case status504 = "504"
    /// A backend may send any number.
    case otherStatus = "other_status"
}

extension PromptFailure {
    var kind: FailureKind {
        switch self {
        case .badRequest, .toolsAsText, .noPrompt: .badRequest
        case .encodedBody: .unknownEncoding
        case .decodedTooLong, .tooLongToQueue: .tooLong
        case .unauthorized: .unauthorized
        case .forbidden: .forbidden
        case .apiNotServed: .apiNotServed
        case .rateLimited, .tokensUsed: .rateLimited
        case .noRoom: .noRoom
        case .queueFull: .queueFull
        case .queueTimeout: .queueTimeout
        case .allBackendsDown: .allBackendsDown
        case .cancelled: .cancelled
        case .ollama(let error, _, _): error.kind
        }
    }
}

extension OllamaError {
    var kind: FailureKind {
        switch self {
        case .transport(let error): error.kind
        case .refused(let status, _, _): FailureKind(rawValue: "\(status)") ?? .otherStatus
        case .malformedResponse: .malformedResponse
        case .incomplete: .incompleteAnswer
        case .failed: .failedAnswer
        case .lineTooLong: .lineTooLong
        case .cutToolCall: .cutToolCall
        case .onlyThinking: .onlyThinking
        case .toolCalls: .toolCallsAsText
        case .untranslatable: .untranslatable
        }
    }
}

extension ClientError {
    fileprivate var kind: FailureKind {
        switch self {
        case .unresolved: .unresolved
        case .unreachable: .unreachable
        case .timeout(.connect): .connectTimeout
        case .timeout(.firstByte): .firstTokenTimeout
        case .timeout(.total): .totalTimeout
        case .timeout: .idleTimeout
        case .closed: .connectionClosed
        case .malformed: .malformedResponse
        case .noRoom: .noRoom
        case .encoded: .encodedResponse
        case .tooLarge: .tooLargeResponse
        case .cancelled: .cancelled
        }
    }
}
