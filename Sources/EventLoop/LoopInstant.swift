/// A point of a loop's clock. Counts nanoseconds; the zero of the monotonic clock is the machine's start.
public struct LoopInstant: Comparable, Sendable {
    /// Nanoseconds since the clock's zero.
    public let nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The point `interval` later.
    public static func + (start: Self, interval: Duration) -> Self {
        Self(nanoseconds: start.nanoseconds &+ interval.inNanoseconds)
    }

    /// The time from `start` to `end`.
    public static func - (end: Self, start: Self) -> Duration { .nanoseconds(end.nanoseconds - start.nanoseconds) }
}

extension Duration {
    /// Whole nanoseconds; about 100 years where that is less.
    public var inNanoseconds: Int64 {
        let limit: Int64 = 3_000_000_000
        let (seconds, attoseconds) = components
        return min(max(seconds, -limit), limit) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
