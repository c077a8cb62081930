internal import EventLoop
internal import HTTPClient
internal import Ollama

/// One server that runs models: its connections and what is known about it. Belongs to the loop's thread.
///
/// The APIs of servers differ only in the client: the choice of a backend, its breaker, the queue and readiness do not know
/// which one it is.
final class EngineBackend: Backend {
    /// Its address, for the log.
    let url: String
    let client: any EngineClient
    let seed: UInt64
    var name: ServerName { client.isTranslating ? .modelServer : .ollama }
    /// The number of prompts in flight at this backend.
    private(set) var inFlight = 0
    private let maxInFlight: Int
    private var adaptive: ConcurrencyLimiter?
    var breaker = CircuitBreaker()
    private(set) var inventory = ModelInventory()
    private var pauses = ModelPauses()
    /// The result of the last check; `nil` before the first.
    private(set) var lastCheck: Check?
    /// `nil` if nothing is measured.
    var metrics: BackendMetrics?
    /// Called when the circuit breaker opens.
    var onBreakerOpened: () -> Void = {}
    /// Called when the pauses of a model begin, and when they end.
    var onPausesChanged: (ModelName, _ isPaused: Bool) -> Void = { _, _ in }

    /// The result of a check.
    enum Check: Equatable {
        case answers
        /// The check failed with this error.
        case fails(OllamaError)
    }

    init(_ url: String, client: any EngineClient, maxInFlight: Int, isAdaptive: Bool) {
        self.url = url
        self.client = client
        self.maxInFlight = maxInFlight
        adaptive = isAdaptive ? ConcurrencyLimiter(max: maxInFlight > 0 ? maxInFlight : 1024) : nil
        seed = PromptPrefix.hash(url.utf8)
    }

    var limit: Int { adaptive?.limit ?? maxInFlight }

    var admitsPrompts: Bool { breaker.admits }

    func isPaused(for model: ModelName, at now: LoopInstant) -> Bool { pauses.isPaused(model, at: now) }

    // MARK: Prompts

    /// Records that a prompt is sent, and returns its permit.
    ///
    /// - Parameter pauseName: the name under which its failures are remembered.
    func begin(_ model: ModelName, pausedAs pauseName: ModelName, at now: LoopInstant) -> Permit {
        inFlight += 1
        inventory.chatSent(model, at: now)
        pauses.sent(pauseName, at: now)
        return Permit(self, model, pausedAs: pauseName, began: now, epoch: breaker.epoch, inFlight: inFlight)
    }

    /// - Parameter tokens: the number of tokens in the reply, if it was counted.
    func end(_ permit: Permit, _ outcome: Permit.Outcome, tokens: Int?, at now: LoopInstant) {
        inFlight -= 1
        switch outcome {
        case .answered:
            breaker.chatSucceeded(permit.epoch)
            inventory.chatEnded(permit.model, .answered, began: permit.began, at: now)
            endPauses(of: permit.pauseName)
            adaptive?.note(.init(latency: now - permit.began, tokens: tokens, inFlight: permit.inFlight))
        // A server with OpenAI's API may mean the path, or the spelling of the name: only its list says what it has.
        case .failed(let error) where error.saysMissing && !client.isTranslating:
            breaker.chatSucceeded(permit.epoch)
            inventory.chatEnded(permit.model, .missing, began: permit.began, at: now)
            endPauses(of: permit.pauseName)
        case .failed(let error):
            inventory.chatEnded(permit.model, .failed, began: permit.began, at: now)
            note(error, permit, at: now)
        case .inconclusive:
            inventory.chatEnded(permit.model, .failed, began: permit.began, at: now)
            pauses.inconclusive(permit.pauseName, began: permit.began)
        }
    }

    func endPauses(of model: ModelName) {
        if pauses.answered(model) { onPausesChanged(model, false) }
    }

    private func note(_ error: OllamaError, _ permit: Permit, at now: LoopInstant) {
        if error.mayDifferElsewhere || error.saysBusy {
            let isFirst = pauses.failed(permit.pauseName, began: permit.began, retryAfter: error.retryAfter, at: now)
            if isFirst { onPausesChanged(permit.pauseName, true) }
        } else {
            pauses.inconclusive(permit.pauseName, began: permit.began)
        }
        if case .refused(let status, _, _) = error, status < 500 { breaker.chatSucceeded(permit.epoch) }
        guard let failure = CircuitBreaker.Failure(error) else {
            if error.saysBusy { noteOverload(permit, at: now) }
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
        breaker.chatFailed(failure, epoch, at: now, jitter: .random(in: 0...1))
        if !wasOpen && !breaker.admits { onBreakerOpened() }
    }

    // MARK: Checks

    /// Asks the backend which models it has and which are loaded, and records the reply. Runs no model.
    ///
    /// - Returns: whether the backend has recovered after its breaker was open.
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
            // If the breaker opened during the check, that is newer than this result.
            guard wasOpen || breaker.epoch == epoch else { return false }
            breaker.probeSucceeded()
            return wasOpen
        } catch {
            lastCheck = .fails(error)
            if CircuitBreaker.Failure(error) == .refused {
                inventory.hostWasUnreachable()
                fail(.refused, epoch, at: loop.now)
            }
            if wasOpen { breaker.probeFailed(at: loop.now, jitter: .random(in: 0...1)) }
            return false
        }
    }
}
