package import APIs
package import HTTPClient

/// A client for one server that runs models. Whatever API the server has, requests and answers are in Ollama's form.
/// Belongs to the loop's thread.
package protocol EngineClient: AnyObject {
    /// Whether the server has another API than Ollama's, so that requests in Ollama's form are sent as their
    /// `translation`.
    var isTranslating: Bool { get }

    /// A request of Ollama's API in the form in which it is sent. Those of other APIs are sent as they are.
    ///
    /// - Parameter endpoint: the path of Ollama's API to which it was posted.
    /// - Throws: `OllamaError.untranslatable`.
    func translation(of request: Payload, to endpoint: Endpoint) async throws(OllamaError) -> Payload

    /// Returns the whole answer to a chat.
    ///
    /// - Parameters:
    ///   - request: the `translation` of a chat with `stream` false.
    ///   - memory: asked before the answer takes memory; `nil`: only `OllamaClient.replyLimit` counts.
    ///   - options: what is special about the request; `nil`: nothing.
    /// - Throws: `OllamaError`. When the task is cancelled the request ends at once.
    func answer(
        to request: Payload, as form: WholeForm, in memory: (any AnswerMemory)?, options: RequestOptions?
    ) async throws(OllamaError) -> WholeAnswer

    /// Gives `receiver` the parts of an answer as they arrive. Returns when the answer is complete.
    ///
    /// - Parameters:
    ///   - request: the `translation` of a chat with `stream` true.
    ///   - options: what is special about the request; `nil`: nothing.
    /// - Throws: `OllamaError`, before or after parts were received. When the task is cancelled the request ends at
    ///   once.
    func stream(
        _ request: Payload, to receiver: some ChatReceiver, options: RequestOptions?
    ) async throws(OllamaError)

    /// Sends a request of an API, and gives `receiver` the response as it arrives. Returns when the answer is complete.
    ///
    /// - Parameters:
    ///   - request: the body, or its `translation`.
    ///   - path: where it was posted.
    ///   - kind: what the response is.
    ///   - lines: the fields of the request, each with its CRLF, without those about the host and the connection.
    ///   - options: what is special about the request; `nil`: nothing.
    /// - Returns: the tokens, as far as the answer says it.
    /// - Throws: `OllamaError`, before or after something was received. When the task is cancelled the request ends at
    ///   once.
    func forward(
        _ request: Payload, to path: String, _ kind: ForwardedKind, lines: [UInt8], to receiver: some ForwardReceiver,
        options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage

    /// Asks for something that runs no model, by a path of Ollama's or OpenAI's API.
    ///
    /// - Returns: the whole response, whatever its status.
    /// - Throws: `OllamaError.transport`.
    func fetch(
        _ method: String, _ path: String, _ body: Payload?, lines: [UInt8], deadlines: Deadlines
    ) async throws(OllamaError) -> (head: ForwardedHead, body: [UInt8])

    /// Returns the model names in a list. Does not run or load any model.
    ///
    /// - Returns: `nil` when the server answers, but not with such a list.
    /// - Throws: `OllamaError` when it does not answer, or fails.
    func models(_ list: ModelList, deadlines: Deadlines) async throws(OllamaError) -> [String]?

    /// Called when a request is sent again because the server had closed the kept connection.
    var onResend: (() -> Void)? { get set }

    /// Has connections that are opened from now on trust something else, if the server speaks TLS.
    func useTLS(_ context: TLSClientContext)

    /// Closes the idle connections.
    func close()
}

/// What a response is that is passed on.
package enum ForwardedKind: Sendable {
    /// A model's answer, which is complete only with its API's own marker if it is streamed.
    case answer(API, isStreamed: Bool)
    /// Anything else, for a request with this method.
    case other(method: String)

    package var isAnswer: Bool {
        switch self {
        case .answer: true
        case .other: false
        }
    }

    /// The method of the request.
    package var method: String {
        switch self {
        case .answer: "POST"
        case .other(let method): method
        }
    }
}
