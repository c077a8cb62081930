internal import HTTPServer
internal import HTTPClient
internal import Ollama

/// Why a prompt has no answer. The HTTP statuses of the function are decided here, and nowhere else.
indirect enum PromptFailure: Error, Equatable {
    /// The body is not what the contract says. The sentence is for the client.
    case badRequest(String)
    /// The body gives tools, and plain text is asked for, which has no place for calls to them.
    case toolsAsText
    /// The client has no key, or one that is not known.
    case unauthorized
    /// The operator does not allow it. The sentence is for the client.
    case forbidden(String)
    /// The client has asked as often as it may.
    case rateLimited(retryAfter: Int)
    /// As many prompts wait as may.
    case queueFull(waiting: Int, retryAfter: Int)
    /// The prompt has waited for its turn as long as it may.
    case queueTimeout(Duration, retryAfter: Int)
    /// Every Ollama has failed lately, and is unavailable until a probe succeeds.
    case allBackendsDown(count: Int, retryAfter: Int)
    /// Ollama gave no answer.
    case ollama(OllamaError, model: String)
    /// The client left: nobody reads the reply.
    case cancelled

    var isCancelled: Bool {
        switch self {
        case .cancelled, .ollama(.transport(.cancelled), _): true
        default: false
        }
    }

    /// What the client gets.
    func response(asJSON: Bool) -> Response {
        let (status, sentence, retryAfter) = told
        return .failure(status, sentence, asJSON: asJSON, retryAfter: retryAfter)
    }

    var status: Status { told.0 }

    /// Status, sentence and Retry-After. The sentence says what the client can do, and nothing of the host.
    private var told: (Status, String, Int?) {
        switch self {
        case .badRequest(let sentence): (.badRequest, sentence, nil)
        case .unauthorized:
            (.unauthorized, "Send a valid API key: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.", nil)
        case .forbidden(let sentence): (.forbidden, sentence, nil)
        case .rateLimited(let seconds):
            (.tooManyRequests, "You have asked as often as you may: try again in \(seconds) s.", seconds)
        case .queueFull(_, let seconds):
            (.serviceUnavailable, "Too many prompts are waiting: try again in \(seconds) s.", seconds)
        case .queueTimeout(_, let seconds):
            (.serviceUnavailable, "The prompt's turn did not come in time: try again in \(seconds) s.", seconds)
        case .allBackendsDown(_, let seconds):
            (.serviceUnavailable, "Ollama is unavailable: try again in \(seconds) s.", seconds)
        case .cancelled: (.badGateway, "The request was given up.", nil)
        case .ollama(.transport(let error), _): Self.tell(error)
        case .ollama(.refused(let status, let message, let retryAfter), let model):
            // What the client sent comes back in part only, however long it was.
            Self.tell(status, String(message.prefix(500)), retryAfter, String(model.prefix(200)))
        case .ollama(.malformedResponse, _): (.badGateway, "Ollama's reply makes no sense.", nil)
        case .ollama(.incomplete, _): (.badGateway, "Ollama broke the answer off before its end.", nil)
        case .ollama(.failed(let message), _):
            (.badGateway, Self.sentence("Ollama failed while it was answering", message), nil)
        case .ollama(.lineTooLong, _): (.badGateway, "A part of Ollama's answer is too long.", nil)
        case .ollama(.toolCalls, _), .toolsAsText:
            (
                .notAcceptable,
                "Tool calls are no text: send 'Accept: application/json' or, with \"stream\": true, 'Accept: text/event-stream'.",
                nil
            )
        }
    }

    private static func tell(_ error: ClientError) -> (Status, String, Int?) {
        switch error {
        case .unresolved, .unreachable: (.badGateway, "Ollama cannot be reached.", nil)
        case .timeout(.connect): (.gatewayTimeout, "Ollama did not take the connection in time.", nil)
        case .timeout: (.gatewayTimeout, "Ollama did not answer in time.", nil)
        case .closed(_, beforeFirstByte: true): (.badGateway, "Ollama closed the connection without an answer.", nil)
        case .closed: (.badGateway, "Ollama's reply was cut off.", nil)
        case .malformed: (.badGateway, "Ollama's reply makes no sense.", nil)
        case .tooLarge: (.badGateway, "Ollama's reply is too long.", nil)
        case .cancelled: (.badGateway, "The request was given up.", nil)
        }
    }

    private static func tell(
        _ status: Int, _ message: String, _ retryAfter: Int?, _ model: String
    ) -> (Status, String, Int?) {
        switch status {
        case 404:
            (.notFound, "Ollama does not have the model '\(model)': get it with 'ollama pull \(model)'.", nil)
        case 400: (.badRequest, sentence("Ollama refuses the request", message), nil)
        // Which it answers 500, though it is the client's mistake.
        case 500 where message.hasPrefix("option \""):
            (.badRequest, sentence("Ollama refuses the request", message), nil)
        case 429, 503: (.serviceUnavailable, "Ollama is busy: try again later.", retryAfter ?? 5)
        default: (.badGateway, sentence("Ollama failed to answer", message), nil)
        }
    }

    /// What went wrong, with Ollama's own words if there are any.
    private static func sentence(_ what: String, _ message: String) -> String {
        if message.isEmpty { return what + "." }
        let words = message.prefix(500)
        return "\(what): \(words)\(words.hasSuffix(".") ? "" : ".")"
    }

    /// The one sentence for the client.
    var sentence: String { told.1 }

    /// For the log: what happened, with all that the client is not told.
    var cause: String {
        switch self {
        case .badRequest(let sentence): "bad request: \(sentence)"
        case .toolsAsText: "tools, but text is asked for"
        case .unauthorized: "no valid API key"
        case .forbidden(let sentence): "not allowed: \(sentence)"
        case .rateLimited: "rate limit"
        case .queueFull(let waiting, _): "\(waiting) prompts are waiting"
        case .queueTimeout(let time, _): "waited for \(time)"
        case .allBackendsDown(let count, _):
            count == 1 ? "the circuit breaker is open" : "all \(count) circuit breakers are open"
        case .cancelled: "the client left"
        case .ollama(let error, _): "ollama: \(error)"
        }
    }
}
