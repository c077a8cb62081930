internal import EventLoop

/// What happened in the last hour, in intervals of ten seconds. Belongs to the loop's thread. It takes about 30 KB.
struct PromptHistory {
    static let interval = Duration.seconds(10)
    static let capacity = 360

    /// One interval.
    struct Sample {
        var prompts = 0
        var failures = 0
        var outputTokens = 0
        /// At the end of the interval: prompts in any phase, and those that are queued.
        var inFlight = 0
        var waiting = 0
        /// In seconds; `nil` if no answer began.
        var firstTokenP50, firstTokenP95: Double?
    }

    private(set) var samples: [Sample] = []
    private var next = 0
    /// The counts at the end of the last interval.
    private var prompts = 0
    private var failures = 0
    private var outputTokens = 0
    private var firstTokens = LatencyCounts()

    /// The intervals, the oldest first.
    var ordered: [Sample] { Array(samples[next...] + samples[..<next]) }

    /// An answer has begun, so many nanoseconds after its request.
    mutating func firstToken(after wait: Int64) { firstTokens.add(Double(wait) / 1e9) }

    /// An interval has ended.
    mutating func end(_ totals: PromptTotals, inFlight: Int, waiting: Int) {
        let sample = Sample(
            prompts: totals.prompts - prompts, failures: totals.failed - failures,
            outputTokens: totals.outputTokens - outputTokens, inFlight: inFlight, waiting: waiting,
            firstTokenP50: firstTokens.percentile(0.5), firstTokenP95: firstTokens.percentile(0.95))
        (prompts, failures, outputTokens) = (totals.prompts, totals.failed, totals.outputTokens)
        firstTokens = LatencyCounts()
        if samples.count < Self.capacity {
            samples.append(sample)
        } else {
            samples[next] = sample
            next = (next + 1) % Self.capacity
        }
    }
}

/// Counts latencies from 0.1 ms to an hour in buckets that grow by a quarter.
private struct LatencyCounts {
    private static let least = 1e-4
    private static let factor = 1.25
    private var counts: [Int] = []
    private var total = 0

    mutating func add(_ seconds: Double) {
        if counts.isEmpty { counts = Array(repeating: 0, count: 80) }
        var bound = Self.least
        var index = 0
        while seconds > bound, index < counts.count - 1 {
            bound *= Self.factor
            index += 1
        }
        counts[index] += 1
        total += 1
    }

    /// The latency that this share of all had at most, within a quarter.
    func percentile(_ share: Double) -> Double? {
        guard total > 0 else { return nil }
        var rest = Int((share * Double(total)).rounded(.up))
        var bound = Self.least
        for count in counts {
            rest -= count
            if rest <= 0 { return bound }
            bound *= Self.factor
        }
        return bound
    }
}
