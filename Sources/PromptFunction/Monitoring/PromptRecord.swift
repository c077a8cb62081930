internal import APIs
internal import EventLoop
internal import HTTPServer

/// What happens to one prompt, and when, from its request to the end of its reply. Belongs to the loop's thread.
///
/// There are records only if somebody reads them: see `PromptMonitor`.
final class PromptRecord {
    /// What a prompt is doing.
    enum Phase: String, CaseIterable {
        /// Its body is being read.
        case reading
        /// It waits for a permit.
        case queued
        /// It was sent to a backend, which has not begun to answer.
        case asking
        /// Its answer arrives.
        case streaming
    }

    let number: UInt64
    /// The client's own name for it. It can be read as long as the reply is not complete, and is kept then.
    private(set) lazy var clientID = request.field("X-Request-Id").flatMap(RequestIDs.usable)
    /// Names the prompt in the log, on the page and to the client.
    var id: String { clientID ?? RequestIDs.text(number) }
    /// As long as the reply is not complete, it has the client's address.
    let request: Request
    /// OpenTelemetry's `gen_ai.operation.name`.
    let operation: Operation
    let began: LoopInstant
    private(set) var phase = Phase.reading
    /// When it began to wait for its first permit, when that came, and when the answer began.
    private(set) var queuedAt, askedAt, firstTokenAt: LoopInstant?
    /// The backend that was asked last.
    private(set) var backend: EngineBackend?
    /// How often a backend was asked.
    private(set) var attempts = 0
    /// The prompt as the client sent it; `nil` while its body is being read.
    private(set) var prompt: Prompt?
    /// The prompt that is answered: the same, or the one for another model.
    private(set) var current: Prompt?
    /// The tokens, as far as the answer has said it.
    var usage = TokenUsage()
    /// The parts of a streamed answer that have come: usually one for each token.
    private(set) var parts = 0
    private let totals: PromptTotals
    /// Its place in a trace; `nil` if nobody follows traces.
    let trace: TraceContext?
    /// The nanoseconds it took to open connections for it; `nil` if there was one already.
    private(set) var connecting: Int64?
    /// Whose prompt it is; `nil` if it is no tenant's.
    let tenant: Tenant?
    /// What it uses of its tenant's tokens.
    var bill: TokenBill?

    /// Whether the reply says where the time went.
    let tellsTiming: Bool
    /// The client's address; `nil` if neither the log nor a trace shows it.
    let client: String?

    // Its place among the records of prompts in flight.
    var next: PromptRecord?
    unowned(unsafe) var previous: PromptRecord?

    init(
        _ number: UInt64, _ request: Request, of tenant: Tenant?, operation: Operation, totals: PromptTotals,
        tellsTiming: Bool, logsClient: Bool, trace: TraceContext?, at now: LoopInstant
    ) {
        self.number = number
        self.request = request
        self.tenant = tenant
        self.operation = operation
        self.totals = totals
        self.tellsTiming = tellsTiming
        self.trace = trace
        client = logsClient || trace?.isSampled == true ? request.peer : nil
        began = now
    }

    /// The prompt is to be answered: at first as the client sent it, then by other models.
    func note(_ prompt: Prompt?) {
        guard let prompt else { return }
        if self.prompt == nil { self.prompt = prompt }
        current = prompt
    }

    /// It waits for a permit.
    func queue(at now: LoopInstant) {
        phase = .queued
        if queuedAt == nil { queuedAt = now }
    }

    /// It is sent to a backend.
    func ask(_ backend: EngineBackend, at now: LoopInstant) {
        phase = .asking
        attempts += 1
        self.backend = backend
        if askedAt == nil { askedAt = now }
    }

    /// A connection was opened for it.
    func connected(after time: Duration) { connecting = (connecting ?? 0) + time.inNanoseconds }

    /// Parts of a streamed answer have come.
    @inline(__always)
    func count(_ new: Int, at now: @autoclosure () -> LoopInstant) {
        parts &+= new
        totals.parts &+= new
        bill?.count(new, at: now())
    }

    /// The answer has begun to come.
    func begin(at now: LoopInstant) {
        phase = .streaming
        if firstTokenAt == nil { firstTokenAt = now }
    }
}
