import EventLoop
import Glibc
import Histogram

/// What a run has measured so far. Belongs to the loop's thread.
///
/// Times are kept as nanoseconds with three significant digits; each histogram takes 300 KB, however long the run is.
final class Measurements {
    typealias Times = Histogram<UInt64>

    /// That a connection took to be opened before the run's start.
    var connecting = Measurements.times()
    /// From when a request was due to the first token of its answer. Streams only.
    var firstToken = Measurements.times()
    /// Between two tokens of an answer. Streams only.
    var tokenGap = Measurements.times()
    /// From when a request was due to the end of its answer; those that failed do not count.
    var answer = Measurements.times()

    /// Requests that were begun, or could not be.
    var requests = 0
    /// Those that got the right answer.
    var answered = 0
    /// Those that were given up since the user ended the run.
    var givenUp = 0
    /// Tokens of streams that came.
    var tokens = 0
    /// How many failed in each way, connections that could not be opened before the start included.
    private(set) var failures: [LoadFailure: Failures] = [:]

    /// The run's start: the first request may be due. `nil` until every connection is open.
    var start: LoopInstant?
    /// The run's end. `nil` while it runs.
    var end: LoopInstant?

    /// Processor time from the start to the end, in seconds.
    var ownSeconds = 0.0

    struct Failures {
        var count = 0
        /// What the server said the first time.
        var example = ""
    }

    func fail(_ failure: LoadFailure, example: String = "") {
        if failures[failure] == nil { failures[failure] = Failures(count: 0, example: example) }
        failures[failure]!.count += 1
    }

    /// All failures.
    var failed: Int { failures.values.reduce(0) { $0 + $1.count } }

    /// From the start to the end, or to `now`.
    func elapsed(at now: LoopInstant) -> Duration { start.map { (end ?? now) - $0 } ?? .zero }

    static func times() -> Times {
        var times = Times(highestTrackableValue: 3_600_000_000_000, numberOfSignificantValueDigits: .three)
        times.autoResize = true
        return times
    }
}

extension Measurements.Times {
    mutating func record(_ interval: Duration) { record(UInt64(Swift.max(interval.inNanoseconds, 0))) }
}

/// Processor time that this process has used.
enum ProcessorTime {
    /// Source: getrusage(2).
    static var seconds: Double {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6 }
    }
}

extension LoopInstant {
    /// The time as of now, by the loop's clock: `EventLoop.now` is that of the turn's beginning, and a turn of
    /// thousands of answers takes long.
    static var current: Self {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Self(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
