internal import EventLoop
internal import HTTPClient

/// Limits how many prompts each backend handles at once, and queues the rest fairly. Belongs to the loop's thread.
///
/// A queued prompt costs the memory of its task, its body and a queue entry. It needs no connection and no timer, and
/// causes no thread switch.
final class Admission {
    /// How many prompts may wait, and for how long.
    struct Limits: Sendable {
        /// The number of queued prompts; 0: none may wait.
        var count = 16_384
        var bytes = 256 << 20
        /// How long a prompt may wait; 0: without limit.
        var wait = Duration.seconds(600)
        var weights = PriorityClass.Weights()
    }

    /// A prompt's request for a permit. A class, like `Permit`, so that a task that waits for a reply keeps only one
    /// word of it.
    final class Request {
        let prompt: Prompt
        /// How long it may wait; 0: without limit.
        let wait: Duration
        /// Whose prompt it is; `nil` if it is no tenant's.
        let tenant: Tenant?
        /// The backends that have failed this prompt, or are busy: it waits for another one.
        var failed: [EngineBackend] = []
        /// Whether it counts among its tenant's prompts in flight.
        fileprivate var isInFlight = false

        init(_ prompt: Prompt, of tenant: Tenant?, wait: Duration) {
            self.prompt = prompt
            self.tenant = tenant
            self.wait = wait
        }

        /// Whether it has to wait for other prompts of its tenant.
        fileprivate var isParked: Bool { !isInFlight && (tenant?.isFull ?? false) }
    }

    private let backends: [EngineBackend]
    private(set) var limits: Limits
    private let queue: FairQueue<QueuedPrompt>
    private let loop: EventLoop
    private var rate = ThroughputEstimator()
    private var expiry: LoopTimer?

    /// A prompt that waits for a permit.
    private final class QueuedPrompt {
        let request: Request
        /// `nil` while the prompt waits, and when its client has left.
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

    init(to backends: [EngineBackend], _ limits: Limits, on loop: EventLoop) {
        self.backends = backends
        self.limits = limits
        self.loop = loop
        queue = FairQueue(maxCount: limits.count, maxBytes: limits.bytes, weights: limits.weights)
        expiry = LoopTimer(on: loop) { [unowned self] in expire() }
    }

    /// Uses other limits from now on. Prompts that are queued stay.
    func replace(_ limits: Limits) {
        self.limits = limits
        queue.replace(maxCount: limits.count, maxBytes: limits.bytes, weights: limits.weights)
    }

    /// The number of queued prompts.
    var waiting: Int { queue.count }

    /// The number of queued prompts that wait for backends, and not for others of their tenant.
    var unparked: Int { queue.count - queue.parked }

    /// The number of queued prompts of a class.
    func waiting(_ priority: PriorityClass) -> Int { queue.count(of: priority) }

    /// The number of queued prompts of a tenant.
    func waiting(of tenant: Tenant) -> Int { queue.held(by: tenant.identity).count }

    /// The bytes of the queued prompts.
    var waitingBytes: Int { queue.bytes }

    /// The number of prompts that backends are handling.
    var inFlight: Int { backends.reduce(0) { $0 + $1.inFlight } }

    // MARK: Permits

    /// Gets a permit for a prompt, and waits for it if necessary. Gives up when the task is cancelled.
    ///
    /// - Parameters:
    ///   - client: returns the client in whose queue the prompt waits; called only if the prompt has to wait. `nil`:
    ///     the prompt was admitted before, and now goes ahead of all others.
    ///   - note: called if the prompt has to wait, with a closure that returns how many prompts are ahead of it.
    /// - Throws: why there is no permit.
    @inline(never)
    func acquire(
        _ request: Request, client: (() -> ClientIdentity)?, note: ((@escaping () -> Int) -> Void)? = nil
    ) async throws(PromptFailure) -> Permit {
        guard backends.contains(where: \.admitsPrompts) else { throw allBackendsDown }
        if unparked == 0 || client == nil, let permit = admit(request) { return permit }
        let queued = QueuedPrompt(request, on: loop)
        let entry = try wait(queued, client)
        parkIfFull(request.tenant)
        serve()  // there may be a permit that the first prompt does not want
        // Nor did those want it that were offered: each call offers it to some only.
        if queued.outcome == nil, let permit = admit(request) {
            queue.remove(entry)
            return permit
        }
        if queued.outcome == nil { note?({ [queue] in queue.position(of: entry) }) }
        await queued.wait()
        guard let outcome = queued.outcome else {
            queue.remove(entry)
            throw .cancelled
        }
        return try outcome.get()
    }

    /// Returns a permit, because the backend has finished with the prompt, and admits queued prompts.
    func release(_ permit: Permit, _ outcome: Permit.Outcome, tokens: Int? = nil) {
        let now = loop.now
        permit.backend.end(permit, outcome, tokens: tokens, at: now)
        rate.promptEnded(at: now)
        serve()
    }

