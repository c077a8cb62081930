internal import JSON
internal import APIs
internal import HTTPServer
internal import HTTPClient
internal import Logging
internal import Ollama

/// Why a prompt has no answer. All HTTP statuses of the function are decided here.
indirect enum PromptFailure: Error, Equatable {
    /// The body is not what the contract says. The sentence is for the client.
    case badRequest(String)
    /// The body has tools, but the client asked for plain text, which cannot carry tool calls.
    case toolsAsText
    /// The client sent no key, or an unknown one.
    case unauthorized
    /// The body has a Content-Encoding that is not understood, such as br.
    case encodedBody(String)
    /// The body is longer than this many bytes when it is decoded.
    case decodedTooLong(limit: Int)
    /// The body has no prompt, which it needs where it was posted.
    case noPrompt
    /// The path is one of an API that is not served, and the body has no prompt.
    case apiNotServed(API, path: String)
    /// The operator does not allow it. The sentence is for the client.
    case forbidden(String)
    /// The client has sent too many requests.
    case rateLimited(retryAfter: Int)
    /// The client's tenant has used the tokens of a minute.
    case tokensUsed(retryAfter: Int)
    /// There is no room for the request to Ollama.
    case noRoom
    /// The queue is full.
    case queueFull(waiting: Int, retryAfter: Int)
    /// The prompt must wait, and is longer than all that may wait.
    case tooLongToQueue(limit: Int)
    /// The prompt has waited for its turn longer than allowed.
    case queueTimeout(Duration, retryAfter: Int)
    /// Every backend has failed lately, and is unavailable until a probe succeeds.
    case allBackendsDown(count: Int, retryAfter: Int, ServerName)
    /// A host gave no answer.
    case ollama(OllamaError, model: String, host: Host)
    /// The client left, so the reply is not needed.
    case cancelled

    /// The host that gave no answer.
    struct Host: Equatable {
        /// For the log.
        let url: String
        let name: ServerName

        init(_ backend: EngineBackend) { self.init(backend.url, backend.name) }

        private init(_ url: String, _ name: ServerName) {
            self.url = url
            self.name = name
        }

        /// One that the log does not name.
        static let unknown = Host("", .ollama)
    }

    var isCancelled: Bool {
        switch self {
        case .cancelled, .ollama(.transport(.cancelled), _, _): true
        default: false
        }
    }

    /// Whether a deadline has passed.
    var isTimeout: Bool {
        switch self {
        case .queueTimeout, .ollama(.transport(.timeout), _, _): true
        default: false
        }
    }

    /// Whether a prompt that was not sent to a host has waited in the queue until then. Others were not let in.
    var endsWaiting: Bool {
        switch self {
        case .queueTimeout, .cancelled: true
        default: false
        }
    }

    /// Whether a host has refused the prompt, or failed while it answered.
    var isHosts: Bool {
        switch self {
        case .ollama(.refused, _, _), .ollama(.failed, _, _): true
        default: false
        }
    }

    /// The response for the client.
    func response(as form: ErrorForm) -> Response {
        let (status, sentence, retryAfter) = parts
        if case .apiNotServed(let api, _) = self {  // a client of that API reads it
            return ErrorForm.api(api).response(status, sentence, retryAfter: retryAfter)
        }
        return form.response(status, sentence, retryAfter: retryAfter)
    }

    /// What a log line says of it. Texts of hosts and clients are cut to 500 characters.
    func logMetadata(withTexts: Bool) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["cause": "\(cause(withTexts: withTexts).cut(to: 500))"]
        if case .ollama(_, let model, let host) = self {
            if !host.url.isEmpty { metadata[host.name.field] = "\(host.url)" }
            metadata["model"] = "\(model.cut(to: 200))"
        }
        return metadata
    }

    var status: Status { parts.0 }

    /// The status, the sentence and the value of Retry-After. The sentence says what the client can do, and nothing
    /// about the host.
    private var parts: (Status, String, Int?) {
        switch self {
        case .badRequest(let sentence): (.badRequest, sentence, nil)
        case .unauthorized:
            (.unauthorized, "Send a valid API key: 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.", nil)
        case .forbidden(let sentence): (.forbidden, sentence, nil)
        case .noPrompt: (.badRequest, "Send a \"prompt\".", nil)
        case .apiNotServed(let api, let path):
            (
                .notFound,
                "\(path.cut(to: 100)) is not served here: start promptd with --apis \(api.rawValue), or send a \"prompt\".",
                nil
            )
        case .encodedBody(let coding):
            (
                .unsupportedMediaType,
                "Send the body as it is, or in one of gzip, deflate and zstd: Content-Encoding '\(coding.cut(to: 40))' is not understood.",
                nil
            )
        case .decodedTooLong(let limit):
            (.contentTooLarge, "The decoded body is longer than the \(limit) bytes that are allowed: send less.", nil)
        case .rateLimited(let seconds):
            (.tooManyRequests, "You have sent too many requests: try again in \(seconds) s.", seconds)
        case .tokensUsed(let seconds):
            (
                .tooManyRequests, "You have used the tokens that you may use in a minute: try again in \(seconds) s.",
                seconds
            )
        case .noRoom: Self.parts(.noRoom, .ollama)
        case .queueFull(_, let seconds):
            (.serviceUnavailable, "Too many prompts are waiting: try again in \(seconds) s.", seconds)
        case .tooLongToQueue(let limit):
            (
                .contentTooLarge,
                "All places are taken, and a prompt that waits may have \(limit) bytes at most: send a shorter one.",
                nil
            )
        case .queueTimeout(_, let seconds):
            (.serviceUnavailable, "The prompt waited too long in the queue: try again in \(seconds) s.", seconds)
        case .allBackendsDown(_, let seconds, let name):
            (.serviceUnavailable, "\(name.atStart) is unavailable: try again in \(seconds) s.", seconds)
        case .cancelled: (.badGateway, "The request was cancelled.", nil)
        case .ollama(.transport(let error), _, let host): Self.parts(error, host.name)
        case .ollama(.refused(let status, let message, let retryAfter), let model, let host):
            // These texts can contain what the client sent, so their length is limited.
            Self.parts(status, message.cut(to: 500), retryAfter, model.cut(to: 200), host.name)
        case .ollama(.malformedResponse, _, let host):
            (.badGateway, "\(host.name.atStart)'s response is malformed.", nil)
        case .ollama(.incomplete, _, let host):
            (.badGateway, "\(host.name.atStart) ended the answer before it was complete.", nil)
        case .ollama(.failed(let message), _, let host):
            (.badGateway, Self.sentence("\(host.name.atStart) failed while it was answering", message), nil)
        case .ollama(.lineTooLong, _, let host):
            (.badGateway, "A line of \(host.name.inside)'s response is too long.", nil)
        case .ollama(.cutToolCall, _, _):
            (.badGateway, "The model used all its tokens within a tool call: raise options.num_predict.", nil)
        case .ollama(.untranslatable(let sentence), _, _): (.badRequest, sentence, nil)
        case .ollama(.onlyThinking, _, _):
            (
                .badGateway,
                "The model used all its tokens for thinking, which text cannot show: raise options.num_predict, send \"think\": false, or send 'Accept: application/json'.",
                nil
            )
        case .ollama(.toolCalls, _, _), .toolsAsText:
            (
                .notAcceptable,
                "Text cannot contain tool calls: send 'Accept: application/json' or, with \"stream\": true, 'Accept: text/event-stream'.",
                nil
            )
        }
    }

    private static func parts(_ error: ClientError, _ name: ServerName) -> (Status, String, Int?) {
        switch error {
        case .unresolved, .unreachable: (.badGateway, "\(name.atStart) cannot be reached.", nil)
        case .timeout(.connect): (.gatewayTimeout, "\(name.atStart) did not accept the connection in time.", nil)
        case .timeout: (.gatewayTimeout, "\(name.atStart) did not answer in time.", nil)
        case .closed(_, .nothing): (.badGateway, "\(name.atStart) closed the connection without an answer.", nil)
        case .closed: (.badGateway, "\(name.atStart)'s response was cut off.", nil)
        case .malformed: (.badGateway, "\(name.atStart)'s response is malformed.", nil)
        case .noRoom: (.serviceUnavailable, "Too much is being received at once: try again later.", 1)
        case .encoded: (.badGateway, "\(name.atStart)'s response is compressed, although that was not asked for.", nil)
        case .tooLarge: (.badGateway, "\(name.atStart)'s response is too long.", nil)
        case .cancelled: (.badGateway, "The request was cancelled.", nil)
        }
    }

    private static func parts(
        _ status: Int, _ message: String, _ retryAfter: Int?, _ model: String, _ name: ServerName
    ) -> (Status, String, Int?) {
        switch status {
        case 404 where name == .modelServer && message.isEmpty:
            (.notFound, "The model server has no such path.", nil)
        case 404 where name == .modelServer:
            (.notFound, sentence("The model server does not have the model '\(model)'", message), nil)
        case 404:
            (.notFound, "Ollama does not have the model '\(model)': get it with 'ollama pull \(model)'.", nil)
        case 400, 422: (.badRequest, sentence("\(name.atStart) refuses the request", message), nil)
        // Ollama replies with status 500 here, although the client made the mistake.
        case 500 where message.hasPrefix("option \""):
            (.badRequest, sentence("\(name.atStart) refuses the request", message), nil)
        case 413: (.contentTooLarge, sentence("The request is too long for \(name.inside)", message), nil)
        case 429: (.tooManyRequests, sentence("\(name.atStart) takes no more requests now", message), retryAfter ?? 5)
        case 503 where message.isEmpty:
            (.serviceUnavailable, "\(name.atStart) is busy: try again later.", retryAfter ?? 5)
        case 503: (.serviceUnavailable, sentence("\(name.atStart) is busy, try again later", message), retryAfter ?? 5)
        default: (.badGateway, sentence("\(name.atStart) failed to answer", message), nil)
        }
    }

    /// Says what went wrong, followed by Ollama's own message if there is one.
    private static func sentence(_ what: String, _ message: String) -> String {
        if message.isEmpty { return what + "." }
        let words = message.cut(to: 500)
        return "\(what): \(words)\(words.hasSuffix(".") ? "" : ".")"
    }

    /// The sentence for the client.
    var sentence: String { parts.1 }

    /// The cause for the log, with details that the client does not get.
    ///
    /// - Parameter withTexts: whether the words of hosts are shown as they are. They often repeat what the client sent, or
    ///   what the model wrote.
    func cause(withTexts: Bool) -> String {
        switch self {
        case .badRequest(let sentence): "bad request: \(sentence)"
        case .toolsAsText: "the request has tools, but asks for text"
        case .unauthorized: "no valid API key"
        case .forbidden(let sentence): "not allowed: \(sentence)"
        case .noPrompt: "no prompt"
        case .apiNotServed(let api, _): "the API is not served: see --apis \(api.rawValue)"
        case .encodedBody(let coding): "unknown Content-Encoding: \(coding.cut(to: 40))"
        case .decodedTooLong(let limit): "longer than \(limit) bytes when it is decoded"
        case .noRoom: "there is no room for the prompt: see --max-buffered-bytes"
        case .rateLimited: "rate limit exceeded"
        case .tokensUsed: "the tenant's tokens of a minute are used"
        case .queueFull(let waiting, _): "the queue is full: \(waiting) prompts are waiting"
        case .tooLongToQueue(let limit): "longer than the \(limit) bytes that may wait: see --max-queue-bytes"
        case .queueTimeout(let time, _): "waited in the queue for \(time)"
        case .allBackendsDown(let count, _, _):
            count == 1 ? "the circuit breaker is open" : "\(count) circuit breakers are open"
        case .cancelled: "the client left"
        case .ollama(.refused(let status, let message, _), _, let host)
        where !withTexts && !HostMessages.isKnown(message):
            "\(host.name.inLog): \(status)\(message.isEmpty ? "" : ", the client was told why")"
        case .ollama(.failed(let message), _, let host) where !withTexts && !HostMessages.isKnown(message):
            "\(host.name.inLog): it reported an error, the client was told which"
        case .ollama(let error, _, let host): "\(host.name.inLog): \(error)"
        }
    }
}
