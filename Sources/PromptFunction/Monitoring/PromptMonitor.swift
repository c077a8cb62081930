internal import JSON
internal import APIs
internal import CoreMetrics
internal import EventLoop
internal import HTTPClient
internal import HTTPServer
internal import Logging

/// Follows all prompts, for metrics and for the operator's page. Belongs to the loop's thread.
final class PromptMonitor {
    /// A prompt that has failed.
    struct Failure {
        let at: LoopInstant
        let id: String
        let status: Int
        let model: String?
        let cause: String
    }

    /// The failures that are remembered.
    static let mostFailures = 20

    let loop: EventLoop
    let totals = PromptTotals()
    let metrics: PromptMetrics
    private(set) var history = PromptHistory()
    /// When the last interval of `history` ended.
    private(set) var historyEnd: LoopInstant
    /// The last failures, the newest last.
    private(set) var failures: [Failure] = []
    /// The records of prompts in flight, the oldest first.
    private(set) var oldest: PromptRecord?
    private var newest: PromptRecord?
    private(set) var live = 0
    private var timer: LoopTimer?
    private var ids = RequestIDs()
    private let tellsTiming: Bool
    /// `nil` if spans are sent nowhere.
    let exporter: TraceExporter?
    /// `nil` if the log has no line for each prompt.
    private let log: Logger?
    /// Whether prompts and the words of hosts may be shown.
    private let logsTexts: Bool
    /// How many prompts are queued.
    private let waiting: () -> Int

    /// - Parameters:
    ///   - tellsTiming: whether replies say where the time of their prompts went.
    ///   - exporter: gets the spans of each prompt that is traced.
    ///   - log: gets a line for each prompt.
    ///   - logsTexts: whether that line has the prompt, and failures are shown in the words of hosts.
    ///   - waiting: how many prompts are queued.
    ///   - isKnown: whether a backend has a model.
    init(
        _ factory: any MetricsFactory, _ backends: [EngineBackend], on loop: EventLoop,
        tellsTiming: Bool, exporter: TraceExporter?, log: Logger?, logsTexts: Bool, waiting: @escaping () -> Int,
        isKnown: @escaping (ModelName) -> Bool
    ) {
        self.loop = loop
        self.waiting = waiting
        self.tellsTiming = tellsTiming
        self.exporter = exporter
        self.log = log
        self.logsTexts = logsTexts
        metrics = PromptMetrics(factory, backends, isKnown: isKnown)
        historyEnd = loop.now
        timer = LoopTimer(on: loop) { [unowned self] in endInterval() }
        timer?.deadline = loop.now + PromptHistory.interval
    }

    private func endInterval() {
        history.end(totals, inFlight: live, waiting: waiting())
        historyEnd = loop.now
        timer?.deadline = loop.now + PromptHistory.interval
    }

    /// No further interval ends.
    func stop() { timer = nil }

    // MARK: Prompts

    /// A request for a prompt has come.
    func begin(_ request: Request, of tenant: Tenant?, operation: Operation) -> PromptRecord {
        let trace = exporter == nil && log == nil ? nil : trace(of: request)
        let record = PromptRecord(
            ids.next(), request, of: tenant, operation: operation, totals: totals, tellsTiming: tellsTiming,
            logsClient: log != nil, trace: trace, at: loop.now)
        if log != nil || trace?.isSampled == true { _ = record.clientID }  // later the request cannot be read any more
        totals.prompts += 1
        live += 1
        unsafe record.previous = newest
        newest?.next = record
        newest = record
        if oldest == nil { oldest = record }
        return record
    }

    /// Whether somebody wants to know how long connecting takes, or prompts have traces.
    var followsRequests: Bool { tellsTiming || exporter != nil || log != nil }

    /// The trace that a request belongs to, or a new one.
    @inline(never)
    private func trace(of request: Request) -> TraceContext {
        if let parent = request.list("traceparent"),  // of two, none counts
            let trace = TraceContext(
                parentField: parent, stateField: request.list("tracestate"), { ids.next() })
        {
            return trace
        }
        return TraceContext(sampling: exporter?.ratio ?? 0) { ids.next() }
    }

    /// What names a request that is refused by its head, so that it has no record: in the log, and for the client.
    func names(of request: borrowing RequestHead) -> (metadata: Logger.Metadata, lines: [UInt8]) {
        let id = request.field("X-Request-Id").flatMap(RequestIDs.usable) ?? RequestIDs.text(ids.next())
        var metadata: Logger.Metadata = ["request": "\(id)"]
        if exporter != nil || log != nil, let parent = request.list("traceparent"),
            let trace = TraceContext(parentField: parent, stateField: nil, { ids.next() })
        {
            metadata["trace-id"] = "\(trace.traceText)"
        }
        return (metadata, tellsTiming ? Array("X-Request-Id: \(id)\r\n".utf8) : [])
    }