    /// Admits as many queued prompts as there are permits. Must be called when a backend has recovered.
    func serve() {
        // A prompt may wait for a backend that has no permit left: the others must not wait for that.
        while queue.count > 0, hasRoom,
            let (queued, permit) = queue.take({ permit(for: $0.request) })
        {
            queued.end(.success(permit))
            parkIfFull(queued.request.tenant)
        }
    }

    /// The prompts of a tenant that has as many in flight as it may have wait for these, and not for backends.
    private func parkIfFull(_ tenant: Tenant?) {
        if let tenant, tenant.isFull { queue.park(tenant.identity) }
    }

    /// A prompt that has got a permit has ended, with its retries: another one of its tenant's may be in flight.
    func end(_ request: Request) {
        guard let tenant = request.tenant, request.isInFlight else { return }
        request.isInFlight = false
        tenant.end()
        tenantMayContinue(tenant)
    }

    /// A tenant may have other prompts in flight than before: others have ended, or it has another limit or class.
    func tenantMayContinue(_ tenant: Tenant) {
        if queue.count == 0 { return }
        queue.move(tenant.identity, to: tenant.settings.priority)
        guard !tenant.isFull else { return queue.park(tenant.identity) }
        queue.unpark(tenant.identity)
        serve()
    }

    private var hasRoom: Bool {
        backends.contains { $0.admitsPrompts && !$0.isFull }
    }

    private func admit(_ request: Request) -> Permit? {
        guard let permit = permit(for: request) else { return nil }
        parkIfFull(request.tenant)
        return permit
    }

    private func permit(for request: Request) -> Permit? {
        if request.isParked { return nil }
        let now = loop.now
        let best = LoadBalancer.best(
            of: backends, for: request.prompt.model, pausedAs: request.prompt.pauseName, prefix: request.prompt.prefix,
            queued: unparked, at: now
        ) { backend in
            request.failed.contains { $0 === backend }
        }
        guard let index = best else { return nil }
        rate.promptBegan(at: now)
        if let tenant = request.tenant, !request.isInFlight {
            request.isInFlight = true
            tenant.begin()
        }
        return backends[index].begin(request.prompt.model, pausedAs: request.prompt.pauseName, at: now)
    }

    // MARK: Waiting

    private func wait(_ queued: QueuedPrompt, _ client: (() -> ClientIdentity)?) throws(PromptFailure)
        -> FairQueue<QueuedPrompt>.Entry
    {
        let bytes = queued.request.prompt.payload.count
        let deadline = queued.request.wait > .zero ? loop.now + queued.request.wait : nil
        defer { expiry?.deadline = queue.nextDeadline }
        guard let client else {
            return queue.enqueueFirst(queued, bytes: bytes, deadline: deadline)
        }
        do throws(FairQueue<QueuedPrompt>.Full) {
            let tenant = queued.request.tenant
            if let tenant { try checkShare(of: tenant, bytes) }
            return try queue.enqueue(
                queued, client: tenant?.identity ?? client(), priority: tenant?.settings.priority ?? .interactive,
                bytes: bytes, deadline: deadline)
        } catch {
            if bytes > limits.bytes { throw .tooLongToQueue(limit: limits.bytes) }
            throw .queueFull(waiting: queue.count, retryAfter: retryAfter)
        }
    }

    /// A tenant may have four times as much in the queue as is free, so that others find room. Source: A. Choudhury and E.
    /// Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998.
    private func checkShare(of tenant: Tenant, _ bytes: Int) throws(FairQueue<QueuedPrompt>.Full) {
        let held = queue.held(by: tenant.identity)
        if held.count >= 4 * (limits.count - queue.count) { throw .prompts(limit: limits.count) }
        if held.bytes + bytes > 4 * (limits.bytes - queue.bytes) { throw .bytes(limit: limits.bytes) }
    }

    private func expire() {
        while let queued = queue.takeExpired(at: loop.now) {
            queued.end(.failure(.queueTimeout(queued.request.wait, retryAfter: retryAfter)))
        }
        expiry?.deadline = queue.nextDeadline
    }

    private var retryAfter: Int { rate.retryAfter(waiting: unparked, at: loop.now) }

    /// The error for when every circuit breaker is open that could serve a prompt.
    var allBackendsDown: PromptFailure {
        let probes = backends.compactMap { $0.breaker.nextProbe }
        let seconds = probes.map { ($0 - loop.now).components.seconds + 1 }.min() ?? 1
        return .allBackendsDown(
            count: backends.count { !$0.admitsPrompts }, retryAfter: max(1, Int(clamping: seconds)),
            ServerName(of: backends))
    }
}
