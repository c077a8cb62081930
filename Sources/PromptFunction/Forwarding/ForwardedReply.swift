internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

/// Passes a host's response on to one client as it arrives. Belongs to the loop's thread.
///
/// Everything from one read is sent in one write, before the read's callback returns.
final class ForwardedReply: ClientReply, ForwardReceiver {
    private let request: Request
    let path: String
    let route: Route
    private var fields: ReplyFields
    private let scratch: ScratchBuffer
    /// Set until the response head is sent. As long as it is set, an error can have its own status.
    private var reply: Reply?
    /// The body of an answer.
    private var body: Body?
    private var flow: BodyFlow?
    private var payloadBytes = 0
    /// Objects or events that have arrived since the last call of `endRead`.
    private var newParts = 0
    /// What the last host that was asked has sent in place of an answer.
    private var refusal: (head: ForwardedHead, body: [UInt8])?
    var positionInQueue: (() -> Int)?
    var prompt: Prompt? {
        didSet { record?.note(prompt) }
    }
    /// `nil` if nobody reads it.
    var record: PromptRecord?
    var tenant: Tenant? { fields.tenant }
    private let loop: EventLoop
    var onBegin: (() -> Void)?
    var modelField: String? {
        get { fields.model }
        set { fields.model = newValue }
    }

    init(
        _ request: Request, _ reply: consuming Reply, to route: Route, _ fields: ReplyFields, scratch: ScratchBuffer,
        on loop: EventLoop
    ) {
        self.request = request
        path = request.path
        self.route = route
        self.fields = fields
        self.scratch = scratch
        self.loop = loop
        self.reply = consume reply
    }

    var hasBegun: Bool { reply == nil }

    func forEachRecord(_ body: (PromptRecord) -> Void) {
        if let record { body(record) }
    }

    func noteAsking(_ backend: EngineBackend) { record?.ask(backend, at: loop.now) }

    /// Accounts for the request to the host, which is kept until the reply is complete.
    func hold(_ count: Int) throws(PromptFailure) {
        payloadBytes = count
        if !request.hold(payloadBytes) { throw .noRoom }
    }

    func mayHold(_ count: Int) -> Bool { request.hold(payloadBytes + count) }

    func ask(_ client: any EngineClient, _ prompt: Prompt, options: RequestOptions?) async throws(OllamaError)
        -> TokenUsage
    {
        let payload = try await payload(of: prompt, for: client, holding: self)
        return try await forward(
            payload, to: client, .answer(route.api, isStreamed: prompt.isStreamed), options: options)
    }

    /// What is sent to a host for a prompt.
    ///
    /// - Parameter holder: accounts for a translation.
    func payload(
        of prompt: Prompt, for client: any EngineClient, holding holder: some ClientReply
    ) async throws(OllamaError) -> Payload {
        guard client.isTranslating, case .prompt(let endpoint) = route, endpoint.api == .ollama else {
            return prompt.payload
        }
        return try await holder.translation(of: prompt, to: endpoint, for: client)
    }

    /// Posts a body to the host, at the same path, and passes the response on.
    ///
    /// - Returns: the tokens, as far as the answer says it.
    func forward(
        _ payload: Payload, to client: any EngineClient, _ kind: ForwardedKind, options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        forgetRefusal()
        return try await client.forward(
            payload, to: path, kind, lines: lines, to: self, options: options)
    }

    /// Forgets what another host has said.
    func forgetRefusal() { refusal = nil }

    /// The fields of the request that are passed on.
    var lines: [UInt8] {
        // A trace goes on with promptd's own span.
        let own = record?.trace == nil ? Self.ownFields : Self.ownFields + TraceContext.fields
        return request.withHead { $0.linesToPassOn(leavingOut: own) } ?? []
    }

    /// The fields of a request that are for promptd only: keys are replaced by the host's, and Ollama would refuse a page
    /// of another origin.
    static let ownFields: [StaticString] = ["authorization", "x-api-key", "origin"]

    // MARK: From the host

    func begin(_ head: ForwardedHead, _ flow: BodyFlow?) {
        self.flow = flow
        onBegin?()
        start(head, length: head.length)
    }

    private func start(_ head: ForwardedHead, length: Int?) {
        guard let reply = reply.take() else { return }
        let lines = fields.lines(record, at: loop.now, step: "answer", after: head.fieldLines)
        body = reply.start(
            passingOn: PassedOnHead(
                status: head.status, fieldLines: lines, fields: fields.fields, length: length))
    }

    func receive(_ bytes: Span<UInt8>, parts: Int) {
        scratch.bytes.append(bytes)
        newParts &+= parts
    }

    var backlog: Int { body?.backlog ?? 0 }

    func endRead() -> Bool {
        defer { scratch.clear() }
        if let record, !scratch.bytes.isEmpty { note(record) }
        guard let backlog = body?.write(scratch.bytes), backlog > Body.backlogLimit else { return true }
        body?.onDrained { [flow] in flow?.resume() }
        return false
    }

    /// Something has come: servers may send the head long before, and a read has a token or several.
    @inline(never)
    private func note(_ record: PromptRecord) {
        if record.firstTokenAt == nil { record.begin(at: loop.now) }
        if record.prompt?.isStreamed == true {
            // What ends in none counts as one: nobody gets an answer for nothing that has no line ends.
            record.count(max(1, newParts), at: loop.now)
        } else {
            record.count(1, at: loop.now)
            record.bill?.receive(scratch.bytes.count)
        }
        newParts = 0
    }

    func discardNews() {
        scratch.clear()
        newParts = 0
    }

    func end() {
        if let body = body.take() { body.end() }
    }

    func refuse(_ head: ForwardedHead, _ body: [UInt8], isWhole: Bool) {
        // A redirect is the host's own business.
        refusal = isWhole && head.status >= 400 ? (head, body) : nil
    }

    // MARK: Failures

    /// If the host's own response says why there is no answer, passes that on. A part of an answer is cut off, so that
    /// the client sees that it is not whole.
    func fail(_ failure: PromptFailure) {
        scratch.clear()
        if reply == nil {
            body = nil
        } else if failure.isHosts, let refusal {
            start(refusal.head, length: refusal.body.count)
            if let body = body.take() { body.end(refusal.body) }
        } else if let reply = reply.take() {
            var response = failure.response(as: .api(route.api))
            response.fields = fields.fields
            response.fieldLines = fields.lines(record, at: loop.now, step: "answer")
            reply.send(response)
        }
    }
}
