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
    private var adaptive: AdaptiveLimit?
    var breaker = CircuitBreaker()
    private(set) var inventory = ModelInventory()
    /// What its last check found; `nil` before the first.
    private(set) var lastCheck: Check?
    private var random = SystemRandomNumberGenerator()
    /// Called when its breaker opens.
    var whenOpened: () -> Void = {}

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
        adaptive = isAdaptive ? AdaptiveLimit(max: maxInFlight > 0 ? maxInFlight : 1024) : nil
        seed = PromptPrefix.hash(host.url.utf8)
    }

    var limit: Int { adaptive?.limit ?? maxInFlight }

    var admitsPrompts: Bool { breaker.admits }

    // MARK: Prompts

    /// A prompt that is with it. `ended` is to be called for each, once.
    struct Visit {
        let model: ModelName
        let began: LoopInstant
        let epoch: CircuitBreaker.Epoch
        /// Prompts that were with it then, this one included.
        let inFlight: Int
    }

    /// A prompt is sent.
    func begin(_ model: ModelName, at now: LoopInstant) -> Visit {
        inFlight += 1
        inventory.chatSent(model, at: now)
        return Visit(model: model, began: now, epoch: breaker.epoch, inFlight: inFlight)
    }

    /// How a visit ended.
    enum Outcome {
        /// With a complete answer.
        case answered
        case failed(OllamaError)
        /// By nothing that the host did.
        case givenUp
    }

    /// - Parameter tokens: of the answer, as far as they were counted.
    func end(_ visit: Visit, _ outcome: Outcome, tokens: Int?, at now: LoopInstant) {
        inFlight -= 1
        switch outcome {
        case .answered:
            breaker.chatSucceeded(visit.epoch)
            inventory.chatEnded(visit.model, .answered, at: now)
            adaptive?.note(.init(latency: now - visit.began, tokens: tokens, inFlight: visit.inFlight))
        case .failed(.refused(status: 404, _, _)):
            breaker.chatSucceeded(visit.epoch)
            inventory.chatEnded(visit.model, .missing, at: now)
        case .failed(let error):
            inventory.chatEnded(visit.model, .failed, at: now)
            note(error, visit, at: now)
        case .givenUp: inventory.chatEnded(visit.model, .failed, at: now)
        }
    }

    private func note(_ error: OllamaError, _ visit: Visit, at now: LoopInstant) {
        if case .refused(let status, _, _) = error, status < 500 { breaker.chatSucceeded(visit.epoch) }
        guard let failure = CircuitBreaker.Failure(error) else {
            if case .refused(status: 503, _, _) = error { noteOverload(visit, at: now) }
            return
        }
        if failure == .deadline { noteOverload(visit, at: now) }
        fail(failure, visit.epoch, at: now)
    }

    private func noteOverload(_ visit: Visit, at now: LoopInstant) {
        adaptive?.note(.init(latency: now - visit.began, tokens: nil, inFlight: visit.inFlight, failed: true))
    }

    private func fail(_ failure: CircuitBreaker.Failure, _ epoch: CircuitBreaker.Epoch, at now: LoopInstant) {
        let wasOpen = !breaker.admits
        breaker.chatFailed(failure, epoch, at: now, using: &random)
        if !wasOpen && !breaker.admits { whenOpened() }
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
            if let models = try await client.models(.there, deadlines: deadlines) {
                inventory.list(there: models.map { ModelName($0) }, asked: asked)
            } else {
                inventory.listsNothingThere()
            }
            if let models = try await client.models(.loaded, deadlines: deadlines) {
                inventory.list(loaded: models.map { ModelName($0) }, asked: asked)
            } else {
                inventory.listsNothingLoaded()
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
