internal import EventLoop

/// Limits how often each client may send requests, with a token bucket for each client that fills evenly.
///
/// A bucket is stored as the time at which it will be full. A full bucket needs no storage, so each call looks at two
/// buckets and drops those that are full. If more than `capacity` clients have buckets that are not full, one bucket is
/// forgotten, to its client's advantage. O(1). Belongs to one thread.
struct RateLimit {
    private struct Bucket {
        let client: ClientIdentity
        var fullAt: Int64
    }

    /// Nanoseconds for one token.
    private let interval: Int64
    /// Nanoseconds to fill an empty bucket.
    private let depth: Int64
    /// The maximum number of buckets, at about 70 bytes each.
    let capacity: Int
    private var buckets: [Bucket] = []
    private var indices: [ClientIdentity: Int] = [:]
    /// The index of the bucket that is looked at next.
    private var hand = 0

    /// - Parameters:
    ///   - perMinute: 1...1,000,000.
    ///   - burst: how many requests a client may send at once after a pause; `nil`: as many as in a minute.
    init(perMinute: Int, burst: Int? = nil, capacity: Int = 65_536) {
        let perMinute = min(max(perMinute, 1), 1_000_000)
        interval = 60_000_000_000 / Int64(perMinute)
        depth = interval * Int64(min(max(burst ?? perMinute, 1), 1_000_000))
        self.capacity = max(capacity, 1)
    }

    /// The number of stored buckets.
    var count: Int { buckets.count }

    /// Takes a token from the bucket of `client`.
    ///
    /// - Returns: `nil` if there was a token; otherwise the whole seconds until there is one, at least 1.
    mutating func take(_ client: ClientIdentity, at now: LoopInstant) -> Int? {
        let now = now.nanoseconds
        dropFull(at: now)
        dropFull(at: now)
        let index = indices[client]
        let fullAt = max(index.map { buckets[$0].fullAt } ?? now, now) + interval
        if fullAt - now > depth { return Int((fullAt - now - depth + 999_999_999) / 1_000_000_000) }
        if let index {
            buckets[index].fullAt = fullAt
        } else {
            if buckets.count == capacity { drop(hand % buckets.count) }
            indices[client] = buckets.count
            buckets.append(Bucket(client: client, fullAt: fullAt))
        }
        return nil
    }

    private mutating func dropFull(at now: Int64) {
        guard !buckets.isEmpty else { return }
        if hand >= buckets.count { hand = 0 }
        if buckets[hand].fullAt <= now { drop(hand) } else { hand += 1 }
    }

    /// Removes a bucket. The last bucket moves to its index.
    private mutating func drop(_ index: Int) {
        indices[buckets[index].client] = nil
        let last = buckets.removeLast()
        guard index < buckets.count else { return }
        buckets[index] = last
        indices[last.client] = index
    }
}
