internal import CoreMetrics
internal import EventLoop
internal import FunctionHost
internal import HTTPServer
internal import JSON
internal import Ollama

extension PromptMonitor {
    /// A monitor of the prompts and backends of a function.
    convenience init(_ factory: any MetricsFactory, of function: PromptFunction) {
        let (admission, backends, loop) = (function.admission, function.backends, function.loop)
        let known = function.settings.namedModels
        let (settings, log) = (function.settings, function.log)
        self.init(
            factory, backends, on: loop, tellsTiming: settings.tellsTiming,
            exporter: settings.traces.map { TraceExporter($0, work: function.work, on: loop, log: log) },
            log: settings.logsPrompts ? log : nil, logsTexts: settings.logsTexts
        ) {
            admission.waiting
        } isKnown: { model in
            known.contains(model) || backends.contains { $0.inventory.lists(model) }
        }
    }
}

extension PromptFunction {
    /// Maximum number of prompts that the state shows.
    private static let mostShown = 100
    /// Maximum number of tenants that it shows.
    private static let mostTenants = 100
    /// Maximum number of models that it shows for each backend.
    private static let mostModels = 100

    /// Sets the gauges of the metrics to what is true now.
    package func collectMetrics() {
        guard let monitor else { return }
        var isReady = true
        if case .unhealthy = ready() { isReady = false }
        monitor.metrics.collect(
            monitor.totals, admission, protection.directory, isReady: isReady)
    }

    /// What is happening now: members of a JSON object, for the operator's page. Empty if nothing is recorded.
    ///
    /// - Parameter time: now, in seconds since 1970.
    package func state(withHistory: Bool, at time: Double) -> [UInt8] {
        guard let monitor else { return [] }
        let now = loop.now
        var json = JSONWriter()
        json.put("\"ready\":")
        switch ready() {
        case .healthy: json.put("null")
        case .unhealthy(let reason): json.put(quoted: reason)
        }
        json.put(",\"queue\":{\"waiting\":")
        json.put(raw: "\(admission.waiting),\"limit\":\(admission.limits.count)")
        json.put(",\"classes\":[")
        putClasses(to: &json)
        json.put("]},\"totals\":")
        put(monitor.totals, to: &json)
        putTenants(to: &json)
        json.put(",\"backends\":[")
        for (index, backend) in backends.enumerated() {
            if index > 0 { json.put(",") }
            put(backend, to: &json)
        }
        json.put("],\"prompts\":[")
        var record = monitor.oldest
        var shown = 0
        while let current = record, shown < Self.mostShown {
            if shown > 0 { json.put(",") }
            put(current, at: now, to: &json)
            shown += 1
            record = current.next
        }
        json.put("],\"prompts_left_out\":")
        json.put(raw: "\(monitor.live - shown)")
        json.put(",\"failures\":[")
        for (index, failure) in monitor.failures.reversed().enumerated() {
            if index > 0 { json.put(",") }
            put(failure, at: now, to: &json)
        }
        json.put("]")
        if withHistory { put(monitor, at: time, to: &json) }
        return json.bytes
    }

    /// Without tenants there is one class only.
    private func putClasses(to json: inout JSONWriter) {
        for priority in PriorityClass.allCases where priority == .interactive || protection.tenants != nil {
            if priority != .interactive { json.put(",") }
            json.put("{\"name\":")
            json.put(quoted: priority.name)
            json.put(raw: ",\"waiting\":\(admission.waiting(priority))}")
        }
    }

    private func putTenants(to json: inout JSONWriter) {
        guard let tenants = protection.tenants?.all else { return }
        json.put(",\"tenants\":[")
        for (index, tenant) in tenants.prefix(Self.mostTenants).enumerated() {
            if index > 0 { json.put(",") }
            json.put("{\"name\":")
            json.put(quoted: tenant.name)
            json.put(",\"class\":")
            json.put(quoted: tenant.settings.priority.name)
            json.put(raw: ",\"in_flight\":\(tenant.inFlight),\"in_flight_limit\":\(tenant.settings.maxInFlight)")
            json.put(raw: ",\"waiting\":\(admission.waiting(of: tenant))")
            json.put(
                raw:
                    ",\"tokens\":\(tenant.tokensUsed(at: loop.now)),\"tokens_limit\":\(tenant.settings.tokensPerMinute)"
            )
            json.put(raw: ",\"requests\":\(tenant.requestsUsed(at: loop.now))")
            json.put(raw: ",\"requests_limit\":\(tenant.settings.requestsPerMinute)")
            json.put(raw: ",\"answered\":\(tenant.totals.answered),\"failed\":\(tenant.totals.failed)")
            json.put(raw: ",\"cancelled\":\(tenant.totals.cancelled)")
            json.put(raw: ",\"refused\":\(tenant.totals.refused)}")
        }
        json.put("]")
        json.put(raw: ",\"tenants_left_out\":\(max(0, tenants.count - Self.mostTenants))")
    }

