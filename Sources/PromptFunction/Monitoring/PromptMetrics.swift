internal import APIs
internal import CoreMetrics
internal import EventLoop
internal import Ollama
internal import Telemetry

/// Records metrics of prompts and backends through swift-metrics. Belongs to the loop's thread.
///
/// How many series there are is bounded, whatever clients send: models that no backend has count as `_other`, and so do
/// new ones once there are `mostSeries`.
final class PromptMetrics {
    /// The model in whose name all count that have no series of their own.
    static let otherModel = "_other"
    /// The most series of a metric that depend on a model's name.
    static let mostSeries = 1000
    /// The most backends whose failures are shown before there are any.
    private static let mostInitialized = 16

    /// What the metrics of one kind of prompt have in common.
    private struct Kind: Hashable {
        var operation: String
        var provider: String
        var model: String
        var responseModel: String?
        var error: String?

        var dimensions: [(String, String)] {
            var dimensions = [
                ("gen_ai.operation.name", operation), ("gen_ai.provider.name", provider),
                ("gen_ai.request.model", model),
            ]
            if let responseModel { dimensions.append(("gen_ai.response.model", responseModel)) }
            if let error { dimensions.append(("error.type", error)) }
            return dimensions
        }
    }

    /// The metrics of one kind of prompt, each made when it is needed first.
    private final class Series {
        private let factory: any MetricsFactory
        private let dimensions: [(String, String)]
        let duration: CoreMetrics.Timer
        private(set) lazy var firstToken = timer(Instruments.firstToken)
        private(set) lazy var timePerToken = timer(Instruments.timePerToken)
        private(set) lazy var input = usage("input")
        private(set) lazy var output = usage("output")

        init(_ kind: Kind, _ factory: any MetricsFactory) {
            self.factory = factory
            dimensions = kind.dimensions
            duration = Timer(label: Instruments.requestDuration.name, dimensions: dimensions, factory: factory)
        }

        private func timer(_ instrument: Instrument) -> CoreMetrics.Timer {
            Timer(label: instrument.name, dimensions: dimensions, factory: factory)
        }

        private func usage(_ type: String) -> Recorder {
            Recorder(
                label: Instruments.tokenUsage.name, dimensions: dimensions + [("gen_ai.token.type", type)],
                aggregate: true, factory: factory)
        }
    }

    private let factory: any MetricsFactory
    private var series: [Kind: Series] = [:]
    private var counters: [String: Counter] = [:]
    private var countedParts = 0
    private let invocations, errors, timeouts, retries, failovers, fallbacks, coalesced, parts: Counter
    private let invokeDuration, queueWait: CoreMetrics.Timer
    private let queued, queueLimit, queuedBytes, queueBytesLimit, ready: Gauge
    private var backends: [(backend: EngineBackend, gauges: BackendGauges)] = []

    private struct BackendGauges {
        let inFlight, limit: Gauge
        let states: [(CircuitBreaker.State, Gauge)]
    }

    private static let trigger = [("faas.trigger", "http")]
    /// The only class of prompts.
    private static let queueClass = [("class", "default")]

    init(_ factory: any MetricsFactory, _ backends: [EngineBackend]) {
        self.factory = factory
        func counter(_ instrument: Instrument, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(label: instrument.name, dimensions: dimensions, factory: factory)
        }
        func gauge(_ instrument: Instrument, _ dimensions: [(String, String)] = []) -> Gauge {
            Gauge(label: instrument.name, dimensions: dimensions, factory: factory)
        }
        invocations = counter(Instruments.invocations, Self.trigger)
        errors = counter(Instruments.errors, Self.trigger)
        timeouts = counter(Instruments.timeouts, Self.trigger)
        retries = counter(Instruments.retries)
        failovers = counter(Instruments.failovers)
        fallbacks = counter(Instruments.fallbacks)
        coalesced = counter(Instruments.coalesced)
        parts = counter(Instruments.parts)
        invokeDuration = Timer(
            label: Instruments.invokeDuration.name, dimensions: Self.trigger, factory: factory)
        queueWait = Timer(label: Instruments.queueWait.name, dimensions: Self.queueClass, factory: factory)
        queued = gauge(Instruments.queued, Self.queueClass)
        queueLimit = gauge(Instruments.queueLimit)
        queuedBytes = gauge(Instruments.queuedBytes)
        queueBytesLimit = gauge(Instruments.queueBytesLimit)
        ready = gauge(Instruments.ready)
        self.backends = backends.map { backend in
            let dimensions = [("backend", backend.url)]
            let states: [CircuitBreaker.State] = [.closed, .open, .halfOpen]
            let gauges = BackendGauges(
                inFlight: gauge(Instruments.inFlight, dimensions), limit: gauge(Instruments.limit, dimensions),
                states: states.map { ($0, gauge(Instruments.breaker, dimensions + [("state", $0.name)])) })
            return (backend, gauges)
        }
        // A counter that appears with 1 does not seem to grow.
        for phase in PromptRecord.Phase.allCases {
            _ = self.counter(Instruments.cancellations, "phase", phase.rawValue)
        }
        for kind in FailureKind.allCases {
            _ = self.counter(Instruments.failures, "error.type", kind.rawValue)
            if backends.count <= Self.mostInitialized { for backend in backends { _ = attempts(backend, kind) } }
        }
        for kind in [FailureKind.unauthorized, .forbidden, .rateLimited, .unknownEncoding] {
            _ = self.counter(Instruments.refusals, "error.type", kind.rawValue)
        }
        for backend in backends { _ = attempts(backend, nil) }
    }

