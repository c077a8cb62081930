internal import EventLoop

/// Finds how many prompts a backend should handle at once: as many as Ollama runs in parallel, so that hardly any waits
/// in Ollama's own queue.
///
/// Prompts are measured in rounds. The *pace* of a round is the sum of its latencies divided by the sum of its reply
/// tokens, so that long replies do not look like a slow backend. The *unloaded pace* is the pace with at most half the
/// limit in flight. If `n` prompts in flight raise the pace from `u` to `p`, then about `n · (1 − u / p)` of them wait
/// in Ollama's queue, by Little's law. The threshold for that number is `queue`, or more if chance explains more. Above
/// the threshold, the limit shrinks by half of that number and then does not grow for some rounds. Below half the
/// threshold, if the limit was reached, it grows by one (it doubles until it first shrinks). So the limit swings
/// between what Ollama runs at once and one more. To measure the unloaded pace of a busy backend, the limit is halved
/// for some prompts, once in `measureEvery` rounds. This costs about 2 % of the throughput. A failure lowers the limit
/// by a quarter, once for all prompts that were in flight then.
///
/// This assumes that the pace does not depend on how many prompts run, up to Ollama's own limit. If the prompts share
/// one GPU, each further prompt slows the others, and the limit settles lower: nearer to the shortest latency than to
/// the highest throughput.
///
/// O(1). Belongs to one thread.
struct ConcurrencyLimiter {
    /// A prompt that has ended.
    struct Sample {
        /// The time from sending the prompt to the end of the reply.
        var latency: Duration
        /// The reply's tokens, `eval_count`. `nil` if unknown: then each prompt counts as one token. A backend should
        /// report them always or never.
        var tokens: Int?
        /// The prompts in flight at this backend when this one was sent, itself included.
        var inFlight: Int
        /// Whether Ollama was busy (503) or a deadline passed: then the latency says nothing.
        var failed = false
    }

    /// The prompts in a round, or twice the limit if that is more: enough to know the pace within a few percent.
    static let round = 32
    /// The prompts that measure the unloaded pace, or the halved limit if that is more.
    static let measure = 16
    static let measureEvery = 40
    /// The rounds in which the limit does not grow after it shrank.
    static let rest = 3
    /// How many prompts may wait in Ollama's queue.
    static let queue = 0.75

    /// How many prompts may be in flight at this backend: 1...`max`.
    var limit: Int { measured == nil ? current : Swift.max(current / 2, 1) }
    let max: Int
    private var current: Int
    private var isStarting = true
    private var resting = 0
    private var unloadedPace: Double?
    private var busy = Pace()
    /// The measurement that runs while the limit is halved.
    private var measured: Pace?
    /// The prompts under the halved limit that ended before measuring began.
    private var skipped = 0
    /// The rounds since the unloaded pace was measured.
    private var age = 0
    /// The prompts that were sent under another limit and have not ended.
    private var stale = 0
    /// The highest number in flight in this round.
    private var highest = 0

    /// - Parameters:
    ///   - max: the fixed upper bound of the limit; at least 1.
    ///   - start: the initial limit.
    init(max: Int, start: Int = 4) {
        self.max = Swift.max(max, 1)
        current = min(Swift.max(start, 1), self.max)
    }

    /// Records the end of a prompt.
    mutating func note(_ sample: Sample) {
        if sample.failed {
            isStarting = false
            if stale == 0 { change(to: current - Swift.max(current / 4, 1)) } else { stale -= 1 }
            return
        }
        if measured != nil {
            noteMeasurement(sample)
        } else if stale > 0 {
            stale -= 1
        } else {
            noteBusy(sample)
        }
    }

    private mutating func noteMeasurement(_ sample: Sample) {
        guard sample.inFlight <= limit else { return }
        // The first prompts to end have short replies: they are not typical.
        skipped += 1
        guard skipped > limit else { return }
        measured?.add(sample)
        guard let pace = measured, pace.count >= Swift.max(Self.measure, limit) else { return }
        learn(pace.value)
        measured = nil
        stale = Swift.max(current / 2, 1)
    }

    private mutating func noteBusy(_ sample: Sample) {
        highest = Swift.max(highest, sample.inFlight)
        busy.add(sample)
        guard busy.count >= Swift.max(Self.round, 2 * current) else { return }
        age += 1
        decide(busy)
        busy = Pace()
        highest = 0
    }

    /// Adjusts the limit after a round.
    private mutating func decide(_ pace: Pace) {
        // With one prompt in flight, none waits behind another.
        let isUnloaded = current == 1 || highest <= current / 2
        if isUnloaded { learn(pace.value) }
        // A limit that was not reached needs no change.
        guard highest >= current else { return }
        guard let unloadedPace, isUnloaded || (age < Self.measureEvery && pace.value > unloadedPace * 0.75) else {
            measured = Pace()
            skipped = 0
            return
        }
        let waiting = Double(current) * (1 - unloadedPace / pace.value)
        // If the pace is uncertain, so is the number of waiting prompts.
        let slack = Swift.max(1.5 * Double(current) * pace.error, Self.queue)
        if waiting > slack {
            isStarting = false
            resting = Self.rest
            change(to: current - Swift.max(Int((waiting / 2).rounded(.up)), 1))
        } else if resting > 0 {
            resting -= 1
        } else if waiting < slack / 2 {
            change(to: isStarting ? current * 2 : current + 1)
        }
    }

    /// Records the unloaded pace. If it is near the known one, moves only part of the way, since chance may have made
    /// the difference.
    private mutating func learn(_ pace: Double) {
        let known = unloadedPace ?? pace
        unloadedPace = abs(pace / known - 1) < 0.3 ? known + (pace - known) / 3 : pace
        age = 0
    }

    private mutating func change(to limit: Int) {
        let limit = min(Swift.max(limit, 1), max)
        guard limit != current else { return }
        stale = current
        current = limit
        busy = Pace()
        highest = 0
    }

    /// Latency per token over some prompts.
    private struct Pace {
        private(set) var count = 0
        private var seconds = 0.0
        private var tokens = 0.0
        // Sums of squares and products.
        private var secondsSquared = 0.0
        private var tokensSquared = 0.0
        private var product = 0.0

        /// Seconds per token.
        var value: Double { Swift.max(seconds, 1e-9) / Swift.max(tokens, 1) }

        /// The relative standard error of `value`, which is a ratio of two sums.
        var error: Double {
            let residuals = secondsSquared - 2 * value * product + value * value * tokensSquared
            return Swift.max(residuals, 0).squareRoot() / Swift.max(seconds, 1e-9)
        }

        mutating func add(_ sample: Sample) {
            let seconds = Double(sample.latency.inNanoseconds) / 1e9
            let tokens = Double(Swift.max(sample.tokens ?? 1, 1))
            count += 1
            self.seconds += seconds
            self.tokens += tokens
            secondsSquared += seconds * seconds
            tokensSquared += tokens * tokens
            product += seconds * tokens
        }
    }
}