    private func put(_ totals: PromptTotals, to json: inout JSONWriter) {
        json.put(raw: "{\"prompts\":\(totals.prompts),\"answered\":\(totals.answered),\"failed\":\(totals.failed)")
        json.put(raw: ",\"cancelled\":\(totals.cancelled),\"retries\":\(totals.retries)")
        json.put(raw: ",\"fallbacks\":\(totals.fallbacks),\"output_tokens\":\(totals.outputTokens)}")
    }

    private func put(_ backend: EngineBackend, to json: inout JSONWriter) {
        json.put("{\"url\":")
        json.put(quoted: backend.url)
        json.put(",\"api\":")
        json.put(quoted: backend.provider.rawValue)
        json.put(",\"breaker\":")
        json.put(quoted: backend.breaker.state.name)
        json.put(raw: ",\"in_flight\":\(backend.inFlight),\"limit\":\(backend.limit)")
        let models = backend.inventory.models.sorted { $0.name.description < $1.name.description }.prefix(
            Self.mostModels)
        json.put(",\"models\":")
        put(models.map(\.name.short), to: &json)
        json.put(",\"running\":")
        put(models.filter(\.isRunning).map(\.name.short), to: &json)
        json.put(",\"check\":")
        if case .fails(let error) = backend.lastCheck { json.put(quoted: "\(error)") } else { json.put("null") }
        json.put("}")
    }

    private func put(_ texts: [String], to json: inout JSONWriter) {
        json.put("[")
        for (index, text) in texts.enumerated() {
            if index > 0 { json.put(",") }
            json.put(quoted: String(text.cut(to: 200)))
        }
        json.put("]")
    }

    private func put(_ record: PromptRecord, at now: LoopInstant, to json: inout JSONWriter) {
        json.put("{\"id\":")
        json.put(quoted: record.id)
        json.put(",\"phase\":")
        json.put(quoted: record.phase.rawValue)
        json.put(raw: ",\"age\":\(Self.seconds(now - record.began)),\"first_token\":")
        json.put(raw: record.firstTokenAt.map { Self.seconds($0 - record.began) } ?? "null")
        json.put(",\"model\":")
        Self.put(record.current.map { $0.modelText.cut(to: 200) }, to: &json)
        json.put(",\"client\":")
        json.put(quoted: record.request.peer)
        json.put(",\"tenant\":")
        Self.put(record.tenant?.name, to: &json)
        json.put(",\"backend\":")
        Self.put(record.phase == .queued ? nil : record.backend?.url, to: &json)
        json.put(raw: ",\"output_tokens\":\(record.parts)}")
    }

    private func put(_ failure: PromptMonitor.Failure, at now: LoopInstant, to json: inout JSONWriter) {
        json.put(raw: "{\"age\":\(Self.seconds(now - failure.at)),\"id\":")
        json.put(quoted: failure.id)
        json.put(raw: ",\"status\":\(failure.status),\"model\":")
        Self.put(failure.model.map { $0.cut(to: 200) }, to: &json)
        json.put(",\"error\":")
        json.put(quoted: failure.cause)
        json.put("}")
    }

    private func put(_ monitor: PromptMonitor, at time: Double, to json: inout JSONWriter) {
        let samples = monitor.history.ordered
        json.put(raw: ",\"history\":{\"interval\":\(PromptHistory.interval.components.seconds),\"end\":")
        let age = Double(loop.now.nanoseconds(since: monitor.historyEnd)) / 1e9
        json.put(raw: "\(Self.number(time - age)),\"series\":{")
        put("prompts", samples, { "\($0.prompts)" }, to: &json)
        json.put(",")
        put("failures", samples, { "\($0.failures)" }, to: &json)
        json.put(",")
        put("output_tokens", samples, { "\($0.outputTokens)" }, to: &json)
        json.put(",")
        put("in_flight", samples, { "\($0.inFlight)" }, to: &json)
        json.put(",")
        put("waiting", samples, { "\($0.waiting)" }, to: &json)
        json.put(",")
        put("first_token_p50", samples, { Self.number($0.firstTokenP50) }, to: &json)
        json.put(",")
        put("first_token_p95", samples, { Self.number($0.firstTokenP95) }, to: &json)
        json.put("}}")
    }

    private func put(
        _ name: String, _ samples: [PromptHistory.Sample], _ value: (PromptHistory.Sample) -> String,
        to json: inout JSONWriter
    ) {
        json.put(quoted: name)
        json.put(":[")
        json.put(raw: samples.map(value).joined(separator: ","))
        json.put("]")
    }

    private static func put(_ text: String?, to json: inout JSONWriter) {
        if let text { json.put(quoted: text) } else { json.put("null") }
    }

    private static func number(_ value: Double?) -> String { value.map { "\(($0 * 1e4).rounded() / 1e4)" } ?? "null" }

    /// With four decimal places.
    private static func seconds(_ duration: Duration) -> String { number(Double(duration.inNanoseconds) / 1e9) }
}
