internal import EventLoop

/// Adds up what was used within the last minute, by seconds. What is 61 seconds old no longer counts.
///
/// So no minute, whenever it begins, has more than was allowed. If more was used than was allowed, because nobody knew
/// before how much it would be, the rest counts in the minutes that follow.
struct MinuteWindow {
    /// The seconds of a minute, and the one that has begun.
    private static let length = 61
    /// The seconds of silence after which all is forgotten.
    private static let longestOverdraft: Int64 = 3600

    private var used = [Int](repeating: 0, count: Self.length)
    /// The second that has begun.
    private var current: Int64 = 0
    /// What was used in all of them.
    private(set) var total = 0

    /// Forgets what is too old, but in a minute no more than may be used in one.
    ///
    /// - Parameter limit: what may be used in a minute; 0: any amount.
    mutating func advance(to now: LoopInstant, limit: Int) {
        let second = now.nanoseconds / 1_000_000_000
        guard second > current else { return }
        if total == 0 {
            current = second
            return
        }
        let passed = second - current
        if passed > Self.longestOverdraft {
            used = [Int](repeating: 0, count: Self.length)
            total = 0
        } else {
            for next in (current + 1)...second where total != 0 { forget(next, limit: limit) }
        }
        current = second
    }

    private mutating func forget(_ second: Int64, limit: Int) {
        let index = Int(second % Int64(Self.length))
        let old = used[index]
        let excess = limit > 0 ? max(0, total - limit) : 0
        let kept = min(max(0, old - (limit / 60 + 1)), excess)
        used[index] = kept
        total -= old - kept
    }

    /// Counts what is used now. A negative number takes back what was counted before. `advance` must be called before.
    mutating func add(_ count: Int) {
        let count = max(count, -total)
        used[Int(current % Int64(Self.length))] += count
        total += count
    }

    /// The seconds after which at most `most` is left of what was used. `advance` must be called before.
    ///
    /// - Parameter limit: as for `advance`.
    func seconds(until most: Int, limit: Int) -> Int {
        var rest = total
        let minutes = limit > 0 ? max(0, (rest - limit) / limit) : 0
        rest -= minutes * limit
        // The oldest second is the one after the current, since they are in a ring.
        for passed in 0..<Self.length where rest > most {
            rest -= used[Int((current + 1 + Int64(passed)) % Int64(Self.length))]
            if rest <= most { return minutes * 60 + min(passed + 1, 60) }
        }
        return minutes * 60 + (rest > most ? 60 : 0)
    }
}
