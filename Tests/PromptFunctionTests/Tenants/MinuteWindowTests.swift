import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// What was used within a minute.
@Suite struct `Minute window` {
    static func second(_ second: Double) -> LoopInstant { LoopInstant(nanoseconds: Int64(second * 1e9)) }

    private static func window(_ uses: (at: Double, count: Int)..., limit: Int = 0) -> MinuteWindow {
        let window = MinuteWindow()
        for use in uses {
            window.advance(to: second(use.at), limit: limit)
            window.add(use.count)
        }
        return window
    }

    @Test func `forgets what is older than a minute, second by second`() {
        let window = Self.window((100.2, 10), (101, 5), (130, 1))
        for (second, total) in [(130, 16), (160.9, 16), (161, 6), (162, 1), (1_000, 0)] {
            window.advance(to: Self.second(second), limit: 0)
            #expect(window.total == total, "\(second)")
        }
    }

    @Test func `tells when enough will be forgotten, and never more than a minute`() {
        let window = Self.window((100, 10), (110, 5))
        window.advance(to: Self.second(120), limit: 0)
        for (most, seconds) in [(15, 0), (14, 41), (5, 41), (4, 51)] {
            #expect(window.seconds(until: most, limit: 0) == seconds, "\(most)")
        }
        #expect(Self.window((100, 10)).seconds(until: 0, limit: 0) == 60)
        #expect(window.secondsUntilEmpty(limit: 0) == 51 && Self.window((100, 10)).secondsUntilEmpty(limit: 10) == 60)
        #expect(MinuteWindow().secondsUntilEmpty(limit: 1) == 0)
        #expect(Self.window((100, 300), limit: 100).secondsUntilEmpty(limit: 100) > 120)
        #expect(MinuteWindow().seconds(until: 0, limit: 0) == 0)
    }

    @Test func `can take back, and never falls below zero`() {
        let window = Self.window((5, 10), (6, -4))
        #expect(window.total == 6)
        window.add(-100)
        #expect(window.total == 0)
    }

    @Test func `takes back what was counted before, wherever it was`() {
        let window = Self.window((0, 1_000), (30, -990), (31, 10), limit: 100)
        for (second, total) in [(31, 20), (60, 20), (61, 10), (91, 10), (92, 0), (125, 0), (155, 0)] {
            window.advance(to: Self.second(Double(second)), limit: 100)
            #expect(window.total == total, "\(second)")
        }
        window.add(7)
        #expect(window.total == 7)
    }

    @Test func `no debt lasts for more than an hour, also if it is asked about`() {
        let window = Self.window((100, 1_000_000_000), limit: 100)
        #expect(window.seconds(until: 99, limit: 100) < 3_700 && window.secondsUntilEmpty(limit: 100) < 3_700)
        for second in stride(from: 100.0, to: 3_800, by: 20) { window.advance(to: Self.second(second), limit: 100) }
        #expect(window.total == 0)
    }

    @Test func `an overdraft counts in the minutes that follow`() {
        // All at once, and spread over some seconds.
        for window in [
            Self.window((100, 400), limit: 100), Self.window((100, 150), (110, 150), (130, 100), limit: 100),
        ] {
            var allowed = 0
            for second in 100..<(100 + 300) {
                window.advance(to: Self.second(Double(second)), limit: 100)
                if window.total < 100 { allowed = allowed == 0 ? second : allowed }
            }
            // Three minutes are owed, of which the last one is less than all.
            #expect((270...350).contains(allowed), "\(allowed)")
            window.advance(to: Self.second(100_000), limit: 100)
            #expect(window.total == 0)
        }
        let window = Self.window((100, 400), limit: 100)
        window.advance(to: Self.second(101), limit: 100)
        #expect((180...240).contains(window.seconds(until: 50, limit: 100)))
    }

    @Test(.seeded) func `no minute ever has more than was allowed`() {
        let window = MinuteWindow()
        var random = SeededRandom(3)
        var uses: [(at: Double, count: Int)] = []
        var now = 0.0
        while now < 600 {
            now += Double.random(in: 0...2, using: &random)
            window.advance(to: Self.second(now), limit: 100)
            let count = Int.random(in: 1...20, using: &random)
            guard window.total + count <= 100 else { continue }
            window.add(count)
            uses.append((now, count))
        }
        for start in uses.map(\.at) {
            let sum = uses.filter { $0.at >= start && $0.at < start + 60 }.reduce(0) { $0 + $1.count }
            #expect(sum <= 100)
        }
        #expect(uses.reduce(0) { $0 + $1.count } > 850)
    }
}
