internal import EventLoop

/// Adds up what was used within the last minute, by seconds. What is 61 seconds old no longer counts.
///
/// So no minute, whenever it begins, has more than was allowed.
struct MinuteWindow {
    /// The seconds of a minute, and the one that has begun.
    private static let length = 61

    private var used = [Int](repeating: 0, count: Self.length)
    /// The second that has begun.
    private var current: Int64 = 0
    /// What was used in all of them.
    private(set) var total = 0

    /// Forgets what is too old.
    mutating func advance(to now: LoopInstant) {
        let second = now.nanoseconds / 1_000_000_000
        guard second > current else { return }
        if second - current >= Int64(Self.length) {
            if total != 0 { used = [Int](repeating: 0, count: Self.length) }
            total = 0
        } else {
            for passed in (current + 1)...second { clear(passed) }
        }
        current = second
    }

    private mutating func clear(_ second: Int64) {
        let index = Int(second % Int64(Self.length))
        total -= used[index]
        used[index] = 0
    }

    /// Counts what is used now. A negative number takes back what was counted before.
    mutating func add(_ count: Int, at now: LoopInstant) {
        advance(to: now)
        used[Int(current % Int64(Self.length))] += count
        total += count
    }

    /// The seconds after which at most `most` is left of what was used. `advance` must be called before.
    func seconds(until most: Int) -> Int {
        var rest = total
        // The oldest second is the one after the current, since they are in a ring.
        for passed in 0..<Self.length where rest > most {
            rest -= used[Int((current + 1 + Int64(passed)) % Int64(Self.length))]
            if rest <= most { return passed + 1 }
        }
        return rest > most ? Self.length : 0
    }
}
