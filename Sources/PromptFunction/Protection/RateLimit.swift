internal import EventLoop

/// How often each client may ask: a bucket of tokens for each, which fills evenly.
///
/// A bucket is one number, the time at which it will be full. A full one is as good as none, so those are dropped on
/// the way: each call looks at two others. Where more clients than `capacity` have buckets that are not full, one is
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
    /// Buckets that may be kept, at about 70 bytes each.
    let capacity: Int
    private var buckets: [Bucket] = []
    private var places: [ClientIdentity: Int] = [:]
    /// The bucket that is looked at next.
    private var hand = 0

    /// - Parameters:
    ///   - perMinute: 1...1,000,000.
    ///   - burst: how many a client that has been quiet may ask at once; as many as in a minute if it is `nil`.
    init(perMinute: Int, burst: Int? = nil, capacity: Int = 65_536) {
        let perMinute = min(max(perMinute, 1), 1_000_000)
        interval = 60_000_000_000 / Int64(perMinute)
        depth = interval * Int64(min(max(burst ?? perMinute, 1), 1_000_000))
        self.capacity = max(capacity, 1)
    }

    /// How many buckets are kept.
    var count: Int { buckets.count }

    /// Takes a token of `client`'s.
    ///
    /// - Returns: `nil` if there was one; else the whole seconds until there is, at least 1.
    mutating func take(_ client: ClientIdentity, at now: LoopInstant) -> Int? {
        let now = now.nanoseconds
        dropFull(at: now)
        dropFull(at: now)
        let place = places[client]
        let fullAt = max(place.map { buckets[$0].fullAt } ?? now, now) + interval
        if fullAt - now > depth { return Int((fullAt - now - depth + 999_999_999) / 1_000_000_000) }
        if let place {
            buckets[place].fullAt = fullAt
        } else {
            if buckets.count == capacity { drop(hand % buckets.count) }
            places[client] = buckets.count
            buckets.append(Bucket(client: client, fullAt: fullAt))
        }
        return nil
    }

    private mutating func dropFull(at now: Int64) {
        guard !buckets.isEmpty else { return }
        if hand >= buckets.count { hand = 0 }
        if buckets[hand].fullAt <= now { drop(hand) } else { hand += 1 }
    }

    /// Takes a bucket away; the last one moves to its place.
    private mutating func drop(_ place: Int) {
        places[buckets[place].client] = nil
        let last = buckets.removeLast()
        guard place < buckets.count else { return }
        buckets[place] = last
        places[last.client] = place
    }
}
