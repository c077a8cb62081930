internal import EventLoop
internal import Glibc

/// How fast prompts are finished, as observed: for telling clients when to try again.
///
/// Each finished prompt counts less the longer ago it was, by a factor of e a minute. Time without any prompt under way
/// does not count: it says nothing of how fast they would be. O(1). Belongs to one thread.
struct ThroughputEstimator {
    /// Seconds in which what was observed fades to 1/e.
    static let memory = 60.0
    /// What is told while nothing has been observed, in seconds.
    static let unknown = 5
    static let bounds = 1...600

    /// Prompts finished, faded, as of `asOf`.
    private var finished = 0.0
    /// Seconds observed, faded likewise; at most `memory`.
    private var observed = 0.0
    /// How many prompts are under way.
    private var underWay = 0
    private var asOf = LoopInstant(nanoseconds: 0)

    /// A prompt is sent to Ollama.
    mutating func promptBegan(at now: LoopInstant) {
        advance(to: now)
        underWay += 1
    }

    /// A prompt makes room for another.
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

    /// In how many seconds a client should try again, if `waiting` prompts are before it: 1...600.
    func retryAfter(waiting: Int, at now: LoopInstant) -> Int {
        guard let rate = perSecond(at: now) else { return Self.unknown }
        let seconds = (Double(max(waiting, 0)) + 1) / rate
        return Int(min(max(seconds.rounded(.up), Double(Self.bounds.lowerBound)), Double(Self.bounds.upperBound)))
    }

    private mutating func advance(to now: LoopInstant) {
        let seconds = Double((now - asOf).inNanoseconds) / 1e9
        asOf = max(asOf, now)
        guard underWay > 0, seconds > 0 else { return }
        let fading = exp(-seconds / Self.memory)
        finished *= fading
        observed = observed * fading + Self.memory * (1 - fading)
    }
}
