package import APIs
package import EventLoop
package import HTTPClient
package import Ollama

/// A client for one server with OpenAI's API, such as vLLM, llama.cpp's, Ray Serve or KServe: it translates requests in
/// Ollama's form, and the answers into it. Belongs to the loop's thread.
package final class OpenAIClient: EngineClient {
    let base: OpenAIBaseURL
    let origin: Origin
    let work: WorkQueue
    let fields: [(String, String)]
    private let chatTemplate, embeddingTemplate: RequestTemplate
    /// The names of the models in the last list; `nil` if there is none.
    var listed: [String]?
    private var forwardTemplates: [String: RequestTemplate] = [:]

    /// Makes a client that has no connection yet.
    ///
    /// - Parameters:
    ///   - apiKey: sent as a bearer token. It must not have control characters.
    ///   - tls: what is trusted if the URL's scheme is `https`; `nil`: what the system trusts.
    package init(
        _ base: OpenAIBaseURL, apiKey: String? = nil, tls: TLSClientContext? = nil, deadlines: Deadlines = Deadlines(),
        work: WorkQueue, on loop: EventLoop
    ) {
        self.base = base
        self.work = work
        origin = Origin(
            host: base.address.host, port: base.address.port, tls: base.scheme == .https ? tls ?? .system : nil,
            deadlines: deadlines, on: loop)
        fields = apiKey.map { [("Authorization", "Bearer \($0)")] } ?? []
        let json = [("Content-Type", "application/json")] + fields
        func template(_ path: String) -> RequestTemplate {
            RequestTemplate("POST", path: base.path + path, host: base.address.hostHeader, fields: json)
        }
        chatTemplate = template("/chat/completions")
        embeddingTemplate = template("/embeddings")
    }

    package var onResend: (() -> Void)? {
        get { origin.onResend }
        set { origin.onResend = newValue }
    }

    package func useTLS(_ context: TLSClientContext) { origin.useTLS(context) }

    package func close() { origin.closeIdle() }

    /// A template whose response is passed on.
    ///
    /// - Parameter path: one of OpenAI's API, such as `/v1/models`.
    func template(_ method: String, _ path: String) -> RequestTemplate {
        RequestTemplate(
            method, path: base.path + path.dropFirst("/v1".count), host: base.address.hostHeader,
            fields: fields, keepsFields: true)
    }

    /// The template of a path to which many requests are posted.
    func forwardTemplate(for path: String) -> RequestTemplate {
        if let template = forwardTemplates[path] { return template }
        let template = template("POST", path)
        forwardTemplates[path] = template
        return template
    }

    // MARK: Answers

    package var isTranslating: Bool { true }

    package func translation(of request: Payload, to endpoint: Endpoint) async throws(OllamaError) -> Payload {
        let result = await work.run(weight: request.count) { [listed] in
            Result { () throws(Untranslatable) in
                switch try RequestTranslation.translate(request.copy(), from: endpoint, listed: listed ?? []) {
                case .request(let json): Payload(json)
                case .load(let model): LoadRequest.payload(model: model)
                }
            }
        }
        switch result {
        case .success(let payload): return payload
        case .failure(let error): throw .untranslatable(error.sentence)
        }
    }

    /// Answers a request that only loads a model: it is loaded if the server lists it.
    private func load(_ request: Payload, _ shape: ObjectShape, options: RequestOptions?) async throws(OllamaError)
        -> StoredPart
    {
        let names = try await models(.local, deadlines: options?.deadlines ?? origin.deadlines)
        let wanted = LoadRequest.model(request)
        guard let model = names.map({ ListedName.find(wanted, in: $0) }) ?? wanted else {
            throw .refused(status: 404, message: "it is not in its list of models", retryAfter: nil)
        }
        return LoadRequest.answer(model: model, shape)
    }

    package func answer(
        to request: Payload, as form: WholeForm, in memory: (any AnswerMemory)?, options: RequestOptions?
    ) async throws(OllamaError) -> WholeAnswer {
        try await answer(to: request, .chat, as: form, in: memory, options: options)
    }

    /// Returns the whole answer to a request to one of the endpoints of Ollama's API.
    func answer(
        to request: Payload, _ endpoint: Endpoint, as form: WholeForm, in memory: (any AnswerMemory)?,
        options: RequestOptions?
    ) async throws(OllamaError) -> WholeAnswer {
        if LoadRequest.isOne(request) {
            let part = try await load(request, endpoint == .generate ? .generate : .chat, options: options)
            return WholeAnswer(bytes: form == .object ? part.bytes : [], usage: TokenUsage())
        }
        return try await origin.answer(
            to: request, endpoint.isEmbedding ? embeddingTemplate : chatTemplate, as: form, in: memory,
            options: options, work: work, translation: Self.translation(for: endpoint, began: .now))
    }

    /// - Parameter began: when the request was sent.
    private static func translation(
        for endpoint: Endpoint, began: ContinuousClock.Instant
    ) -> WholeReply.Translation {
        switch endpoint {
        case .embed, .embeddings:
            { bytes throws(OllamaError) in
                EmbeddingTranslation.translate(bytes, isOld: endpoint == .embeddings, began: began)
            }
        default:
            { bytes throws(OllamaError) in
                try WholeTranslation.translate(bytes, endpoint == .generate ? .generate : .chat, began: began)
            }
        }
    }

    package func stream(
        _ request: Payload, to receiver: some ChatReceiver, options: RequestOptions?
    ) async throws(OllamaError) {
        try await stream(request, .chat, to: receiver, options: options)
    }

    func stream(
        _ request: Payload, _ shape: ObjectShape, to receiver: some ChatReceiver, options: RequestOptions?
    ) async throws(OllamaError) {
        if LoadRequest.isOne(request) {
            try (try await load(request, shape, options: options)).withPart(receiver.receive)
            _ = receiver.endRead()
            return
        }
        try await origin.stream(
            request, chatTemplate, to: receiver, options: options, work: work,
            translator: StreamTranslation(shape))
    }
}
