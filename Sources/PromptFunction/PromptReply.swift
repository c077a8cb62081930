internal import APIs
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

/// Sends one client's reply: a whole answer, a streamed answer, or the reason why there is none. Belongs to the loop's
/// thread.
///
/// The path of a token: Ollama's line is parsed in the buffer in which it was received. What the client gets of it is
/// written to a scratch buffer that all replies share. Everything from one read is sent in one write, before the read's
/// callback returns.
final class PromptReply: ClientReply, ChatReceiver {
    private let request: Request
    private var fields: ReplyFields
    private let loop: EventLoop
    private let scratch: ScratchBuffer
    /// The form that the client asked for.
    private(set) lazy var form = request.withHead { AnswerForm($0) } ?? .text
    /// Set until the response head is sent. As long as it is set, an error can have its own status.
    private var reply: Reply?
    /// The body of a stream; set after the response head is sent.
    private var body: Body?
    /// Whether a part of an answer has arrived.
    private(set) var hasBegun = false {
        didSet { if !oldValue { noteBeginning() } }
    }
    var onBegin: (() -> Void)?
    /// Parts with text that have arrived since the last call of `endRead`.
    private var newParts = 0
    /// Whether parts have arrived since the last call of `endRead`.
    private var hasNews = false
    private var isComplete = false
    /// What the model has written, for a reply as text.
    private var text = TextProgress.nothing
    /// Halves of surrogate pairs at the end of what has come.
    private var halves = HalfPairs()
    /// The tokens of a streamed answer.
    private var usage = TokenUsage()
    private var payloadBytes = 0
    private var flow: BodyFlow?
    private var heartbeat: Heartbeat?
    var positionInQueue: (() -> Int)?
    var prompt: Prompt? {
        didSet { record?.note(prompt) }
    }
    var modelField: String? {
        get { fields.model }
        set { fields.model = newValue }
    }
    /// `nil` if nobody reads it.
    var record: PromptRecord?
    var tenant: Tenant? { fields.tenant }

    private enum TextProgress {
        case nothing
        /// Only thinking, which text does not show.
        case thinking
        case shown
    }

    init(
        _ request: Request, _ reply: consuming Reply, _ fields: ReplyFields, scratch: ScratchBuffer, on loop: EventLoop
    ) {
        self.request = request
        self.fields = fields
        self.reply = consume reply
        self.scratch = scratch
        self.loop = loop
    }

    func forEachRecord(_ body: (PromptRecord) -> Void) {
        if let record { body(record) }
    }

    func noteAsking(_ backend: EngineBackend) { record?.ask(backend, at: loop.now) }

    @inline(never)
    private func noteBeginning() {
        onBegin?()
        record?.begin(at: loop.now)
    }

    @inline(never)
    private func countNews() {
        record?.count(newParts, at: loop.now)
        newParts = 0
    }

    // MARK: Memory

    /// Accounts for the request to Ollama, which is kept until the reply is complete.
    func hold(_ count: Int) throws(PromptFailure) {
        payloadBytes = count
        if !request.hold(payloadBytes) { throw .noRoom }
    }

    func mayHold(_ count: Int) -> Bool { request.hold(payloadBytes + count) }

    // MARK: Asking

    @inline(never)
    func ask(_ client: any EngineClient, _ prompt: Prompt, options: RequestOptions?) async throws(OllamaError)
        -> TokenUsage
    {
        if client.isTranslating { return try await askTranslated(client, prompt, options: options) }
        return try await ask(client, prompt, prompt.payload, options: options)
    }

    @inline(never)
    private func askTranslated(
        _ client: any EngineClient, _ prompt: Prompt, options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        let payload = try await translation(of: prompt, to: .chat, for: client)
        return try await ask(client, prompt, payload, options: options)
    }

    @inline(__always)
    private func ask(
        _ client: any EngineClient, _ prompt: Prompt, _ payload: Payload, options: RequestOptions?
    ) async throws(OllamaError) -> TokenUsage {
        if prompt.isStreamed {
            try await client.stream(payload, to: self, options: options)
            return usage
        }
        let answer = try await client.answer(to: payload, as: form.whole, in: self, options: options)
        send(answer)
        return answer.usage
    }

