/// Which requests a run has and when each is due. A value without a clock: points of time count from the run's start.
struct Schedule: Sendable, Equatable {
    /// What makes a request due.
    enum Pace: Sendable, Equatable {
        /// A free connection: closed loop.
        case asAnswered
        /// So many a second, whether connections are free or not: open loop.
        case rate(Double)
    }

    var pace = Pace.asAnswered
    /// Requests at most; `nil` for any number.
    var count: Int?
    /// When the last request may be due; `nil` for no limit.
    var duration: Duration?
    /// How long it takes to reach the full load: connections begin one after the other, or the rate rises evenly.
    var ramp = Duration.zero

    /// How many requests were taken.
    private(set) var taken = 0

    init(pace: Pace = .asAnswered, count: Int? = nil, duration: Duration? = nil, ramp: Duration = .zero) {
        self.pace = pace
        self.count = count
        self.duration = duration
        self.ramp = ramp
    }

    /// What a free connection is to do.
    enum Turn: Equatable {
        /// Send request `number`, counted from 1, which was due at `due`.
        case send(number: Int, due: Duration)
        /// No request is due before this.
        case wait(until: Duration)
        /// There are no more requests.
        case over
    }

    /// The next turn, at `elapsed`.
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
