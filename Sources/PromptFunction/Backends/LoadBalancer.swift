internal import EventLoop

/// Chooses the host for a prompt.
enum LoadBalancer {
    /// The place in `backends` of the best one; `nil` when none may take a prompt.
    ///
    /// Of those that may, the best are those that have the model loaded or are loading it, then those that have it,
    /// then those of which nobody knows, then the rest; among these the least busy; among equally busy ones always the
    /// same for the same `prefix`, so that prompts that begin alike find what Ollama has kept of the last one
    /// (rendezvous hashing: when a host comes or goes, no other's prompts move). O(hosts), without an allocation.
    ///
    /// - Parameters:
    ///   - prefix: `PromptPrefix.hash` of the prompt.
    ///   - isAvoided: which hosts are not to be taken while there are others, busy as those may be.
    static func best<Host: Backend>(
        of backends: [Host], for model: ModelName, prefix: UInt64, at now: LoopInstant,
        avoiding isAvoided: (Host) -> Bool = { _ in false }
    ) -> Int? {
        let hasOthers = backends.contains { $0.admitsPrompts && !isAvoided($0) }
        var best: (place: Int, rank: Rank)?
        for place in backends.indices {
            let backend = backends[place]
            guard backend.admitsPrompts, backend.limit == 0 || backend.inFlight < backend.limit else { continue }
            if hasOthers && isAvoided(backend) { continue }
            let rank = Rank(
                availability: backend.inventory.availability(of: model, at: now), inFlight: backend.inFlight,
                score: PromptPrefix.mix(prefix ^ backend.seed))
            if let best, !rank.isBetter(than: best.rank) { continue }
            best = (place, rank)
        }
        return best?.place
    }

    private struct Rank {
        let availability: ModelInventory.Availability
        let inFlight: Int
        let score: UInt64

        func isBetter(than other: Self) -> Bool {
            if availability != other.availability { return availability > other.availability }
            return inFlight == other.inFlight ? score > other.score : inFlight < other.inFlight
        }
    }
}
