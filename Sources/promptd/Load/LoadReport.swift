import EventLoop
import Histogram

/// The results of a load run, for people and for machines. Its JSON uses the names of its members.
struct LoadReport: Encodable, Sendable {
    /// A distribution of times, in milliseconds.
    struct Times: Encodable, Sendable {
        var count: UInt64
        var min, mean, p50, p75, p90, p95, p99, p999, p9999, max: Double

        /// `nil` if there is none.
        init?(_ times: Measurements.Times) {
            guard times.totalCount > 0 else { return nil }
            func milliseconds(_ nanoseconds: Double) -> Double { (nanoseconds / 1000).rounded() / 1000 }
            func percentile(_ percentile: Double) -> Double {
                // The histogram returns the upper end of a class of equal values, which may be above the greatest
                // value.
                milliseconds(Double(Swift.min(times.valueAtPercentile(percentile), times.maxRecorded)))
            }
            count = times.totalCount
            min = milliseconds(Double(times.min))
            mean = milliseconds(times.mean)
            (p50, p75, p90, p95) = (percentile(50), percentile(75), percentile(90), percentile(95))
            (p99, p999, p9999) = (percentile(99), percentile(99.9), percentile(99.99))
            max = milliseconds(Double(times.maxRecorded))
        }
    }

    struct Failure: Encodable, Sendable {
        var kind: String
        var count: Int
        /// What the server said about the first such failure; `nil` if nothing.
        var example: String?
    }

    var url: String
    var connections: Int
    /// The number of connections that were opened, including replacements.
    var connectionsOpened: Int
    /// The time from the start, when all connections were open, to the last answer.
    var seconds: Double
    /// Requests that were sent or could not be sent.
    var requests: Int
    /// Requests that got the correct answer.
    var answered: Int
    /// Requests and connections that failed.
    var failed: Int
    /// Requests that were cancelled because the user ended the run.
    var givenUp: Int
    /// Requests that were sent a second time, because a kept connection had lost them.
    var resent: Int
    /// Answered requests per second.
    var requestsPerSecond: Double
    /// `nil` unless the answers were streams.
    var tokens: Int?
    var tokensPerSecond: Double?
    var connectingMilliseconds: Times?
    /// Streams only.
    var firstTokenMilliseconds: Times?
    var tokenGapMilliseconds: Times?
    var answerMilliseconds: Times?
    /// The most frequent failure comes first.
    var failures: [Failure]
    /// The processor time of the load generator itself, in cores. Near 1, it is what limits the load.
    var ownCores: Double

    init(_ plan: LoadPlan, _ measured: Measurements, connectionsOpened: Int, resent: Int) {
        let seconds = measured.elapsed(at: .current) / .seconds(1)
        func rate(_ count: Int) -> Double { seconds > 0 ? (Double(count) / seconds * 10).rounded() / 10 : 0 }
        url = plan.server.text
        connections = plan.connections
        self.connectionsOpened = connectionsOpened
        self.seconds = (seconds * 1000).rounded() / 1000
        requests = measured.requests
        answered = measured.answered
        failed = measured.failed
        givenUp = measured.givenUp
        self.resent = resent
        requestsPerSecond = rate(measured.answered)
        if plan.form != .whole {
            tokens = measured.tokens
            tokensPerSecond = rate(measured.tokens)
        }
        connectingMilliseconds = Times(measured.connecting)
        firstTokenMilliseconds = Times(measured.firstToken)
        tokenGapMilliseconds = Times(measured.tokenGap)
        answerMilliseconds = Times(measured.answer)
        failures = measured.failures.map { failure, counted in
            Failure(kind: "\(failure)", count: counted.count, example: counted.example.isEmpty ? nil : counted.example)
        }.sorted { ($1.count, $0.kind) < ($0.count, $1.kind) }
        ownCores = seconds > 0 ? (measured.ownSeconds / seconds * 100).rounded() / 100 : 0
    }
}
