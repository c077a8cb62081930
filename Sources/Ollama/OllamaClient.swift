package import APIs
public import EventLoop
public import HTTPClient

/// A client for one Ollama server. Belongs to the loop's thread.
public final class OllamaClient: EngineClient {
    /// Maximum bytes of a whole reply. An answer is text, and this is about a thousand times a long one.
    public static let replyLimit = 64 * 1024 * 1024

    /// Maximum bytes of one line of a streamed reply, as in Ollama's own client. Source: api/client.go, maxBufferSize.
    public static let lineLimit = 8 * 1024 * 1024

    let origin: Origin
    let work: WorkQueue
    private let chatTemplate: RequestTemplate
    private let host: OllamaHost
    /// Fields of all requests.
    private let fields: [(String, String)]
    private var forwardTemplates: [String: RequestTemplate] = [:]
    private let listTemplates: (local: RequestTemplate, running: RequestTemplate)

    /// Makes a client that has no connection yet.
    ///
    /// - Parameters:
    ///   - apiKey: sent as a bearer token, as Ollama's own clients do with `OLLAMA_API_KEY`. It must not have control
    ///     characters.
    ///   - tls: what is trusted if the host's scheme is `https`; `nil`: what the system trusts.
    public init(
        _ host: OllamaHost, apiKey: String? = nil, tls: TLSClientContext? = nil, deadlines: Deadlines = Deadlines(),
        work: WorkQueue, on loop: EventLoop
    ) {
        origin = Origin(
            host: host.host, port: host.port, tls: host.scheme == .https ? tls ?? .system : nil, deadlines: deadlines,
            on: loop)
        let key = apiKey.map { [("Authorization", "Bearer \($0)")] } ?? []
        // The Host field names this host: Ollama rejects other names with 403.
        chatTemplate = RequestTemplate(
            "POST", path: host.path + "/api/chat", host: host.hostHeader,
            fields: [("Content-Type", "application/json")] + key)
        func list(_ list: ModelList) -> RequestTemplate {
            RequestTemplate("GET", path: host.path + list.path, host: host.hostHeader, fields: key)
        }
        listTemplates = (list(.local), list(.running))
        self.host = host
        fields = key
        self.work = work
    }

    /// A template for one of the paths to which requests of an API are posted; the response is passed on.
    func template(for path: String) -> RequestTemplate {
        if let template = forwardTemplates[path] { return template }
        let template = template("POST", path)
        forwardTemplates[path] = template
        return template
    }

    /// A template whose response is passed on.
    func template(_ method: String, _ path: String) -> RequestTemplate {
        RequestTemplate(
            method, path: host.path + path, host: host.hostHeader, fields: fields, keepsFields: true)
    }

    func template(for list: ModelList) -> RequestTemplate {
        switch list {
        case .local: listTemplates.local
        case .running: listTemplates.running
        }
    }

    package var onResend: (() -> Void)? {
        get { origin.onResend }
        set { origin.onResend = newValue }
    }

    /// The number of requests that Ollama is answering.
    public var requestsInFlight: Int { origin.requestsInFlight }

    package func useTLS(_ context: TLSClientContext) { origin.useTLS(context) }

    /// Closes the idle connections.
    public func close() { origin.closeIdle() }

    /// Returns the whole answer to a chat, as text.
    ///
    /// - Throws: `OllamaError`. When the task is cancelled the request to Ollama ends at once.
    public func answer(to chat: ChatRequest) async throws(OllamaError) -> String {
        var chat = chat
        chat.stream = false
        return String(decoding: try await answer(to: Payload(chat.json)).bytes, as: UTF8.self)
    }

    /// Gives `receive` the text of an answer as it arrives, a token or more at a time. Returns when the answer is
    /// complete.
    ///
    /// - Throws: `OllamaError`, before or after text was received. When the task is cancelled the request to Ollama
    ///   ends at once.
    public func stream(_ chat: ChatRequest, _ receive: @escaping (String) -> Void) async throws(OllamaError) {
        var chat = chat
        chat.stream = true
        try await stream(Payload(chat.json), to: TextReceiver(receive))
    }

    package var isTranslating: Bool { false }

    package func translation(of request: Payload, to endpoint: Endpoint) async throws(OllamaError) -> Payload {
        request
    }

    package func answer(
        to request: Payload, as form: WholeForm = .text, in memory: (any AnswerMemory)? = nil,
        options: RequestOptions? = nil
    ) async throws(OllamaError) -> WholeAnswer {
        try await origin.answer(
            to: request, chatTemplate, as: form, in: memory, options: options, work: work)
    }

    package func stream(
        _ request: Payload, to receiver: some ChatReceiver, options: RequestOptions? = nil
    ) async throws(OllamaError) {
        try await origin.stream(request, chatTemplate, to: receiver, options: options, work: work)
    }
}

/// Passes on each part's text as a string.
private final class TextReceiver: ChatReceiver {
    private let receive: (String) -> Void
    private var halves = HalfPairs()

    init(_ receive: @escaping (String) -> Void) { self.receive = receive }

    func begin(_ flow: BodyFlow) {}

    func mayHold(_ count: Int) -> Bool { true }

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        if part.hasToolCalls { throw .toolCalls }
        var text: [UInt8] = []
        part.appendText(to: &text, after: &halves)
        if !text.isEmpty { receive(String(decoding: text, as: UTF8.self)) }
    }

    func endRead() -> Bool { true }
}
