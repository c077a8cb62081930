import EventLoop
import Glibc
import Histogram

/// The measurements of a run so far. Belongs to the loop's thread.
///
/// Times are kept as nanoseconds with three significant digits. Each histogram takes 300 KB, regardless of the run's
/// length.
final class Measurements {
    typealias Times = Histogram<UInt64>

    /// The time to open each connection before the run's start.
    var connecting = Measurements.times()
    /// The time from when a request was due to the first token of its answer. Streams only.
    var firstToken = Measurements.times()
    /// The time between two tokens of an answer. Streams only.
    var tokenGap = Measurements.times()
    /// The time from when a request was due to the end of its answer. Failed requests do not count.
    var answer = Measurements.times()

    /// Requests that were begun or could not be begun.
    var requests = 0
    /// Requests that got the correct answer.
    var answered = 0
    /// Requests that were cancelled because the user ended the run.
    var givenUp = 0
    /// The number of stream tokens that arrived.
    var tokens = 0
    /// The number of failures of each kind, including connections that could not be opened before the start.
    private(set) var failures: [LoadFailure: Failures] = [:]

    /// The run's start, from which requests may be due. `nil` until every connection is open.
    var start: LoopInstant?
    /// The run's end. `nil` while the run is active.
    var end: LoopInstant?

    /// Processor time from the start to the end, in seconds.
    var ownSeconds = 0.0

    struct Failures {
        var count = 0
        /// What the server said about the first such failure.
        var example = ""
    }

    func fail(_ failure: LoadFailure, example: String = "") {
        if failures[failure] == nil { failures[failure] = Failures(count: 0, example: example) }
        failures[failure]!.count += 1
    }

    /// The number of all failures.
    var failed: Int { failures.values.reduce(0) { $0 + $1.count } }

    /// The time from the start to the end, or to `now`.
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
