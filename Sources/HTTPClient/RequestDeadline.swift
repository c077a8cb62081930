import EventLoop

/// The current deadline of a connection: the deadline of its phase, or of the whole request if that is sooner.
///
/// Belongs to the loop's thread.
struct RequestDeadline {
    private let loop: EventLoop
    private var timer: LoopTimer?
    private var limits: Deadlines
    /// When the whole request must have ended.
    private var end: LoopInstant?
    /// The end of the phase `firstByte`, which lasts until the head is complete; `nil` in other phases, or without limit.
    private var firstByteEnd: LoopInstant?
    /// The phase that the deadline belongs to.
    private(set) var phase = ClientError.Phase.connect

    init(on loop: EventLoop, _ limits: Deadlines, until end: LoopInstant?) {
        self.loop = loop
        self.limits = limits
        self.end = end
    }

    /// Calls `onPassed` when a deadline passes, until `stop`.
    mutating func start(_ onPassed: @escaping () -> Void) {
        timer = LoopTimer(on: loop, onPassed)
    }

    /// Sets the limits of a new request.
    mutating func begin(_ limits: Deadlines, until end: LoopInstant?) {
        self.limits = limits
        self.end = end
    }

    /// Sets the deadline of `phase`, which begins now.
    ///
    /// - Parameter atMost: a limit for this wait, instead of the phase's usual one.
    mutating func wait(for phase: ClientError.Phase, atMost limit: Duration? = nil) {
        firstByteEnd = nil
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
        if phase == .firstByte { firstByteEnd = deadline }
    }

    /// Sets the deadline after a part of a head, which does not postpone the end of the phase `firstByte`.
    mutating func waitForRestOfHead() {
        guard let end = firstByteEnd else { return wait(for: .idle) }
        wait(for: .idle)
        firstByteEnd = end
        if let timer, let deadline = timer.deadline, deadline <= end { return }
        phase = .firstByte
        timer?.deadline = end
    }

    /// Whether the deadline has passed, and nothing has set a later one.
    var isPassed: Bool { timer?.deadline.map { $0 <= loop.now } ?? false }

    /// Keeps only the deadline of the whole request.
    mutating func waitForTotal() {
        phase = .total
        timer?.deadline = end
    }

    /// Sets the deadline of a connection without a request.
    mutating func waitUntil(_ expiry: LoopInstant?) { timer?.deadline = expiry }

    /// Removes the deadline permanently.
    mutating func stop() { timer = nil }
}
