public import EventLoop
public import HTTPClient

/// Asks one Ollama. Belongs to the loop's thread.
public final class OllamaClient {
    /// Bytes of a whole reply. A model's answer is text: this is some thousand times a long one.
    public static let replyLimit = 64 * 1024 * 1024

    /// Bytes of one line of a streamed reply, as in Ollama's own client. Source: api/client.go, maxBufferSize.
    public static let lineLimit = 8 * 1024 * 1024

    let origin: Origin
    let work: WorkQueue
    private let chatTemplate: RequestTemplate
    private let listTemplates: (local: RequestTemplate, running: RequestTemplate)

    /// - Parameter apiKey: sent as a bearer token, as Ollama's own clients do with `OLLAMA_API_KEY`.
    public init(
        _ host: OllamaHost, apiKey: String? = nil, deadlines: Deadlines = Deadlines(), work: WorkQueue,
        on loop: EventLoop
    ) {
        origin = Origin(host: host.host, port: host.port, deadlines: deadlines, on: loop)
        let key = apiKey.map { [("Authorization", "Bearer \($0)")] } ?? []
        // Our own Host field: Ollama refuses a foreign one with 403.
        chatTemplate = RequestTemplate(
            "POST", path: host.path + "/api/chat", host: host.hostHeader,
            fields: [("Content-Type", "application/json")] + key)
        func list(_ list: ModelList) -> RequestTemplate {
            RequestTemplate("GET", path: host.path + list.path, host: host.hostHeader, fields: key)
        }
        listTemplates = (list(.local), list(.running))
        self.work = work
    }

    func template(for list: ModelList) -> RequestTemplate {
        switch list {
        case .local: listTemplates.local
        case .running: listTemplates.running
        }
    }

    /// Called when a request is sent again because the connection that was kept for it had been closed.
    public var onResend: (() -> Void)? {
        get { origin.onResend }
        set { origin.onResend = newValue }
    }

    /// Requests that Ollama is answering.
    public var requestsInFlight: Int { origin.requestsInFlight }

    /// Closes the connections that are kept.
    public func close() { origin.closeIdle() }

    /// The whole answer to a chat, as text.
    ///
    /// - Throws: `OllamaError`. When the task is cancelled the request to Ollama ends at once.
    public func answer(to chat: ChatRequest) async throws(OllamaError) -> String {
        var chat = chat
        chat.stream = false
        return String(decoding: try await answer(to: Payload(chat.json)).bytes, as: UTF8.self)
    }

    /// Gives `receive` the text of an answer as it comes, a token or more at a time. Returns when the answer is
    /// complete.
    ///
    /// - Throws: `OllamaError`, before or after text was received. When the task is cancelled the request to Ollama
    ///   ends at once.
    public func stream(_ chat: ChatRequest, _ receive: @escaping (String) -> Void) async throws(OllamaError) {
        var chat = chat
        chat.stream = true
        try await stream(Payload(chat.json), to: TextReceiver(receive))
    }

    /// The whole answer to a chat.
    ///
    /// - Parameters:
    ///   - request: the JSON of a chat with `stream` false.
    ///   - deadlines: other ones than the client's.
    /// - Throws: `OllamaError`. When the task is cancelled the request to Ollama ends at once.
    package func answer(
        to request: Payload, as form: WholeForm = .text, deadlines: Deadlines? = nil
    ) async throws(OllamaError) -> WholeAnswer {
        let reply: WholeReply
        do throws(ClientError) {
            reply = try await origin.withResponse(to: chatTemplate, payload: request, deadlines: deadlines) {
                response throws(ClientError) in
                try await WholeReply(reading: response, as: form, work: work)
            }
        } catch {
            throw .transport(error)
        }
        return try reply.answer()
    }

    /// Gives `receiver` the parts of an answer as they come. Returns when the answer is complete.
    ///
    /// - Parameters:
    ///   - request: the JSON of a chat with `stream` true.
    ///   - deadlines: other ones than the client's.
    /// - Throws: `OllamaError`, before or after parts were received. When the task is cancelled the request to Ollama
    ///   ends at once.
    package func stream(
        _ request: Payload, to receiver: some ChatReceiver, deadlines: Deadlines? = nil
    ) async throws(OllamaError) {
        let reader = ChatReader(receiver)
        var refusal: WholeReply?
        do throws(ClientError) {
            refusal = try await origin.withResponse(to: chatTemplate, payload: request, deadlines: deadlines) {
                response throws(ClientError) in
                guard response.head.status == 200 else {
                    return try await WholeReply(reading: response, as: .object, work: work)
                }
                receiver.begin(response.flow)
                _ = try await response.deliver(to: reader)
                return nil
            }
        } catch {
            if reader.isComplete { return }  // only the end of the HTTP message is missing
            throw .transport(error)
        }
        _ = try refusal?.answer()
        try reader.end()
    }
}

/// Makes a string of each part's text.
private final class TextReceiver: ChatReceiver {
    private let receive: (String) -> Void

    init(_ receive: @escaping (String) -> Void) { self.receive = receive }

    func begin(_ flow: BodyFlow) {}

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        if part.hasToolCalls { throw .toolCalls }
        var text: [UInt8] = []
        part.appendText(to: &text)
        if !text.isEmpty { receive(String(decoding: text, as: UTF8.self)) }
    }

    func settle() -> Bool { true }
}
