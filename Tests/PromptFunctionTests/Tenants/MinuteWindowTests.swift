import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// What was used within a minute.
@Suite struct `Minute window` {
    static func second(_ second: Double) -> LoopInstant { LoopInstant(nanoseconds: Int64(second * 1e9)) }

    @Test func `forgets what is older than a minute, second by second`() {
        var window = MinuteWindow()
        window.add(10, at: Self.second(100.2))
        window.add(5, at: Self.second(101))
        window.add(1, at: Self.second(130))
        #expect(window.total == 16)
        window.advance(to: Self.second(160.9))
        #expect(window.total == 16)
        window.advance(to: Self.second(161))
        #expect(window.total == 6)
        window.advance(to: Self.second(162))
        #expect(window.total == 1)
        window.advance(to: Self.second(1_000))
        #expect(window.total == 0)
    }

    @Test func `tells when enough will be forgotten`() {
        var window = MinuteWindow()
        #expect(window.seconds(until: 0) == 0)
        window.add(10, at: Self.second(100))
        window.add(5, at: Self.second(110))
        window.advance(to: Self.second(120))
        #expect(window.seconds(until: 15) == 0)
        #expect(window.seconds(until: 14) == 41)
        #expect(window.seconds(until: 5) == 41)
        #expect(window.seconds(until: 4) == 51)
        window.advance(to: Self.second(161))
        #expect(window.seconds(until: 4) == 10)
    }

    @Test func `can take back`() {
        var window = MinuteWindow()
        window.add(10, at: Self.second(5))
        window.add(-4, at: Self.second(6))
        #expect(window.total == 6)
        window.advance(to: Self.second(66))
        #expect(window.total == -4)
        window.advance(to: Self.second(67))
        #expect(window.total == 0)
    }

    @Test(.seeded) func `no minute ever has more than was allowed`() {
        var window = MinuteWindow()
        var random = SeededRandom(3)
        var uses: [(at: Double, count: Int)] = []
        var now = 0.0
        while now < 600 {
            now += Double.random(in: 0...2, using: &random)
            window.advance(to: Self.second(now))
            let count = Int.random(in: 1...20, using: &random)
            guard window.total + count <= 100 else { continue }
            window.add(count, at: Self.second(now))
            uses.append((now, count))
        }
        for start in uses.map(\.at) {
            let sum = uses.filter { $0.at >= start && $0.at < start + 60 }.reduce(0) { $0 + $1.count }
            #expect(sum <= 100)
        }
        #expect(uses.reduce(0) { $0 + $1.count } > 850)
    }
}
