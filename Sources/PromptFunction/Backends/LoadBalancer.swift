internal import EventLoop

/// Chooses the host that a prompt is sent to.
enum LoadBalancer {
    /// Returns the index in `backends` of the host that is expected to answer first; `nil` if none may take the prompt
    /// now, or if it is better to wait for one that is full.
    ///
    /// A host that has the model loaded needs its service time for each prompt before this one. One that must load the
    /// model needs the load time too, and something on top, because a load can push another model out: so a single
    /// prompt does not move models, but a long queue does. Hosts that do not have the model are asked only if no other
    /// may have it.
    ///
    /// A host that has lately failed prompts for the model gets none while another one admits prompts and may have the
    /// model.
    ///
    /// Of hosts that are about equal, the same `prefix` always gets the same one, so that prompts that begin alike find
    /// what Ollama has cached of the last one. This is rendezvous hashing: when a host is added or removed, the prompts
    /// of the others do not move. O(hosts), without an allocation.
    ///
    /// - Parameters:
    ///   - pauseName: the name under which hosts remember failures, if it is not the model's.
    ///   - prefix: `PromptPrefix.hash` of the prompt.
    ///   - queued: how many prompts wait for a host, this one included if it waits.
    ///   - isAvoided: which hosts must not be chosen while others admit prompts, even if those others are busy.
    static func best<Host: Backend>(
        of backends: [Host], for model: ModelName, pausedAs pauseName: ModelName? = nil, prefix: UInt64,
        queued: Int = 0, at now: LoopInstant,
        avoiding isAvoided: (Host) -> Bool = { _ in false }
    ) -> Int? {
        if backends.count == 1 { return backends[0].admitsPrompts && !backends[0].isFull ? 0 : nil }
        let choice = Choice(backends, model, pausedAs: pauseName ?? model, at: now, isAvoided)
        var preferred: (index: Int, score: UInt64)?
        for index in backends.indices where choice.has(backends[index], isAvoided(backends[index])) {
            let score = PromptPrefix.mix(prefix ^ backends[index].seed)
            if preferred.map({ score > $0.score }) ?? true { preferred = (index, score) }
        }
        guard let preferred else { return nil }
        var best: (index: Int, cost: Double, inFlight: Int)?
        for index in backends.indices where choice.has(backends[index], isAvoided(backends[index])) {
            let host = backends[index]
            let cost = choice.cost(of: host, queued: host.isFull ? queued : 0, isPreferred: index == preferred.index)
            if let best, (cost, host.inFlight) >= (best.cost, best.inFlight) { continue }
            best = (index, cost, host.inFlight)
        }
        return best.flatMap { backends[$0.index].isFull ? nil : $0.index }
    }

    /// What is known of all hosts when one is chosen.
    private struct Choice<Host: Backend> {
        private let model: ModelName
        private let pauseName: ModelName
        private let now: LoopInstant
        private var avoids = false
        private var skipsPaused = false
        private var skipsAbsent = false
        /// The mean of what hosts need for an answer and for a load, in nanoseconds: the guess for the others.
        private var answer = 1e9
        private var load: Double

        /// While no load has been seen, one is expected to take as long as this many answers.
        private static var answersPerLoad: Double { 4 }
        /// What counts, in answers, against loading a model on one more host.
        private static var swapPenalty: Double { 2 }
        /// What counts, in answers, for the host that the prompt's prefix prefers.
        private static var prefixBonus: Double { 0.75 }

        init(
            _ backends: [Host], _ model: ModelName, pausedAs pauseName: ModelName, at now: LoopInstant,
            _ isAvoided: (Host) -> Bool
        ) {
            self.model = model
            self.pauseName = pauseName
            self.now = now
            load = 0
            avoids = backends.contains { $0.admitsPrompts && !isAvoided($0) }
            skipsPaused = backends.contains {
                has($0, isAvoided($0)) && !$0.isPaused(for: pauseName, at: now) && mayHave($0)
            }
            skipsAbsent = backends.contains { has($0, isAvoided($0)) && mayHave($0) }
            var (answers, loads) = ((sum: 0.0, count: 0.0), (sum: 0.0, count: 0.0))
            for host in backends {
                guard let times = host.inventory.times(of: model) else { continue }
                if let answer = times.answer { answers = (answers.sum + answer, answers.count + 1) }
                if let load = times.load { loads = (loads.sum + load, loads.count + 1) }
            }
            if answers.count > 0 { answer = answers.sum / answers.count }
            load = loads.count > 0 ? loads.sum / loads.count : answer * Self.answersPerLoad
        }

        private func mayHave(_ host: Host) -> Bool { host.inventory.availability(of: model, at: now) > .absent }

        /// Whether the host may be chosen, now or when it is no longer full.
        func has(_ host: Host, _ isAvoided: Bool) -> Bool {
            guard host.admitsPrompts, !(avoids && isAvoided) else { return false }
            if skipsPaused && host.isPaused(for: pauseName, at: now) { return false }
            return !skipsAbsent || mayHave(host)
        }

        /// The nanoseconds after which the host is expected to answer.
        func cost(of host: Host, queued: Int, isPreferred: Bool) -> Double {
            let times = host.inventory.times(of: model)
            let answer = times?.answer ?? answer
            let load = times?.load ?? load
            var cost = Double(host.inFlight + queued + 1) * answer
            if isPreferred { cost -= answer * Self.prefixBonus }
            if host.inventory.isRunning(model) { return cost }
            if let elapsed = times?.loading(at: now) { return cost + max(load - elapsed, 0) }
            return cost + load + Self.swapPenalty * answer
        }
    }
}

extension Backend {
    /// Whether it has as many prompts in flight as it may have.
    var isFull: Bool { limit > 0 && inFlight >= limit }
}
