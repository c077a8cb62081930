import Testing

@testable import promptd

/// When a load run's requests are due.
@Suite struct `A load run's schedule` {
    private static func ms(_ milliseconds: Int) -> Duration { .milliseconds(milliseconds) }

    @Test func `in a closed loop a request is due when a connection is free`() {
        var schedule = Schedule(count: 3)
        for (number, time) in [(1, 0), (2, 0), (3, 250)] {
            #expect(schedule.take(at: Self.ms(time)) == .send(number: number, due: Self.ms(time)))
        }
        #expect(schedule.take(at: Self.ms(250)) == .over)
        #expect(schedule.taken == 3)
    }

    @Test func `no request is due when the time is up`() {
        var schedule = Schedule(duration: Self.ms(100))
        #expect(schedule.take(at: Self.ms(99)) == .send(number: 1, due: Self.ms(99)))
        #expect(schedule.take(at: Self.ms(100)) == .over)
    }

    @Test func `at a rate, requests are due at even distances, however late they are taken`() {
        var schedule = Schedule(pace: .rate(10), duration: Self.ms(500))
        #expect(schedule.take(at: .zero) == .send(number: 1, due: .zero))
        #expect(schedule.take(at: Self.ms(40)) == .wait(until: Self.ms(100)))
        #expect(schedule.take(at: Self.ms(100)) == .send(number: 2, due: Self.ms(100)))
        // Every connection was busy for a while, even beyond the end.
        #expect(schedule.take(at: Self.ms(350)) == .send(number: 3, due: Self.ms(200)))
        #expect(schedule.take(at: Self.ms(350)) == .send(number: 4, due: Self.ms(300)))
        #expect(schedule.take(at: Self.ms(350)) == .wait(until: Self.ms(400)))
        #expect(schedule.take(at: Self.ms(2000)) == .send(number: 5, due: Self.ms(400)))
        #expect(schedule.take(at: Self.ms(2000)) == .over)
    }

    @Test func `a count ends an open loop too`() {
        var schedule = Schedule(pace: .rate(1000), count: 2, duration: .seconds(1))
        #expect(schedule.take(at: .seconds(1)) == .send(number: 1, due: .zero))
        #expect(schedule.take(at: .seconds(1)) == .send(number: 2, due: Self.ms(1)))
        #expect(schedule.take(at: .seconds(1)) == .over)
    }

    @Test func `a ramp lets the rate rise evenly`() {
        var schedule = Schedule(pace: .rate(100), ramp: .seconds(2))
        var due: [Duration] = []
        while schedule.taken < 301 {
            guard case .send(_, let time) = schedule.take(at: .seconds(60)) else { break }
            due.append(time)
        }
        #expect(due[0] == .zero)
        #expect(due[25] == .seconds(1))  // 100 * 1 * 1 / (2 * 2)
        #expect(due[100] == .seconds(2))
        #expect(due[200] == .seconds(3))
        #expect(due[300] == .seconds(4))
        #expect(zip(due, due.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test func `a ramp lets connections begin one after the other`() {
        let closed = Schedule(ramp: .seconds(10))
        #expect(closed.start(ofConnection: 0, of: 5) == .zero)
        #expect(closed.start(ofConnection: 4, of: 5) == .seconds(8))
        let open = Schedule(pace: .rate(1), ramp: .seconds(10))
        #expect(open.start(ofConnection: 4, of: 5) == .zero)
    }

    @Test func `a number stands where its mark is`() {
        let text = NumberedText("{n} of {m}: {{n}}{n".utf8)
        #expect(String(decoding: text.bytes(42), as: UTF8.self) == "42 of {m}: {42}{n")
        #expect(!text.isConstant)
        #expect(NumberedText("{n".utf8).isConstant)
        #expect(NumberedText("".utf8).bytes(1).isEmpty)
    }
}
