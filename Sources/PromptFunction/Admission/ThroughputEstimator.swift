internal import EventLoop
internal import Glibc

/// Measures how fast prompts are finished, to tell clients when to retry.
///
/// The weight of a finished prompt falls by a factor of e each minute. Time without any prompt in flight does not
/// count: it says nothing about the speed. O(1). Belongs to one thread.
struct ThroughputEstimator {
    /// The seconds in which an observation's weight falls to 1/e.
    static let memory = 60.0
    /// The delay to report while nothing has been observed, in seconds.
    static let unknown = 5
    static let bounds = 1...600

    /// The weighted number of finished prompts, as of `asOf`.
    private var finished = 0.0
    /// The seconds observed, weighted in the same way; at most `memory`.
    private var observed = 0.0
    /// The number of prompts in flight.
    private var underWay = 0
    private var asOf = LoopInstant(nanoseconds: 0)

    /// Records that a prompt is sent to a backend.
    mutating func promptBegan(at now: LoopInstant) {
        advance(to: now)
        underWay += 1
    }

    /// Records that a prompt has ended.
    mutating func promptEnded(at now: LoopInstant) {
        advance(to: now)
        underWay = max(underWay - 1, 0)
        finished += 1
    }

    /// Prompts finished per second; `nil` when nothing has been observed.
    func perSecond(at now: LoopInstant) -> Double? {
        var copy = self
        copy.advance(to: now)
        return copy.observed > 0 && copy.finished > 0 ? copy.finished / copy.observed : nil
    }

    /// The seconds after which a client should retry if `waiting` prompts are ahead of it: 1...600.
    func retryAfter(waiting: Int, at now: LoopInstant) -> Int {
        guard let rate = perSecond(at: now) else { return Self.unknown }
        let seconds = (Double(max(waiting, 0)) + 1) / rate
        return Int(min(max(seconds.rounded(.up), Double(Self.bounds.lowerBound)), Double(Self.bounds.upperBound)))
    }

    private mutating func advance(to now: LoopInstant) {
        let seconds = Double(now.nanoseconds(since: asOf)) / 1e9
        asOf = max(asOf, now)
        guard underWay > 0, seconds > 0 else { return }
        let fading = exp(-seconds / Self.memory)
        finished *= fading
        observed = observed * fading + Self.memory * (1 - fading)
    }
}
