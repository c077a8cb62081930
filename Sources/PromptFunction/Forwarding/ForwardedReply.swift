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
    /// Further header fields for any reply.
    private let fields: [HeaderField]
    /// Those, the model's, and those of the request's record.
    private var allFields: [HeaderField] {
        var all = fields
        if let field = modelField.flatMap({ HeaderField("X-Promptd-Model", $0) }) { all.append(field) }
        if let tenant { all += tenant.rateLimitFields }
        if let record, record.tellsTiming {
            all += record.fields(at: loop.now, step: "answer")
        }
        return all
    }
    private let scratch: ScratchBuffer
    /// Set until the response head is sent. As long as it is set, an error can have its own status.
    private var reply: Reply?
    /// The body of an answer.
    private var body: Body?
    private var flow: BodyFlow?
    private var payloadBytes = 0
    /// What the last host that was asked has sent in place of an answer.
    private var refusal: (head: ForwardedHead, body: [UInt8])?
    var positionInQueue: (() -> Int)?
    var prompt: Prompt? {
        didSet { record?.note(prompt) }
    }
    /// `nil` if nobody reads it.
    var record: PromptRecord?
    let tenant: Tenant?
    private let loop: EventLoop
    var onBegin: (() -> Void)?
    var modelField: String?

    init(
        _ request: Request, _ reply: consuming Reply, to route: Route, of tenant: Tenant?, fields: [HeaderField],
        scratch: ScratchBuffer, on loop: EventLoop
    ) {
        self.request = request
        self.tenant = tenant
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
        var fields = allFields
        if record?.tellsTiming == true, Self.hasRequestID(head.fieldLines) {
            fields.removeAll { $0.name == "X-Request-Id" }  // the host's own goes on
        }
        body = reply.start(
            passingOn: PassedOnHead(
                status: head.status, fieldLines: head.fieldLines, fields: fields, length: length))
    }

    private static func hasRequestID(_ lines: [UInt8]) -> Bool {
        String(decoding: lines, as: UTF8.self).lowercased().split(separator: "\r\n").contains {
            $0.hasPrefix("x-request-id:")
        }
    }

    func receive(_ bytes: Span<UInt8>) {
        scratch.bytes.append(bytes)
    }

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
        record.count(prompt?.isStreamed == true ? max(1, events) : 1)
    }

    /// How many objects or events have come in this read, of which a model sends one for each token, usually: in Ollama's
    /// API each has a line, in the others an empty line ends it.
    private var events: Int {
        let lines = scratch.bytes.count { $0 == 0x0A }
        guard route.api != .ollama else { return lines }
        var count = 0
        var last: UInt8 = 0
        for byte in scratch.bytes {
            if byte == 0x0A && last == 0x0A { count += 1 }
            if byte != 0x0D { last = byte }
        }
        return count
    }

    func discardNews() { scratch.clear() }

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
            response.fields = allFields
            reply.send(response)
        }
    }
}
