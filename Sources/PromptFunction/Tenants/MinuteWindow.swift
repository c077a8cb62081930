internal import EventLoop

/// Adds up what was used within the last minute, by seconds. What is 61 seconds old no longer counts.
///
/// So no minute, whenever it begins, has more than was allowed. If more was used than was allowed, because nobody knew
/// before how much it would be, the rest becomes a debt, which is forgiven at the rate that is allowed.
final class MinuteWindow {
    /// The seconds of a minute, and the one that has begun.
    private static let length = 61
    /// The seconds after which the largest debt is forgiven, and all is forgotten if nothing more is used.
    private static let longestDebt = 3600

    private var used = InlineArray<61, Int>(repeating: 0)
    /// The second that has begun.
    private var current: Int64 = 0
    /// The second in which something was used last.
    private var last: Int64 = 0
    /// What was used in all of them.
    private var sum = 0
    /// Sixty times the debt, of which each second forgives what is allowed in a minute.
    private var sixtyfoldDebt = 0

    init() {}

    private init(copying other: MinuteWindow) {
        (used, current, last) = (other.used, other.current, other.last)
        (sum, sixtyfoldDebt) = (other.sum, other.sixtyfoldDebt)
    }

    /// What counts now.
    var total: Int { sum + (sixtyfoldDebt + 59) / 60 }

    /// Forgets what is too old.
    ///
    /// - Parameter limit: what may be used in a minute; 0: any amount.
    func advance(to now: LoopInstant, limit: Int) {
        let second = now.nanoseconds / 1_000_000_000
        if second == current { return }
        if second - current > Int64(Self.longestDebt) { (sum, sixtyfoldDebt, used) = (0, 0, InlineArray(repeating: 0)) }
        if total == 0 { current = max(current, second) }
        while current < second { step(limit) }
    }

    /// One second passes.
    private func step(_ limit: Int) {
        current += 1
        let index = Int(current % Int64(Self.length))
        let old = used[index]
        let owed = limit > 0 ? min(old, max(0, total - limit)) : 0
        used[index] = 0
        sum -= old
        sixtyfoldDebt = min(sixtyfoldDebt + 60 * owed, Self.longestDebt * limit)
        sixtyfoldDebt = max(0, sixtyfoldDebt - max(limit, 1))
        if limit == 0 { sixtyfoldDebt = 0 }
    }

    /// Counts what is used now. A negative number takes back what was counted in the last seconds. `advance` must be
    /// called before.
    func add(_ count: Int) {
        if count < 0 { return takeBack(min(-count, sum)) }
        used[Int(current % Int64(Self.length))] += count
        sum += count
        last = current
    }

    private func takeBack(_ count: Int) {
        sum -= count
        var rest = count
        var second = current
        while rest > 0 {
            let index = Int(second % Int64(Self.length))
            let taken = min(rest, used[index])
            used[index] -= taken
            rest -= taken
            second -= 1
        }
    }

    /// The seconds after which nothing is left of what was used. `advance` must be called before.
    ///
    /// - Parameter limit: as for `advance`.
    func secondsUntilEmpty(limit: Int) -> Int {
        if total > limit && limit > 0 { return seconds(until: 0, limit: limit) }  // there will be a debt
        return total == 0 ? 0 : sixtyfoldDebt == 0 ? min(60, Int(last - current) + Self.length) : 60
    }

    /// The seconds after which at most `most` is left of what was used. `advance` must be called before.
    ///
    /// - Parameter limit: as for `advance`.
    func seconds(until most: Int, limit: Int) -> Int {
        let later = MinuteWindow(copying: self)
        var seconds = 0
        while later.total > most && seconds < Self.length {
            later.step(limit)
            seconds += 1
        }
        if later.total > most {  // only a debt is left
            seconds += (later.sixtyfoldDebt - 60 * most + max(limit, 1) - 1) / max(limit, 1)
        }
        // A second has begun, so that the last one of a minute is not a whole one.
        return limit == 0 || total <= limit ? min(seconds, 60) : seconds
    }
}