    /// The reply to a prompt is complete, or has failed.
    func end(_ record: PromptRecord, _ failure: PromptFailure?) {
        remove(record)
        let now = loop.now
        if let output = record.usage.output { totals.otherTokens += max(0, output - record.parts) }
        if let tenant = record.tenant { settle(record, of: tenant, failure, at: now) }
        if let first = record.firstTokenAt { history.firstToken(after: first.nanoseconds(since: record.began)) }
        switch failure {
        case nil: totals.answered += 1
        case let failure? where failure.isCancelled: totals.cancelled += 1
        case let failure?:
            totals.failed += 1
            if failures.count == Self.mostFailures { failures.removeFirst() }
            failures.append(
                Failure(
                    at: now, id: record.id, status: failure.status.code, model: record.current?.modelText.cut(to: 200),
                    cause: failure.cause(withTexts: logsTexts).cut(to: 500)))
        }
        metrics.ended(record, failure, at: now)
        if let exporter, let trace = record.trace, trace.isSampled {
            exporter.add(PromptTrace(record, trace, failure, firstStep: ids.next(), at: now))
        }
        if let log { self.log(record, failure, at: now, to: log) }
    }

    @inline(never)
    private func settle(_ record: PromptRecord, of tenant: Tenant, _ failure: PromptFailure?, at now: LoopInstant) {
        record.bill?.settle(
            record.usage, wasAsked: record.askedAt != nil, isCounted: record.prompt?.isStreamed ?? false, at: now)
        switch failure {
        case nil: tenant.totals.answered += 1
        case .tokensUsed?: break  // counted as refused
        case let failure? where failure.isCancelled: tenant.totals.cancelled += 1
        case _?: tenant.totals.failed += 1
        }
    }

    /// The most bytes of a request that a line of the log has.
    private static let mostText = 2000

    /// Says what became of a prompt.
    private func log(_ record: PromptRecord, _ failure: PromptFailure?, at now: LoopInstant, to log: Logger) {
        func milliseconds(_ instant: LoopInstant) -> Logger.MetadataValue {
            "\(PromptRecord.milliseconds(instant.nanoseconds(since: record.began)))"
        }
        var metadata: Logger.Metadata = [
            "operation": "\(record.operation.rawValue)", "attempts": "\(record.attempts)",
            "total-ms": milliseconds(now),
        ]
        metadata.merge(record.logMetadata) { $1 }
        metadata["tenant"] = record.tenant.map { "\($0.name)" }
        metadata["client"] = record.client.map { "\($0)" }
        metadata["model"] = record.current.map { "\($0.modelText.cut(to: 200))" }
        metadata["backend"] = record.backend.map { "\($0.url)" }
        metadata["queue-ms"] = record.askedAt.map { milliseconds($0) }
        metadata["first-token-ms"] = record.firstTokenAt.map { milliseconds($0) }
        metadata["input-tokens"] = record.usage.input.map { "\($0)" }
        metadata["output-tokens"] = record.usage.output.map { "\($0)" }
        if logsTexts, let prompt = record.current {
            // A prompt may have megabytes. Four bytes more, so that no scalar is cut.
            let start = prompt.payload.copy(upTo: Self.mostText + 4)
            metadata["prompt"] = "\(String(decoding: start, as: UTF8.self).cut(to: Self.mostText))"
        }
        if let failure {
            metadata["error"] = "\(failure.kind.rawValue)"
            metadata["phase"] = "\(record.phase.rawValue)"
            if !failure.isCancelled { metadata["status"] = "\(failure.status.code)" }
        }
        log.info(failure == nil ? "prompt answered" : "prompt ended", metadata: metadata)
    }

    private func remove(_ record: PromptRecord) {
        live -= 1
        let (previous, next) = (unsafe record.previous, record.next)
        if let previous { previous.next = next } else { oldest = next }
        if let next { unsafe next.previous = previous } else { newest = previous }
        record.next = nil
        unsafe record.previous = nil
    }

    func retried(elsewhere: Bool) {
        totals.retries += 1
        metrics.retried(elsewhere: elsewhere)
    }

    func fellBack() {
        totals.fallbacks += 1
        metrics.fellBack()
    }
}
