internal import CoreMetrics
internal import EventLoop
internal import Ollama
internal import Telemetry

/// Records metrics of prompts through swift-metrics. Belongs to the loop's thread.
final class PromptMetrics {
    /// The most backends whose kinds of errors are shown before there are any.
    private static let mostShown = 16

    private let models: ModelMetrics
    private let tenants: TenantMetrics
    private let backends: [EngineBackend]
    private let failures, refusals: [FailureKind: Counter]
    private let cancellations: [PromptRecord.Phase: Counter]
    private let invocations, errors, timeouts, retries, failovers, fallbacks, coalesced, parts: Counter
    private let invokeDuration: CoreMetrics.Timer
    /// By their classes.
    private let queueWait: [CoreMetrics.Timer]
    private let queued: [Gauge]
    private let queueLimit, queuedBytes, queueBytesLimit, ready: Gauge
    private var countedParts = 0

    private static let trigger = [("faas.trigger", "http")]
    /// - Parameter isKnown: whether a backend has a model.
    init(_ factory: any MetricsFactory, _ backends: [EngineBackend], isKnown: @escaping (ModelName) -> Bool) {
        func counter(_ instrument: Instrument, _ dimensions: [(String, String)] = []) -> Counter {
            Counter(label: instrument.name, dimensions: dimensions, factory: factory)
        }
        func gauge(_ instrument: Instrument, _ dimensions: [(String, String)] = []) -> Gauge {
            Gauge(label: instrument.name, dimensions: dimensions, factory: factory)
        }
        // A counter that appears with 1 does not seem to grow.
        func counters<Key: CaseIterable & RawRepresentable<String>>(
            _ instrument: Instrument, _ name: String
        ) -> [Key: Counter] where Key: Hashable {
            Dictionary(uniqueKeysWithValues: Key.allCases.map { ($0, counter(instrument, [(name, $0.rawValue)])) })
        }
        models = ModelMetrics(factory, isKnown: isKnown)
        tenants = TenantMetrics(factory)
        self.backends = backends
        failures = counters(Instruments.failures, "error.type")
        let ofHeads: [FailureKind] = [.unauthorized, .forbidden, .rateLimited, .unknownEncoding]
        refusals = Dictionary(
            uniqueKeysWithValues: ofHeads.map { ($0, counter(Instruments.refusals, [("error.type", $0.rawValue)])) })
        cancellations = counters(Instruments.cancellations, "phase")
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
        queueWait = PriorityClass.allCases.map {
            Timer(label: Instruments.queueWait.name, dimensions: [("class", $0.name)], factory: factory)
        }
        queued = PriorityClass.allCases.map { gauge(Instruments.queued, [("class", $0.name)]) }
        queueLimit = gauge(Instruments.queueLimit)
        queuedBytes = gauge(Instruments.queuedBytes)
        queueBytesLimit = gauge(Instruments.queueBytesLimit)
        ready = gauge(Instruments.ready)
        let showsAll = backends.count <= Self.mostShown
        for backend in backends { backend.metrics = BackendMetrics(backend, factory, showsAll: showsAll) }
    }

    // MARK: Prompts

    /// A prompt has ended.
    func ended(_ record: PromptRecord, _ failure: PromptFailure?, at now: LoopInstant) {
        let duration = now.nanoseconds(since: record.began)
        invokeDuration.recordNanoseconds(duration)
        if let queuedAt = record.queuedAt, record.askedAt != nil || failure?.endsWaiting == true {
            let priority = record.tenant?.settings.priority ?? .interactive
            queueWait[priority.rawValue].recordNanoseconds((record.askedAt ?? now).nanoseconds(since: queuedAt))
        }
        if let failure { count(failure, in: record.phase) } else { invocations.increment() }
        models.ended(record, failure?.kind, after: duration)
    }

    private func count(_ failure: PromptFailure, in phase: PromptRecord.Phase) {
        failures[failure.kind]?.increment()
        if failure.isCancelled {
            cancellations[phase]?.increment()
        } else {
            errors.increment()
            if failure.isTimeout { timeouts.increment() }
        }
    }

    func retried(elsewhere: Bool) {
        retries.increment()
        if elsewhere { failovers.increment() }
    }

    func fellBack() { fallbacks.increment() }

    func joined() { coalesced.increment() }

    /// A request was refused by its head.
    func refused(_ failure: PromptFailure) { refusals[failure.kind]?.increment() }

    // MARK: Gauges

    /// Sets the gauges to what is true now.
    func collect(_ totals: PromptTotals, _ admission: Admission, _ directory: TenantDirectory?, isReady: Bool) {
        if let directory { tenants.collect(directory, admission) }
        parts.increment(by: totals.parts - countedParts)
        countedParts = totals.parts
        for priority in PriorityClass.allCases { queued[priority.rawValue].record(admission.waiting(priority)) }
        queueLimit.record(admission.limits.count)
        queuedBytes.record(admission.waitingBytes)
        queueBytesLimit.record(admission.limits.bytes)
        ready.record(isReady ? 1 : 0)
        for backend in backends { backend.metrics?.collect(backend) }
    }
}
