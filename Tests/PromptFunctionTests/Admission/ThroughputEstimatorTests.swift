import EventLoop
@testable import PromptFunction
import Testing

/// When to try again.
@Suite struct `Service rate` {
    static func second(_ second: Double) -> LoopInstant { LoopInstant(nanoseconds: Int64(second * 1e9)) }

    /// A rate after `count` prompts that took `each` seconds, one after the other from second `start` on, with another
    /// under way.
    private func busy(_ count: Int, each: Double, start: Double = 1_000) -> (ThroughputEstimator, end: Double) {
        var rate = ThroughputEstimator()
        rate.promptBegan(at: Self.second(start))
        var now = start
        for _ in 0..<count {
            now += each
            rate.promptBegan(at: Self.second(now))
            rate.promptEnded(at: Self.second(now))
        }
        return (rate, now)
    }

    @Test func `while nothing is known it is a few seconds`() {
        var rate = ThroughputEstimator()
        #expect(rate.retryAfter(waiting: 0, at: Self.second(1)) == ThroughputEstimator.unknown)
        rate.promptBegan(at: Self.second(1))
        #expect(rate.retryAfter(waiting: 9_999, at: Self.second(1)) == ThroughputEstimator.unknown)
    }

    @Test(arguments: [(0.01, 100, 2), (1.0, 10, 11), (1.0, 0, 1), (10.0, 3, 40), (0.5, 600, 301), (30, 100, 600)])
    func `it is as long as those who wait take`(each: Double, waiting: Int, seconds: Int) {
        let (rate, end) = busy(200, each: each)
        let told = rate.retryAfter(waiting: waiting, at: Self.second(end))
        #expect(abs(told - seconds) <= max(1, seconds / 4))
    }

    @Test func `the first observations count in full`() throws {
        let (rate, end) = busy(3, each: 2)
        #expect(abs(try #require(rate.perSecond(at: Self.second(end))) - 0.5) < 0.02)
    }

    @Test func `it follows a change within some minutes`() throws {
        var (rate, now) = busy(600, each: 0.2)
        for _ in 0..<90 {
            now += 2
            rate.promptBegan(at: Self.second(now))
            rate.promptEnded(at: Self.second(now))
        }
        #expect(try #require(rate.perSecond(at: Self.second(now))) < 0.8)
    }

    @Test func `it falls while nothing finishes, up to ten minutes`() {
        let (rate, end) = busy(100, each: 1)
        let told = [0.0, 60, 120, 300, 1_200].map { rate.retryAfter(waiting: 9, at: Self.second(end + $0)) }
        #expect(told == told.sorted() && told[0] <= 11 && told[1] >= 20 && told[4] == 600)
    }

    @Test func `a night without prompts changes nothing`() {
        var (rate, end) = busy(100, each: 1)
        rate.promptEnded(at: Self.second(end))
        let told = rate.retryAfter(waiting: 9, at: Self.second(end))
        #expect(rate.retryAfter(waiting: 9, at: Self.second(end + 30_000)) == told)
        rate.promptBegan(at: Self.second(end + 30_000))
        #expect(rate.retryAfter(waiting: 9, at: Self.second(end + 30_001)) <= told + 1)
    }
}
