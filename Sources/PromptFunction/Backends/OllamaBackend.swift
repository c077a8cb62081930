internal import EventLoop
internal import HTTPClient
internal import Ollama

/// One Ollama: the connections to it, and what is known of it. Belongs to the loop's thread.
final class OllamaBackend: Backend {
    let host: OllamaHost
    let client: OllamaClient
    let seed: UInt64
    /// Prompts that are with it.
    private(set) var inFlight = 0
    private let maxInFlight: Int
    private var adaptive: ConcurrencyLimiter?
    var breaker = CircuitBreaker()
    private(set) var inventory = ModelInventory()
    /// What its last check found; `nil` before the first.
    private(set) var lastCheck: Check?
    private var random = SystemRandomNumberGenerator()
    /// Called when its breaker opens.
    var onBreakerOpened: () -> Void = {}

    /// What a check found.
    enum Check: Equatable {
        case answers
        /// Why it does not.
        case fails(OllamaError)
    }

    init(_ host: OllamaHost, client: OllamaClient, maxInFlight: Int, isAdaptive: Bool) {
        self.host = host
        self.client = client
        self.maxInFlight = maxInFlight
        adaptive = isAdaptive ? ConcurrencyLimiter(max: maxInFlight > 0 ? maxInFlight : 1024) : nil
        seed = PromptPrefix.hash(host.url.utf8)
    }

    var limit: Int { adaptive?.limit ?? maxInFlight }

    var admitsPrompts: Bool { breaker.admits }

    // MARK: Prompts

    /// A prompt is sent.
    func begin(_ model: ModelName, at now: LoopInstant) -> Permit {
        inFlight += 1
        inventory.chatSent(model, at: now)
        return Permit(self, model, began: now, epoch: breaker.epoch, inFlight: inFlight)
    }

    /// - Parameter tokens: of the answer, as far as they were counted.
    func end(_ permit: Permit, _ outcome: Permit.Outcome, tokens: Int?, at now: LoopInstant) {
        inFlight -= 1
        switch outcome {
        case .answered:
            breaker.chatSucceeded(permit.epoch)
            inventory.chatEnded(permit.model, .answered, at: now)
            adaptive?.note(.init(latency: now - permit.began, tokens: tokens, inFlight: permit.inFlight))
        case .failed(.refused(status: 404, _, _)):
            breaker.chatSucceeded(permit.epoch)
            inventory.chatEnded(permit.model, .missing, at: now)
        case .failed(let error):
            inventory.chatEnded(permit.model, .failed, at: now)
            note(error, permit, at: now)
        case .inconclusive: inventory.chatEnded(permit.model, .failed, at: now)
        }
    }

    private func note(_ error: OllamaError, _ permit: Permit, at now: LoopInstant) {
        if case .refused(let status, _, _) = error, status < 500 { breaker.chatSucceeded(permit.epoch) }
        guard let failure = CircuitBreaker.Failure(error) else {
            if case .refused(status: 503, _, _) = error { noteOverload(permit, at: now) }
            return
        }
        if failure == .deadline { noteOverload(permit, at: now) }
        fail(failure, permit.epoch, at: now)
    }

    private func noteOverload(_ permit: Permit, at now: LoopInstant) {
        adaptive?.note(.init(latency: now - permit.began, tokens: nil, inFlight: permit.inFlight, failed: true))
    }

    private func fail(_ failure: CircuitBreaker.Failure, _ epoch: CircuitBreaker.Epoch, at now: LoopInstant) {
        let wasOpen = !breaker.admits
        breaker.chatFailed(failure, epoch, at: now, using: &random)
        if !wasOpen && !breaker.admits { onBreakerOpened() }
    }

    // MARK: Checks

    /// Asks what it has and what it has loaded, and takes note. Runs no model.
    ///
    /// - Returns: whether it answers again, after its breaker was open.
    func check(deadlines: Deadlines, on loop: EventLoop) async -> Bool {
        let (asked, epoch) = (loop.now, breaker.epoch)
        let wasOpen = !breaker.admits
        breaker.probeBegan()
        do throws(OllamaError) {
            if let models = try await client.models(.local, deadlines: deadlines) {
                inventory.list(local: models.map { ModelName($0) }, asked: asked)
            } else {
                inventory.cannotListLocal()
            }
            if let models = try await client.models(.running, deadlines: deadlines) {
                inventory.list(running: models.map { ModelName($0) }, asked: asked)
            } else {
                inventory.cannotListRunning()
            }
            lastCheck = .answers
            // A breaker that opened meanwhile knows more than this.
            guard wasOpen || breaker.epoch == epoch else { return false }
            breaker.probeSucceeded()
            return wasOpen
        } catch {
            lastCheck = .fails(error)
            if CircuitBreaker.Failure(error) == .refused {
                inventory.hostWasAway()
                fail(.refused, epoch, at: loop.now)
            }
            if wasOpen { breaker.probeFailed(at: loop.now, using: &random) }
            return false
        }
    }
}
