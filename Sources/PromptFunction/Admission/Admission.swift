internal import EventLoop
internal import HTTPClient
internal import Ollama

/// Lets prompts to the Ollamas: at most so many at a time to each, the others in turn. Belongs to the loop's thread.
///
/// A prompt that waits costs its task's memory, its body and a place in the queue: no connection, no timer, no switch.
final class Admission {
    /// What may wait, and for how long.
    struct Limits: Sendable {
        /// Prompts; 0: none may wait.
        var count = 16_384
        var bytes = 256 << 20
        /// How long one may wait; 0 for any time.
        var wait = Duration.seconds(600)
    }

    /// What it takes to find a place for a prompt. A class, as is `Permit`, so that what waits for an answer keeps but
    /// a word of it.
    final class Request {
        let prompt: Prompt
        /// How long it may wait; 0 for any time.
        let wait: Duration
        /// The Ollamas that have failed it: another is waited for.
        var failed: [OllamaBackend] = []

        init(_ prompt: Prompt, wait: Duration) {
            self.prompt = prompt
            self.wait = wait
        }
    }

    private let backends: [OllamaBackend]
    private let limits: Limits
    private let queue: FairQueue<QueuedPrompt>
    private let loop: EventLoop
    private var rate = ThroughputEstimator()
    private var expiry: LoopTimer?

    /// Somebody who waits for a place.
    private final class QueuedPrompt {
        let request: Request
        /// `nil` while it waits, and when its client has left.
        private(set) var outcome: Result<Permit, PromptFailure>?
        private let latch: Latch

        init(_ request: Request, on loop: EventLoop) {
            self.request = request
            latch = Latch(on: loop)
        }

        func wait() async { await latch.waitUnlessCancelled() }

        func end(_ outcome: Result<Permit, PromptFailure>) {
            self.outcome = outcome
            latch.open()
        }
    }

    init(to backends: [OllamaBackend], _ limits: Limits, on loop: EventLoop) {
        self.backends = backends
        self.limits = limits
        self.loop = loop
        queue = FairQueue(maxCount: limits.count, maxBytes: limits.bytes)
        expiry = LoopTimer(on: loop) { [unowned self] in expire() }
    }

    /// Prompts that wait.
    var waiting: Int { queue.count }

    /// Prompts that are with an Ollama.
    var inFlight: Int { backends.reduce(0) { $0 + $1.inFlight } }

    // MARK: Coming and going

    /// Finds a place for a prompt, and waits for it if need be. Gives up when the task is cancelled.
    ///
    /// - Parameters:
    ///   - client: whose line it stands in; asked for only when it has to wait. `nil`: it was served before, and goes
    ///     before all.
    ///   - note: told how to ask how many are before it, when it has to wait.
    /// - Throws: why there is no place.
    @inline(never)
    func acquire(
        _ request: Request, client: (() -> ClientIdentity)?, note: ((@escaping () -> Int) -> Void)? = nil
    ) async throws(PromptFailure) -> Permit {
        guard backends.contains(where: \.admitsPrompts) else { throw allBackendsDown }
        if queue.count == 0 || client == nil, let permit = permit(for: request) { return permit }
        let queued = QueuedPrompt(request, on: loop)
        let entry = try wait(queued, client)
        serve()  // there may be room that the one in front does not want
        if queued.outcome == nil { note?({ [queue] in queue.position(of: entry) }) }
        await queued.wait()
        guard let outcome = queued.outcome else {
            queue.remove(entry)
            throw .cancelled
        }
        return try outcome.get()
    }

    /// A prompt is through with its Ollama.
    func release(_ permit: Permit, _ outcome: Permit.Outcome, tokens: Int? = nil) {
        let now = loop.now
        permit.backend.end(permit, outcome, tokens: tokens, at: now)
        rate.promptEnded(at: now)
        serve()
    }

    /// Lets in whoever there is a place for. To be called when an Ollama answers again.
    func serve() {
        while queue.count > 0, hasRoom {
            // The one in front may wait for an Ollama other than those that have room: the rest need not.
            let first = queue.inFront.flatMap { permit(for: $0.request) }
            guard let queued = queue.dequeue(skippingFront: first == nil) else { return }
            guard let permit = first ?? permit(for: queued.request) else { preconditionFailure("there was room") }
            queued.end(.success(permit))
        }
    }

    private var hasRoom: Bool {
        backends.contains { $0.admitsPrompts && ($0.limit == 0 || $0.inFlight < $0.limit) }
    }

    private func permit(for request: Request) -> Permit? {
        let now = loop.now
        let best = LoadBalancer.best(of: backends, for: request.prompt.model, prefix: request.prompt.prefix, at: now) {
            backend in
            request.failed.contains { $0 === backend }
        }
        guard let index = best else { return nil }
        rate.promptBegan(at: now)
        return backends[index].begin(request.prompt.model, at: now)
    }

    // MARK: Waiting

    private func wait(_ queued: QueuedPrompt, _ client: (() -> ClientIdentity)?) throws(PromptFailure)
        -> FairQueue<QueuedPrompt>.Entry
    {
        let deadline = queued.request.wait > .zero ? loop.now + queued.request.wait : nil
        defer { expiry?.deadline = queue.nextDeadline }
        guard let client else {
            return queue.enqueueFirst(queued, bytes: queued.request.prompt.payload.count, deadline: deadline)
        }
        do throws(FairQueue<QueuedPrompt>.Full) {
            return try queue.enqueue(
                queued, client: client(), bytes: queued.request.prompt.payload.count, deadline: deadline)
        } catch {
            throw .queueFull(waiting: queue.count, retryAfter: retryAfter)
        }
    }

    private func expire() {
        while let queued = queue.takeExpired(at: loop.now) {
            queued.end(.failure(.queueTimeout(queued.request.wait, retryAfter: retryAfter)))
        }
        expiry?.deadline = queue.nextDeadline
    }

    private var retryAfter: Int { rate.retryAfter(waiting: queue.count, at: loop.now) }

    /// No Ollama may be asked now.
    private var allBackendsDown: PromptFailure {
        let probes = backends.compactMap { $0.breaker.nextProbe }
        let seconds = probes.map { ($0 - loop.now).components.seconds + 1 }.min() ?? 1
        return .allBackendsDown(count: backends.count, retryAfter: max(1, Int(clamping: seconds)))
    }
}
