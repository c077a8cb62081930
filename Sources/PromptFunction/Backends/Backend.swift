internal import EventLoop

/// A host, as far as the choice between hosts needs to know it.
protocol Backend {
    /// A number that identifies the host and is the same after each restart, such as `PromptPrefix.hash` of its URL.
    var seed: UInt64 { get }
    /// Whether its circuit breaker admits prompts.
    var admitsPrompts: Bool { get }
    /// The number of prompts in flight at the host.
    var inFlight: Int { get }
    /// The maximum number of prompts in flight; 0: no limit.
    var limit: Int { get }
    var inventory: ModelInventory { get }
    /// Whether other hosts should be asked for a model, because this one has failed lately.
    func isPaused(for model: ModelName, at now: LoopInstant) -> Bool
}
