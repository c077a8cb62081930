/// A point in time on a loop's clock, in nanoseconds. The zero of the monotonic clock is the machine's start.
public struct LoopInstant: Comparable, Sendable {
    /// Nanoseconds since the clock's zero.
    public let nanoseconds: Int64

    /// - Parameter nanoseconds: counted from the clock's zero.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The instant `interval` later.
    public static func + (start: Self, interval: Duration) -> Self {
        Self(nanoseconds: start.nanoseconds &+ interval.inNanoseconds)
    }

    /// The nanoseconds from `start` until now: cheaper than a `Duration`.
    package func nanoseconds(since start: Self) -> Int64 { nanoseconds - start.nanoseconds }

    /// The time from `start` to `end`.
    public static func - (end: Self, start: Self) -> Duration { .nanoseconds(end.nanoseconds - start.nanoseconds) }
}

extension Duration {
    /// The duration in whole nanoseconds, limited to about 95 years.
    package var inNanoseconds: Int64 {
        let limit: Int64 = 3_000_000_000
        let (seconds, attoseconds) = components
        return min(max(seconds, -limit), limit) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
