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

    /// What it takes to find a place for a prompt. A class, as is `Place`, so that what waits for an answer keeps but a
    /// word of it.
    final class Ticket {
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

    /// A place with an Ollama. `leave` is to be called for each, once.
    final class Place {
        let backend: OllamaBackend
        let visit: OllamaBackend.Visit

        init(_ backend: OllamaBackend, _ visit: OllamaBackend.Visit) {
            self.backend = backend
            self.visit = visit
        }
    }

    private let backends: [OllamaBackend]
    private let limits: Limits
    private let queue: FairQueue<Turn>
    private let loop: EventLoop
    private var rate = ServiceRate()
    private var expiry: LoopTimer?

    /// Somebody who waits for a place.
    private final class Turn {
        let ticket: Ticket
        /// `nil` while it waits, and when its client has left.
        private(set) var outcome: Result<Place, PromptFailure>?
        private let latch: Latch

        init(_ ticket: Ticket, on loop: EventLoop) {
            self.ticket = ticket
            latch = Latch(on: loop)
        }

        func wait() async { await latch.waitUnlessCancelled() }

        func end(_ outcome: Result<Place, PromptFailure>) {
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
    func enter(
        _ ticket: Ticket, client: (() -> ClientIdentity)?, note: ((@escaping () -> Int) -> Void)? = nil
    ) async throws(PromptFailure) -> Place {
        guard backends.contains(where: \.admitsPrompts) else { throw noHost }
        if queue.count == 0 || client == nil, let place = place(for: ticket) { return place }
        let turn = Turn(ticket, on: loop)
        let waiter = try wait(turn, client)
        serve()  // there may be room that the one in front does not want
        if turn.outcome == nil { note?({ [queue] in queue.place(of: waiter) }) }
        await turn.wait()
        guard let outcome = turn.outcome else {
            queue.leave(waiter)
            throw .cancelled
        }
        return try outcome.get()
    }

    /// A prompt is through with its Ollama.
    func leave(_ place: Place, _ outcome: OllamaBackend.Outcome, tokens: Int? = nil) {
        let now = loop.now
        place.backend.end(place.visit, outcome, tokens: tokens, at: now)
        rate.promptEnded(at: now)
        serve()
    }

    /// Lets in whoever there is a place for. To be called when an Ollama answers again.
    func serve() {
        while queue.count > 0, hasRoom {
            // The one in front may wait for an Ollama other than those that have room: the rest need not.
            let first = queue.inFront.flatMap { place(for: $0.ticket) }
            guard let turn = queue.next(skippingFront: first == nil) else { return }
            guard let place = first ?? place(for: turn.ticket) else { preconditionFailure("there was room") }
            turn.end(.success(place))
        }
    }

    private var hasRoom: Bool {
        backends.contains { $0.admitsPrompts && ($0.limit == 0 || $0.inFlight < $0.limit) }
    }

    private func place(for ticket: Ticket) -> Place? {
        let now = loop.now
        let best = BackendChoice.best(of: backends, for: ticket.prompt.model, prefix: ticket.prompt.prefix, at: now) {
            backend in
            ticket.failed.contains { $0 === backend }
        }
        guard let index = best else { return nil }
        rate.promptBegan(at: now)
        return Place(backends[index], backends[index].begin(ticket.prompt.model, at: now))
    }

    // MARK: Waiting

    private func wait(_ turn: Turn, _ client: (() -> ClientIdentity)?) throws(PromptFailure) -> FairQueue<Turn>.Waiter {
        let deadline = turn.ticket.wait > .zero ? loop.now + turn.ticket.wait : nil
        defer { expiry?.deadline = queue.nextDeadline }
        guard let client else {
            return queue.enterFirst(turn, bytes: turn.ticket.prompt.payload.count, deadline: deadline)
        }
        do throws(FairQueue<Turn>.Full) {
            return try queue.enter(turn, client: client(), bytes: turn.ticket.prompt.payload.count, deadline: deadline)
        } catch {
            throw .queueFull(waiting: queue.count, retryAfter: retryAfter)
        }
    }

    private func expire() {
        while let turn = queue.takeExpired(at: loop.now) {
            turn.end(.failure(.waitedTooLong(turn.ticket.wait, retryAfter: retryAfter)))
        }
        expiry?.deadline = queue.nextDeadline
    }

    private var retryAfter: Int { rate.retryAfter(waiting: queue.count, at: loop.now) }

    /// No Ollama may be asked now.
    private var noHost: PromptFailure {
        let probes = backends.compactMap { $0.breaker.nextProbe }
        let seconds = probes.map { ($0 - loop.now).components.seconds + 1 }.min() ?? 1
        return .noHost(count: backends.count, retryAfter: max(1, Int(clamping: seconds)))
    }
}
