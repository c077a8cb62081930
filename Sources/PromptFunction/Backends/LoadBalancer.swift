internal import EventLoop

/// Chooses the host that a prompt is sent to.
enum LoadBalancer {
    /// Returns the index in `backends` of the best host; `nil` if none may take a prompt.
    ///
    /// A host that has lately failed prompts for the model gets none while another one admits prompts and may have the
    /// model. Hosts that have the model loaded or are loading it come first, then hosts that have it, then hosts of which this
    /// is unknown, then the rest. Among these, the least busy host is the best. Among equally busy hosts, the same
    /// `prefix` always gets the same host, so that prompts that begin alike find what Ollama has cached of the last
    /// one. This is rendezvous hashing: when a host is added or removed, the prompts of the others do not move.
    /// O(hosts), without an allocation.
    ///
    /// - Parameters:
    ///   - prefix: `PromptPrefix.hash` of the prompt.
    ///   - isAvoided: which hosts must not be chosen while others admit prompts, even if those others are busy.
    static func best<Host: Backend>(
        of backends: [Host], for model: ModelName, prefix: UInt64, at now: LoopInstant,
        avoiding isAvoided: (Host) -> Bool = { _ in false }
    ) -> Int? {
        let hasOthers = backends.contains { $0.admitsPrompts && !isAvoided($0) }
        let hasPaused = backends.contains { $0.isPaused(for: model, at: now) }
        let hasUnpaused =
            hasPaused
            && backends.contains { host in
                host.admitsPrompts && !(hasOthers && isAvoided(host)) && !host.isPaused(for: model, at: now)
                    && host.inventory.availability(of: model, at: now) > .absent
            }
        var best: (index: Int, rank: Rank)?
        for index in backends.indices {
            let backend = backends[index]
            guard backend.admitsPrompts, backend.limit == 0 || backend.inFlight < backend.limit else { continue }
            if hasOthers && isAvoided(backend) { continue }
            if hasUnpaused && backend.isPaused(for: model, at: now) { continue }
            let rank = Rank(
                availability: backend.inventory.availability(of: model, at: now), inFlight: backend.inFlight,
                score: PromptPrefix.mix(prefix ^ backend.seed))
            if let best, !rank.isBetter(than: best.rank) { continue }
            best = (index, rank)
        }
        return best?.index
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
