/// The requests of a run, and when each is due. A value without a clock: times count from the run's start.
struct Schedule: Sendable, Equatable {
    /// The rule that makes a request due.
    enum Pace: Sendable, Equatable {
        /// A free connection makes a request due: closed loop.
        case asAnswered
        /// This many requests are due per second, whether connections are free or not: open loop.
        case rate(Double)
    }

    var pace = Pace.asAnswered
    /// The most requests; `nil` for any number.
    var count: Int?
    /// The time until which requests may be due; `nil` for no limit.
    var duration: Duration?
    /// The time to reach the full load: connections begin one after another, or the rate rises evenly.
    var ramp = Duration.zero

    /// The number of requests that were taken.
    private(set) var taken = 0

    init(pace: Pace = .asAnswered, count: Int? = nil, duration: Duration? = nil, ramp: Duration = .zero) {
        self.pace = pace
        self.count = count
        self.duration = duration
        self.ramp = ramp
    }

    /// What a free connection must do next.
    enum Turn: Equatable {
        /// Send request `number`, counted from 1, which was due at `due`.
        case send(number: Int, due: Duration)
        /// No request is due before this time.
        case wait(until: Duration)
        /// There are no more requests.
        case over
    }

    /// The next turn of a free connection, at `elapsed`.
    mutating func take(at elapsed: Duration) -> Turn {
        if let count, taken >= count { return .over }
        let due =
            switch pace {
            case .asAnswered: elapsed
            case .rate(let rate): Self.due(taken, rate: rate, ramp: ramp)
            }
        if let duration, due >= duration { return .over }
        if due > elapsed { return .wait(until: due) }
        taken += 1
        return .send(number: taken, due: due)
    }

    /// When a connection may send its first request.
    func start(ofConnection index: Int, of connections: Int) -> Duration {
        guard case .asAnswered = pace, connections > 0 else { return .zero }
        return ramp * index / connections
    }

    /// When request `index`, counted from 0, is due at `rate`. While the rate rises evenly, `rate * t * t / (2 * ramp)`
    /// requests have become due by the time `t`.
    private static func due(_ index: Int, rate: Double, ramp: Duration) -> Duration {
        let ramp = ramp / .seconds(1), index = Double(index)
        let within = rate * ramp / 2
        return .seconds(index < within ? (2 * ramp * index / rate).squareRoot() : ramp + (index - within) / rate)
    }
}
