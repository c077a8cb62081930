internal import APIs
internal import CoreMetrics
internal import EventLoop
internal import HTTPServer

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
    /// How many prompts are queued.
    private let waiting: () -> Int

    /// - Parameters:
    ///   - waiting: how many prompts are queued.
    ///   - isKnown: whether a backend has a model.
    init(
        _ factory: any MetricsFactory, _ backends: [EngineBackend], on loop: EventLoop,
        waiting: @escaping () -> Int, isKnown: @escaping (ModelName) -> Bool
    ) {
        self.loop = loop
        self.waiting = waiting
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
    func begin(_ request: Request, operation: Operation) -> PromptRecord {
        let record = PromptRecord(ids.next(), request, operation: operation, totals: totals, at: loop.now)
        totals.prompts += 1
        live += 1
        unsafe record.previous = newest
        newest?.next = record
        newest = record
        if oldest == nil { oldest = record }
        return record
    }

    /// The reply to a prompt is complete, or has failed.
    func end(_ record: PromptRecord, _ failure: PromptFailure?) {
        remove(record)
        let now = loop.now
        if let output = record.usage.output { totals.otherTokens += max(0, output - record.parts) }
        if let first = record.firstTokenAt { history.firstToken(after: first - record.began) }
        switch failure {
        case nil: totals.answered += 1
        case let failure? where failure.isCancelled: totals.cancelled += 1
        case let failure?:
            totals.failed += 1
            if failures.count == Self.mostFailures { failures.removeFirst() }
            failures.append(
                Failure(
                    at: now, id: record.id, status: failure.status.code, model: record.current?.modelText,
                    cause: String(failure.cause.prefix(500))))
        }
        metrics.ended(record, failure, at: now)
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

/// Names for requests: numbers that differ from each other, and from those of other processes.
struct RequestIDs {
    private var state = UInt64.random(in: .min ... .max)

    mutating func next() -> UInt64 {
        // SplitMix64: a new number each time, without asking the system.
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// As 16 hexadecimal digits.
    static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// A client's own name for its request, if it can be shown in a log.
    static func usable(_ id: String) -> String? {
        let isPlain = id.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        return !id.isEmpty && id.utf8.count <= 128 && isPlain ? id : nil
    }
}
