internal import EventLoop

/// Keeps prompts away from a host that fails, until first a probe and then a chat shows that it works again.
///
/// | state | prompts | what ends it |
/// |---|---|---|
/// | closed | admitted | `threshold` failures in a row, or one refused connection: open |
/// | open | rejected | a probe, sent after the wait, succeeds: half open; it fails: open for longer |
/// | half open | admitted | one failure: open for longer than before; one success: closed |
///
/// Prompts are never used as probes: in the half-open state, the host has already answered a probe. The wait doubles
/// from 1 s to 8 s, and up to half of it is added at random, so that many promptds do not come back at once. It starts
/// at 1 s again only after a chat has succeeded, since a host can answer probes and fail chats. The outcome of a chat
/// or probe that began before the breaker opened is ignored, because it is out of date.
struct CircuitBreaker {
    /// Whether prompts are admitted.
    enum State: Equatable, Sendable {
        case closed, open, halfOpen
    }

    /// Identifies whether the breaker has opened since a chat or a probe began.
    struct Epoch: Equatable, Sendable {
        fileprivate let openings: Int
    }

    /// The number of failures in a row, without a success between them, that opens the breaker.
    let threshold: Int
    private(set) var state = State.closed
    /// The number of failures since the last success.
    private(set) var failures = 0
    /// How often the breaker opened, or stayed open, since the last chat that succeeded.
    private var waits = 0
    private var openings = 0
    private var probeAt: LoopInstant?

    init(threshold: Int = 5) { self.threshold = max(threshold, 1) }

    /// Whether a prompt may be sent to the host.
    var admits: Bool { state != .open }

    /// A chat or probe that begins now keeps this, and passes it back with its outcome.
    var epoch: Epoch { Epoch(openings: openings) }

    /// Records that a chat succeeded.
    mutating func chatSucceeded(_ began: Epoch) {
        guard began == epoch, state != .open else { return }
        state = .closed
        failures = 0
        waits = 0
    }

    /// Records that a chat failed, and that the host is to blame.
    ///
    /// - Parameter jitter: a random number from 0 to 1.
    mutating func chatFailed(_ failure: Failure, _ began: Epoch, at now: LoopInstant, jitter: Double) {
        guard began == epoch, state != .open else { return }
        failures += 1
        if state == .halfOpen || failure == .refused || failures >= threshold { open(at: now, jitter: jitter) }
    }

    // MARK: Probes

    /// When the next probe is due; `nil` while none is needed, or one is under way.
    var nextProbe: LoopInstant? { probeAt }

    /// Whether a probe should be sent now.
    func probeIsDue(at now: LoopInstant) -> Bool { probeAt.map { $0 <= now } ?? false }

    /// Records that a probe is sent. No other probe is due until its outcome is recorded.
    mutating func probeBegan() { probeAt = nil }

    mutating func probeSucceeded() {
        guard state == .open else { return }
        state = .halfOpen
        probeAt = nil
        failures = 0
    }

    /// - Parameter jitter: as for `chatFailed`.
    mutating func probeFailed(at now: LoopInstant, jitter: Double) {
        guard state == .open else { return }
        wait(from: now, jitter: jitter)
    }

    private mutating func open(at now: LoopInstant, jitter: Double) {
        state = .open
        openings += 1
        wait(from: now, jitter: jitter)
    }

    private mutating func wait(from now: LoopInstant, jitter: Double) {
        let seconds = Double(1 << min(waits, 3))
        waits += 1
        probeAt = now + .nanoseconds(Int64(seconds * (1 + jitter / 2) * 1e9))
    }
}
