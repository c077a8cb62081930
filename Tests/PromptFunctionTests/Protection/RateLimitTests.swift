import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// How often a client may ask.
@Suite struct `Rate limit` {
    static func second(_ second: Double) -> LoopInstant { LoopInstant(nanoseconds: Int64(second * 1e9)) }

    @Test func `a quiet client may ask a minute's worth at once, and then evenly`() {
        var limit = RateLimit(perMinute: 6)
        #expect((0..<7).map { _ in limit.take(.v4(1), at: Self.second(100)) } == [nil, nil, nil, nil, nil, nil, 10])
        #expect(limit.take(.v4(1), at: Self.second(100.5)) == 10)
        #expect(limit.take(.v4(1), at: Self.second(109.5)) == 1)
        #expect(limit.take(.v4(1), at: Self.second(110)) == nil)
        #expect(limit.take(.v4(1), at: Self.second(110)) == 10)
        #expect(limit.take(.v4(2), at: Self.second(110)) == nil)
    }

    @Test func `a burst can be smaller`() {
        var limit = RateLimit(perMinute: 60, burst: 2)
        #expect((0..<3).map { _ in limit.take(.v4(1), at: Self.second(5)) } == [nil, nil, 1])
        #expect(limit.take(.v4(1), at: Self.second(6)) == nil)
    }

    @Test func `refused requests cost nothing`() {
        var limit = RateLimit(perMinute: 60, burst: 1)
        #expect(limit.take(.v4(1), at: Self.second(0)) == nil)
        for _ in 0..<100 { #expect(limit.take(.v4(1), at: Self.second(0.5)) == 1) }
        #expect(limit.take(.v4(1), at: Self.second(1)) == nil)
    }

    @Test(.seeded) func `over ten minutes a client gets its rate, and no more than a burst beyond`() {
        var limit = RateLimit(perMinute: 30, burst: 5)
        var random = SeededRandom(1)
        var admitted = 0
        var now = 0.0
        while now < 600 {
            if limit.take(.v4(1), at: Self.second(now)) == nil { admitted += 1 }
            now += Double.random(in: 0...1, using: &random)
        }
        #expect((295...305).contains(admitted))
    }

    @Test func `full buckets are dropped on the way`() {
        var limit = RateLimit(perMinute: 60)
        for client in UInt32(0)..<10_000 { _ = limit.take(.v4(client), at: Self.second(Double(client) / 100)) }
        #expect(limit.count < 300)  // a bucket is full after a second; a hundred come each second
    }

    @Test func `the memory is bounded, and a client that keeps asking stays limited`() {
        var limit = RateLimit(perMinute: 1, capacity: 100)
        for client in UInt32(0)..<5_000 { #expect(limit.take(.v4(client), at: Self.second(0)) == nil) }
        #expect(limit.count == 100)
        #expect(limit.take(.v4(4_999), at: Self.second(0)) == 60)
    }
}
