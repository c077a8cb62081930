internal import EventLoop

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

/// Chooses the host for a prompt.
enum BackendChoice {
    /// The place in `backends` of the best one; `nil` when none may take a prompt.
    ///
    /// Of those that may, the best are those that have the model loaded or are loading it, then those that have it, then those of
    /// which nobody knows, then the rest; among these the least busy; among equally busy ones always the same for the same
    /// `prefix`, so that prompts that begin alike find what Ollama has kept of the last one (rendezvous hashing: when a host
    /// comes or goes, no other's prompts move). O(hosts), without an allocation.
    ///
    /// - Parameter prefix: `PromptPrefix.hash` of the prompt.
    static func best(
        of backends: [some Backend], for model: ModelName, prefix: UInt64, at now: LoopInstant
    ) -> Int? {
        var best: (place: Int, rank: Rank)?
        for place in backends.indices {
            let backend = backends[place]
            guard backend.admitsPrompts, backend.limit == 0 || backend.inFlight < backend.limit else { continue }
            let rank = Rank(
                standing: backend.inventory.standing(of: model, at: now), inFlight: backend.inFlight,
                score: PromptPrefix.mix(prefix ^ backend.seed))
            if let best, !rank.isBetter(than: best.rank) { continue }
            best = (place, rank)
        }
        return best?.place
    }

    private struct Rank {
        let standing: ModelInventory.Standing
        let inFlight: Int
        let score: UInt64

        func isBetter(than other: Self) -> Bool {
            if standing != other.standing { return standing > other.standing }
            return inFlight == other.inFlight ? score > other.score : inFlight < other.inFlight
        }
    }
}

/// Hashes that are the same in every process, so that several promptds choose alike. Not for what an attacker must not guess.
enum PromptPrefix {
    /// How many bytes of a prompt count: enough to tell system prompts apart, few enough for them to stand alone.
    static let length = 256

    /// FNV-1a of the first `length` bytes, mixed.
    static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes.prefix(length) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return mix(hash)
    }

    /// The finalizer of SplitMix64: each bit of the result depends on each of `value`.
    static func mix(_ value: UInt64) -> UInt64 {
        let first = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        let second = (first ^ (first >> 27)) &* 0x94D0_49BB_1331_11EB
        return second ^ (second >> 31)
    }
}
