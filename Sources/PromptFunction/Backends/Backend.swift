/// What the choice between hosts needs to know of one.
protocol Backend {
    /// A number that stays the host's own from start to start, such as `PromptPrefix.hash` of its URL.
    var seed: UInt64 { get }
    /// Whether its breaker admits prompts.
    var admitsPrompts: Bool { get }
    /// Prompts that are with it.
    var inFlight: Int { get }
    /// Prompts that may be with it; 0 for any number.
    var limit: Int { get }
    var inventory: ModelInventory { get }
}