    // MARK: Prompts

    /// A prompt has ended.
    ///
    /// - Parameter isKnown: whether a backend has a model.
    func ended(
        _ record: PromptRecord, _ failure: PromptFailure?, at now: LoopInstant, isKnown: (ModelName) -> Bool
    ) {
        let duration = now - record.began
        invokeDuration.recordNanoseconds(duration.inNanoseconds)
        if let queuedAt = record.queuedAt {
            queueWait.recordNanoseconds(((record.askedAt ?? now) - queuedAt).inNanoseconds)
        }
        if let failure {
            counter(Instruments.failures, "error.type", failure.kind.rawValue).increment()
            if failure.isCancelled {
                counter(Instruments.cancellations, "phase", record.phase.rawValue).increment()
            } else {
                errors.increment()
                if failure.isTimeout { timeouts.increment() }
            }
        } else {
            invocations.increment()
        }
        guard let prompt = record.prompt else { return }
        // In one spelling: a model has several.
        func shown(_ prompt: Prompt) -> String { isKnown(prompt.model) ? prompt.model.short : Self.otherModel }
        let kind = Kind(
            operation: record.operation, provider: record.backend?.provider ?? "_other", model: shown(prompt),
            responseModel: failure == nil ? record.current.map(shown) : nil, error: failure?.kind.rawValue)
        let series = series(for: kind)
        series.duration.recordNanoseconds(duration.inNanoseconds)
        if let input = record.usage.input { series.input.record(input) }
        if let output = record.usage.output { series.output.record(output) }
        guard failure == nil, prompt.isStreamed, let first = record.firstTokenAt else { return }
        series.firstToken.recordNanoseconds((first - record.began).inNanoseconds)
        if let output = record.usage.output, output > 1 {
            series.timePerToken.recordNanoseconds((now - first).inNanoseconds / Int64(output - 1))
        }
    }

    private func series(for kind: Kind) -> Series {
        if let known = series[kind] { return known }
        var kind = kind
        if series.count >= Self.mostSeries {
            kind.model = Self.otherModel
            if kind.responseModel != nil { kind.responseModel = Self.otherModel }
            if let known = series[kind] { return known }
        }
        let new = Series(kind, factory)
        series[kind] = new
        return new
    }

    /// A counter with one label, of which there are few values.
    private func counter(_ instrument: Instrument, _ dimension: String, _ value: String) -> Counter {
        counter(instrument, [(dimension, value)], key: "\(instrument.name) \(value)")
    }

    private func counter(_ instrument: Instrument, _ dimensions: [(String, String)], key: String) -> Counter {
        if let known = counters[key] { return known }
        let new = Counter(label: instrument.name, dimensions: dimensions, factory: factory)
        counters[key] = new
        return new
    }

    /// A backend has finished with a prompt.
    func attempted(_ backend: EngineBackend, _ error: OllamaError?) { attempts(backend, error?.kind).increment() }

    private func attempts(_ backend: EngineBackend, _ kind: FailureKind?) -> Counter {
        let error = kind?.rawValue ?? ""
        return counter(
            Instruments.attempts, [("backend", backend.url), ("error.type", error)],
            key: "\(Instruments.attempts.name) \(backend.url) \(error)")
    }

    func retried(elsewhere: Bool) {
        retries.increment()
        if elsewhere { failovers.increment() }
    }

    func fellBack() { fallbacks.increment() }

    func joined() { coalesced.increment() }

    func refused(_ failure: PromptFailure) {
        counter(Instruments.refusals, "error.type", failure.kind.rawValue).increment()
    }

    // MARK: Gauges

    /// Sets the gauges to what is true now.
    func collect(_ totals: PromptTotals, waiting: (count: Int, bytes: Int), isReady: Bool, _ limits: Admission.Limits) {
        parts.increment(by: totals.parts - countedParts)
        countedParts = totals.parts
        queued.record(waiting.count)
        queueLimit.record(limits.count)
        queuedBytes.record(waiting.bytes)
        queueBytesLimit.record(limits.bytes)
        ready.record(isReady ? 1 : 0)
        for (backend, gauges) in backends {
            gauges.inFlight.record(backend.inFlight)
            gauges.limit.record(backend.limit)
            for (state, gauge) in gauges.states { gauge.record(backend.breaker.state == state ? 1 : 0) }
        }
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

extension EngineBackend {
    /// OpenTelemetry's `gen_ai.provider.name`: the API that the server has.
    var provider: String { client.isTranslating ? "openai" : "ollama" }
}
