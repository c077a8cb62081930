internal import EventLoop
internal import HTTPClient
internal import JSON
internal import Logging

/// Sends spans to a collector, in batches, by OTLP over HTTP as JSON. Belongs to the loop's thread.
///
/// Nothing waits for the collector: what it does not take in time is dropped, and counted. Source: OpenTelemetry Protocol
/// Specification, "OTLP/HTTP".
final class TraceExporter {
    /// Prompts whose spans wait. More are dropped.
    private static let mostWaiting = 4096
    /// Prompts in one batch.
    private static let mostInBatch = 256
    /// The longest time that spans wait for others.
    private static let interval = Duration.seconds(1)
    private static let stopped = "promptd has stopped before the collector took them"
    /// The shortest time between two lines of the log about what was lost.
    private static let reportInterval = Duration.seconds(60)
    /// How long the collector may take.
    private static let deadlines = {
        var deadlines = Deadlines()
        (deadlines.connect, deadlines.firstByte, deadlines.idle, deadlines.total) = (
            .seconds(2), .seconds(5), .seconds(5), .seconds(8)
        )
        return deadlines
    }()

    private let settings: TraceSettings
    private let origin: Origin
    private let template: RequestTemplate
    private let work: WorkQueue
    private let loop: EventLoop
    private let log: Logger
    private var waiting: [PromptTrace] = []
    private var timer: LoopTimer?
    /// Sends what waits; `nil` if nothing is being sent.
    private(set) var task: Task<Void, Never>?
    /// Prompts whose spans were lost, since the log said so last, and since the start.
    private var unreported = 0
    private(set) var dropped = 0
    private var lastCause = ""
    private var reportedAt: LoopInstant?
    private var isStopping = false
    private var reportTimer: LoopTimer?

    init(_ settings: TraceSettings, work: WorkQueue, on loop: EventLoop, log: Logger) {
        self.settings = settings
        self.work = work
        self.loop = loop
        self.log = log
        origin = Origin(
            host: settings.host, port: settings.port, tls: settings.tls, deadlines: Self.deadlines, idleLimit: 1,
            on: loop)
        template = RequestTemplate(
            "POST", path: settings.path, host: settings.authority,
            fields: [("Content-Type", "application/json"), ("User-Agent", "promptd/\(settings.version)")]
                + settings.fields)
        timer = LoopTimer(on: loop) { [unowned self] in send() }
        reportTimer = LoopTimer(on: loop) { [unowned self] in report() }
    }

    /// The share of traces that begin here which are recorded.
    var ratio: Double { settings.ratio }

    func add(_ trace: PromptTrace) {
        guard waiting.count < Self.mostWaiting else { return lose(1, "the collector is too slow") }
        waiting.append(trace)
        if waiting.count >= Self.mostInBatch {
            send()
        } else if timer?.deadline == nil {
            timer?.deadline = loop.now + Self.interval
        }
    }

    private func send() {
        timer?.deadline = nil  // also when it has fired: until then it counts as set
        guard task == nil, !waiting.isEmpty else { return }
        task = loop.startTask { [self] in
            while !waiting.isEmpty {
                let batch = Array(waiting.prefix(Self.mostInBatch))
                waiting.removeFirst(batch.count)
                if let cause = await post(batch) { lose(batch.count, Task.isCancelled ? Self.stopped : cause) }
                if Task.isCancelled || (waiting.count < Self.mostInBatch && !isStopping) { break }
            }
            task = nil
            if !waiting.isEmpty && !isStopping { timer?.deadline = loop.now + Self.interval }
        }
    }

    /// - Returns: why the collector has not taken it.
    private func post(_ batch: [PromptTrace]) async -> String? {
        let json = await work.run(weight: WorkQueue.batchLimit + 1) { [settings] in
            Self.json(batch, settings)
        }
        do throws(ClientError) {
            let status = try await origin.withResponse(to: template, payload: Payload(json)) {
                response throws(ClientError) in
                _ = try await response.body(upTo: 1 << 20)
                return response.head.status
            }
            return (200..<300).contains(status) ? nil : "it answered \(status)"
        } catch {
            return "\(error)"
        }
    }

    static func json(_ batch: [PromptTrace], _ settings: TraceSettings) -> [UInt8] {
        var json = JSONWriter()
        json.put("{\"resourceSpans\":[{\"resource\":{\"attributes\":[")
        PromptTrace.put("service.name", .text(settings.service), to: &json)
        json.put(",")
        PromptTrace.put("service.version", .text(settings.version), to: &json)
        json.put("]},\"scopeSpans\":[{\"scope\":{\"name\":\"promptd\",\"version\":")
        json.put(quoted: settings.version)
        json.put("},\"spans\":[")
        for (index, trace) in batch.enumerated() {
            if index > 0 { json.put(",") }
            trace.put(to: &json)
        }
        json.put("]}]}]}")
        return json.bytes
    }

    private func lose(_ count: Int, _ cause: String) {
        dropped += count
        unreported += count
        lastCause = cause
        if reportTimer?.deadline != nil { return }
        let next = reportedAt.map { $0 + Self.reportInterval } ?? loop.now
        // Seldom alone: those that follow at once are said with it.
        reportTimer?.deadline = max(next, loop.now + Self.interval)
    }

    /// Says in the log what was lost.
    private func report() {
        reportTimer?.deadline = nil
        guard unreported > 0 else { return }
        reportedAt = loop.now
        log.warning(
            "traces were dropped", metadata: ["prompts": "\(unreported)", "cause": "\(lastCause)"])
        unreported = 0
    }

    /// Sends what waits, for at most a second, and then nothing more.
    func stop() async {
        timer?.deadline = nil
        isStopping = true
        var isOver = false
        let last = LoopTimer(on: loop) { [unowned self] in
            isOver = true
            task?.cancel()
        }
        last.deadline = loop.now + .seconds(1)
        repeat {
            send()
            await task?.value
        } while !isOver && !waiting.isEmpty
        if !waiting.isEmpty { lose(waiting.count, Self.stopped) }
        waiting = []
        origin.closeIdle()
        timer = nil
        report()
        reportTimer = nil
    }
}
