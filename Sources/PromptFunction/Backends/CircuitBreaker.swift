internal import EventLoop

/// Keeps prompts from a host that fails, until a probe, and then a chat, shows that it works again.
///
/// | state | prompts | what ends it |
/// |---|---|---|
/// | closed | admitted | as many failures in a row as `threshold`, or one that says that nobody listens: open |
/// | open | refused | a probe, due when its wait is over, succeeds: half open; fails: open for longer |
/// | half open | admitted | one failure: open for longer than before; one success: closed |
///
/// No prompt is a probe: half open, the host has already answered one. Waits double from 1 s to 8 s, and up to half is
/// added at random, so that many promptds do not come back at once; they begin at 1 s again only when a chat has
/// succeeded, since a host can answer probes and fail chats. What began before the breaker opened has no say any more:
/// it tells of the past.
struct CircuitBreaker {
    /// Whether prompts are admitted.
    enum State: Equatable, Sendable {
        case closed, open, halfOpen
    }

    /// When a chat or a probe began, as far as it matters here.
    struct Epoch: Equatable, Sendable {
        fileprivate let openings: Int
    }

    /// Failures in a row, without a success between them, that open it.
    let threshold: Int
    private(set) var state = State.closed
    /// Failures since the last success.
    private(set) var failures = 0
    /// How often it opened, or stayed open, since a chat succeeded.
    private var waits = 0
    private var openings = 0
    private var probeAt: LoopInstant?

    init(threshold: Int = 5) { self.threshold = max(threshold, 1) }

    /// Whether a prompt may be sent to the host.
    var admits: Bool { state != .open }

    /// To be kept by what begins now, and given back with its outcome.
    var epoch: Epoch { Epoch(openings: openings) }

    /// A chat came to its end.
    mutating func chatSucceeded(_ began: Epoch) {
        guard began == epoch, state != .open else { return }
        state = .closed
        failures = 0
        waits = 0
    }

    /// A chat failed, in a way that the host is to blame for.
    mutating func chatFailed(
        _ failure: Failure, _ began: Epoch, at now: LoopInstant, using random: inout some RandomNumberGenerator
    ) {
        guard began == epoch, state != .open else { return }
        failures += 1
        if state == .halfOpen || failure == .refused || failures >= threshold { open(at: now, using: &random) }
    }

    // MARK: Probes

    /// When the next probe is due; `nil` while none is needed, or one is under way.
    var nextProbe: LoopInstant? { probeAt }

    /// Whether a probe should be sent now.
    func probeIsDue(at now: LoopInstant) -> Bool { probeAt.map { $0 <= now } ?? false }

    /// A probe is sent. Until its outcome is told, no other is due.
    mutating func probeBegan() { probeAt = nil }

    mutating func probeSucceeded() {
        guard state == .open else { return }
        state = .halfOpen
        probeAt = nil
        failures = 0
    }

    mutating func probeFailed(at now: LoopInstant, using random: inout some RandomNumberGenerator) {
        guard state == .open else { return }
        wait(from: now, using: &random)
    }

    private mutating func open(at now: LoopInstant, using random: inout some RandomNumberGenerator) {
        state = .open
        openings += 1
        wait(from: now, using: &random)
    }

    private mutating func wait(from now: LoopInstant, using random: inout some RandomNumberGenerator) {
        let seconds = Double(1 << min(waits, 3))
        waits += 1
        probeAt = now + .nanoseconds(Int64(seconds * Double.random(in: 1...1.5, using: &random) * 1e9))
    }
}
