internal import EventLoop

/// Finds how many prompts an Ollama should have at the same time: as many as it runs side by side, and hardly one that
/// only waits in its queue.
///
/// Prompts are looked at in rounds. A round's *pace* is the sum of its latencies by the sum of its answers' tokens, so
/// that long answers do not look like a slow Ollama. The *unloaded pace* is that with half the limit in flight, or
/// fewer. If `n` in flight take the pace from `u` to `p`, then by Little's law about `n · (1 − u / p)` of them wait in
/// Ollama's queue. Where that is more than `queue`, and more than chance explains, the limit shrinks by half of them
/// and rests for some rounds; where it is less than half of that, and prompts wait here, it grows by one (until it
/// first shrinks, it doubles). So it swings between what Ollama runs at a time and one more. To know the unloaded pace
/// of a busy Ollama the limit is halved for some prompts, once in `measureEvery` rounds, which costs about 2 % of the
/// throughput. A failure takes a quarter off, once for all prompts that were in flight then.
///
/// What it takes for granted is a pace that does not depend on how many run, up to Ollama's number. Where one GPU is
/// shared by them, each more slows the others, and it settles lower: nearer to the shortest latency than to the highest
/// throughput.
///
/// O(1). Belongs to one thread.
struct ConcurrencyLimiter {
    /// A prompt that came to its end.
    struct Sample {
        /// From being sent to Ollama to the answer's end.
        var latency: Duration
        /// Tokens of the answer, `eval_count`; `nil` if that is not known, and then each prompt counts as one. An
        /// Ollama should give them always or never.
        var tokens: Int?
        /// Prompts with this Ollama when this one was sent, itself included.
        var inFlight: Int
        /// Ollama was busy (503) or a deadline passed: what it took says nothing then.
        var failed = false
    }

    /// Prompts of a round, or twice the limit if that is more: enough for its pace to be within some percent.
    static let round = 32
    /// Prompts by which the unloaded pace is measured, or the halved limit if that is more.
    static let measure = 16
    static let measureEvery = 40
    /// Rounds for which it does not grow after it shrank.
    static let rest = 3
    /// So many may wait in Ollama's queue.
    static let queue = 0.75

    /// How many prompts may be with this Ollama: 1...`max`.
    var limit: Int { measured == nil ? current : Swift.max(current / 2, 1) }
    let max: Int
    private var current: Int
    private var isStarting = true
    private var resting = 0
    private var unloadedPace: Double?
    private var busy = Pace()
    /// What is being measured while the limit is halved.
    private var measured: Pace?
    /// Prompts of the halved limit that ended before measuring began.
    private var skipped = 0
    /// Rounds since the unloaded pace was measured.
    private var age = 0
    /// Prompts that were begun under another limit and have not ended.
    private var stale = 0
    /// The most in flight in this round.
    private var highest = 0

    /// - Parameters:
    ///   - max: the fixed limit, which it does not exceed; at least 1.
    ///   - start: what it begins with.
    init(max: Int, start: Int = 4) {
        self.max = Swift.max(max, 1)
        current = min(Swift.max(start, 1), self.max)
    }

    /// Takes note of a prompt's end.
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
        // The first to end are those with short answers: they are not like all.
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

    /// What a round means for the limit.
    private mutating func decide(_ pace: Pace) {
        // With one in flight nothing waits behind another.
        let isUnloaded = current == 1 || highest <= current / 2
        if isUnloaded { learn(pace.value) }
        // What holds nobody back is right as it is.
        guard highest >= current else { return }
        guard let unloadedPace, isUnloaded || (age < Self.measureEvery && pace.value > unloadedPace * 0.75) else {
            measured = Pace()
            skipped = 0
            return
        }
        let waiting = Double(current) * (1 - unloadedPace / pace.value)
        // Where the pace is uncertain, so is how many wait.
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

    /// Takes note of the unloaded pace: a part of it if it is near the one that is known, as chance may have made the
    /// difference.
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

        /// The relative standard error of `value`, that of a ratio of two sums.
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
