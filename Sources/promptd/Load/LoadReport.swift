import EventLoop
import Histogram

/// What a load run found, for people and for machines. The names of its JSON are those of its members.
struct LoadReport: Encodable, Sendable {
    /// A distribution of times, in milliseconds.
    struct Times: Encodable, Sendable {
        var count: UInt64
        var min, mean, p50, p75, p90, p95, p99, p999, p9999, max: Double

        /// `nil` when there is none.
        init?(_ times: Measurements.Times) {
            guard times.totalCount > 0 else { return nil }
            func milliseconds(_ nanoseconds: Double) -> Double { (nanoseconds / 1000).rounded() / 1000 }
            func percentile(_ percentile: Double) -> Double {
                // The histogram tells the upper end of a class of equal values, which may lie above the greatest one.
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
        /// What the server said the first time; `nil` for nothing.
        var example: String?
    }

    var url: String
    var connections: Int
    /// Connections that were opened, those that replaced others included.
    var connectionsOpened: Int
    /// From the start, when all connections were open, to the last answer.
    var seconds: Double
    /// Requests that were sent, or could not be.
    var requests: Int
    /// Those that got the right answer.
    var answered: Int
    /// Requests and connections that failed.
    var failed: Int
    /// Requests that were given up since the user ended the run.
    var givenUp: Int
    /// Requests that were sent a second time, since a kept connection had swallowed them.
    var resent: Int
    /// Answered requests a second.
    var requestsPerSecond: Double
    /// `nil` unless the answers were streams.
    var tokens: Int?
    var tokensPerSecond: Double?
    var connectingMilliseconds: Times?
    /// Streams only.
    var firstTokenMilliseconds: Times?
    var tokenGapMilliseconds: Times?
    var answerMilliseconds: Times?
    /// The most frequent first.
    var failures: [Failure]
    /// Processor time that the load generator itself took, in cores; near 1 it is what limits the load.
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