    /// Sends the whole answer.
    func send(_ answer: WholeAnswer) {
        var response = Response(.ok, form == .objects ? .json : .text, body: answer.bytes)
        (response.fields, response.fieldLines) = (fields.fields, lines)
        reply.take()?.send(response)
    }

    // MARK: From Ollama

    /// Starts to send a comment in a stream of server-sent events after each such silence; 0: never.
    func startHeartbeat(every interval: Duration) {
        guard form == .events, interval > .zero else { return }
        heartbeat = Heartbeat(every: interval, on: loop) { [unowned self] in beat() }
    }

    func begin(_ flow: BodyFlow) { self.flow = flow }

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        if part.isEmpty && form != .objects { return }  // as long as the client has nothing, another host may answer
        var halves = halves  // a copy is cheaper than checking the access to the property
        defer { self.halves = halves }
        switch form {
        case .text:
            if part.hasToolCalls { throw .toolCalls }
            part.appendText(to: &scratch.bytes, after: &halves)
            if text != .shown { try note(part) }
        case .objects:
            part.appendObject(to: &scratch.bytes, after: &halves)
            scratch.bytes.append(0x0A)
        case .events: EventWriter.append(part, to: &scratch.bytes, after: &halves)
        }
        hasNews = true
        hasBegun = true
        newParts &+= 1
        if part.isDone {
            isComplete = true
            usage = part.usage
            if !part.hasContent { newParts &-= 1 }
        }
    }

    private func note(_ part: borrowing ChatPart) throws(OllamaError) {
        if part.hasContent {
            text = .shown
        } else if part.hasThinking {
            text = .thinking
        }
        if text == .thinking && part.isDone && part.isCutByLength { throw .onlyThinking }
    }

    var backlog: Int { body?.backlog ?? 0 }

    func endRead() -> Bool {
        guard hasNews else { return true }
        hasNews = false
        if record != nil { countNews() }
        heartbeat?.postpone()
        begin()
        defer { scratch.clear() }
        if isComplete {
            end()
            return true
        }
        guard let backlog = body?.write(scratch.bytes), backlog > Body.backlogLimit else { return true }
        body?.onDrained { [flow] in flow?.resume() }
        return false
    }

    func discardNews() {
        hasNews = false
        newParts = 0
        scratch.clear()
    }

    // MARK: To the client

    /// Further fields of a reply that begins now, as lines.
    private var lines: [UInt8] {
        func step(_ record: PromptRecord?) -> StaticString? {
            if record?.prompt?.isStreamed != true { return "answer" }
            return record?.firstTokenAt == nil ? nil : "first-token"
        }
        return fields.lines(record, at: loop.now, step: step(record))
    }

    /// Sends the response head, if that has not been done.
    private func begin() {
        guard let reply = reply.take() else { return }
        body = reply.start(.ok, form.streamType, fields: fields.fields, lines: lines, unbuffered: true)
        // Plain text does not show thinking, but the head tells the client that the model is working.
        if scratch.bytes.isEmpty && !isComplete { body?.sendHead() }
    }

    /// Ends the reply with the contents of the scratch buffer.
    private func end() {
        heartbeat = nil
        if let body = body.take() { body.end(scratch.bytes) }
    }

    /// Sends a comment after a silence, so that the client and the proxies before it see that the request is still
    /// being processed.
    private func beat() {
        let note = positionInQueue.map { "queued, prompts ahead: \($0())" } ?? "waiting for the model"
        scratch.bytes.append(contentsOf: ": \(note)\n\n".utf8)
        begin()
        body?.write(scratch.bytes)
        scratch.clear()
    }

    /// Tells the client that there is no answer, or no more of it: by a status, by a last object, or by cutting the
    /// reply off.
    func fail(_ failure: PromptFailure) {
        heartbeat = nil
        scratch.clear()
        if let reply = reply.take() {
            var response = failure.response(as: form.errors)
            (response.fields, response.fieldLines) = (fields.fields, lines)
            reply.send(response)
            return
        }
        switch form {
        case .text: body = nil  // cut off: the last chunk is not sent
        case .objects:
            EventWriter.append(failure, asEvent: false, to: &scratch.bytes)
            end()
        case .events:
            EventWriter.append(failure, asEvent: true, to: &scratch.bytes)
            end()
        }
        scratch.clear()
    }
}
