internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Ollama

/// One client's reply: an answer, whole or as Ollama makes it, or why there is none. Belongs to the loop's thread.
///
/// The token path: Ollama's line is read where it was received, what the client gets of it goes to a scratch buffer
/// that all replies share, and what one read brought leaves in one write, before the read's callback returns.
final class PromptReply: ChatReceiver {
    private let request: Request
    private let loop: EventLoop
    private let scratch: ScratchBuffer
    /// How the client wants it.
    private(set) lazy var form = AnswerForm(request)
    /// Until the head is due: an error has its own status as long as it is here.
    private var reply: Reply?
    /// From the head on, of a stream.
    private var body: Body?
    /// Whether parts came that `settle` has not seen.
    private var hasNews = false
    private var isComplete = false
    /// `eval_count` of the answer.
    private(set) var tokens: Int?
    private var flow: BodyFlow?
    private var heartbeat: LoopTimer?
    private var interval = Duration.zero
    /// How many prompts are before this one, while it waits for its turn.
    var positionInQueue: (() -> Int)?

    init(_ request: Request, _ reply: consuming Reply, scratch: ScratchBuffer, on loop: EventLoop) {
        self.request = request
        self.reply = consume reply
        self.scratch = scratch
        self.loop = loop
    }

    // MARK: Whole

    /// Sends the whole answer.
    func send(_ answer: WholeAnswer) {
        tokens = answer.tokens
        reply.take()?.send(Response(.ok, form == .objects ? .json : .text, body: answer.bytes))
    }

    // MARK: From Ollama

    /// From now on server-sent events get a comment after so much silence; 0 for none.
    func startHeartbeat(every interval: Duration) {
        guard form == .events, interval > .zero else { return }
        self.interval = interval
        heartbeat = LoopTimer(on: loop) { [unowned self] in beat() }
        heartbeat?.deadline = loop.now + interval
    }

    func begin(_ flow: BodyFlow) { self.flow = flow }

    func receive(_ part: borrowing ChatPart) throws(OllamaError) {
        switch form {
        case .text:
            if part.hasToolCalls { throw .toolCalls }
            part.appendText(to: &scratch.bytes)
        case .objects:
            part.appendObject(to: &scratch.bytes)
            scratch.bytes.append(0x0A)
        case .events: EventWriter.append(part, to: &scratch.bytes)
        }
        hasNews = true
        if part.isDone {
            isComplete = true
            tokens = part.tokens
        }
    }

    func settle() -> Bool {
        guard hasNews else { return true }
        hasNews = false
        heartbeat?.deadline = loop.now + interval
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

    // MARK: To the client

    /// Begins the reply, if that has not been done.
    private func begin() {
        guard let reply = reply.take() else { return }
        body = reply.start(.ok, form.streamType, unbuffered: true)
        // Thinking that text does not show is a sign of life all the same.
        if scratch.bytes.isEmpty && !isComplete { body?.sendHead() }
    }

    /// What is in the scratch buffer is the last of the reply.
    private func end() {
        heartbeat = nil
        if let body = body.take() { body.end(scratch.bytes) }
    }

    /// Nothing has come for a while. Those between here and the client, and the client, see that somebody is at work.
    private func beat() {
        heartbeat?.deadline = loop.now + interval
        let note = positionInQueue.map { "waiting for a turn, \($0()) before this one" } ?? "waiting for the model"
        scratch.bytes.append(contentsOf: ": \(note)\n\n".utf8)
        begin()
        body?.write(scratch.bytes)
        scratch.clear()
    }

    /// Tells the client that there is no answer, or no more of it: by a status, a last object, or by breaking off.
    func fail(_ failure: PromptFailure) {
        heartbeat = nil
        scratch.clear()
        if let reply = reply.take() {
            reply.send(failure.response(asJSON: form.tellsErrorsAsJSON))
            return
        }
        switch form {
        case .text: body = nil  // cut: the chunk that ends it does not come
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

/// Memory for what is being written: one for all replies, since each empties it before another's turn. Belongs to the
/// loop's thread.
final class ScratchBuffer {
    var bytes: [UInt8] = []

    /// Empties it, and gives memory back that only an unusual line needs.
    func clear() { bytes.removeAll(keepingCapacity: bytes.capacity <= 256 * 1024) }
}
