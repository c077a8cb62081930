import EventLoop

/// The deadline of what a connection waits for now: a phase's own, or the whole request's where that is sooner.
///
/// Belongs to the loop's thread.
struct RequestDeadline {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var limits: Deadlines
    /// When the whole request must have ended.
    private var end: LoopInstant?
    /// What the deadline is for.
    private(set) var phase = ClientError.Phase.connect

    init(on loop: EventLoop, _ limits: Deadlines, until end: LoopInstant?) {
        self.loop = loop
        self.limits = limits
        self.end = end
    }

    /// Has `onPassed` called when a deadline passes, until `stop`.
    mutating func start(_ onPassed: @escaping () -> Void) {
        timer = LoopTimer(on: loop, onPassed)
    }

    /// Takes over the limits of a new request.
    mutating func begin(_ limits: Deadlines, until end: LoopInstant?) {
        self.limits = limits
        self.end = end
    }

    /// Sets the deadline of `phase`, which begins now.
    ///
    /// - Parameter atMost: a limit for this time, instead of the phase's own.
    mutating func wait(for phase: ClientError.Phase, atMost limit: Duration? = nil) {
        let interval =
            switch phase {
            case .connect: limit ?? limits.connect
            case .firstByte: limit ?? limits.firstByte
            case .idle: limit ?? limits.idle
            case .total: Duration.zero
            }
        guard interval > .zero else { return waitForTotal() }
        let deadline = loop.now + interval
        if let end, end < deadline { return waitForTotal() }
        self.phase = phase
        timer?.deadline = deadline
    }

    /// Leaves only the deadline of the whole request.
    mutating func waitForTotal() {
        phase = .total
        timer?.deadline = end
    }

    /// Sets the deadline of a connection without a request.
    mutating func waitUntil(_ expiry: LoopInstant?) { timer?.deadline = expiry }

    /// Takes the deadline away, for ever.
    mutating func stop() { timer = nil }
}
