internal import CoreMetrics
internal import Telemetry

/// The metrics of one backend. Belongs to the loop's thread.
final class BackendMetrics {
    private let factory: any MetricsFactory
    private let dimensions: [(String, String)]
    private let inFlight, limit: Gauge
    private let states: [(state: CircuitBreaker.State, gauge: Gauge)]
    private let answered: Counter
    private var failures: [FailureKind: Counter] = [:]

    /// - Parameter showsAll: whether kinds of errors are shown before there are any.
    init(_ backend: EngineBackend, _ factory: any MetricsFactory, showsAll: Bool) {
        self.factory = factory
        let dimensions = [("backend", backend.url)]
        self.dimensions = dimensions
        func gauge(_ instrument: Instrument, _ more: [(String, String)] = []) -> Gauge {
            Gauge(label: instrument.name, dimensions: dimensions + more, factory: factory)
        }
        inFlight = gauge(Instruments.inFlight)
        limit = gauge(Instruments.limit)
        states = [CircuitBreaker.State.closed, .open, .halfOpen].map {
            ($0, gauge(Instruments.breaker, [("state", $0.name)]))
        }
        answered = Counter(
            label: Instruments.attempts.name, dimensions: dimensions + [("error.type", "")], factory: factory)
        if showsAll { for kind in FailureKind.allCases { _ = failures(kind) } }
    }

    /// The backend has finished with a prompt.
    func ended(_ failure: FailureKind?) {
        guard let failure else { return answered.increment() }
        failures(failure).increment()
    }

    private func failures(_ kind: FailureKind) -> Counter {
        if let known = failures[kind] { return known }
        let new = Counter(
            label: Instruments.attempts.name, dimensions: dimensions + [("error.type", kind.rawValue)], factory: factory
        )
        failures[kind] = new
        return new
    }

    /// Sets the gauges to what is true now.
    func collect(_ backend: EngineBackend) {
        inFlight.record(backend.inFlight)
        limit.record(backend.limit)
        for (state, gauge) in states { gauge.record(backend.breaker.state == state ? 1 : 0) }
    }
}

extension CircuitBreaker.State {
    var name: String {
        switch self {
        case .closed: "closed"
        case .open: "open"
        case .halfOpen: "half-open"
        }
    }
}
