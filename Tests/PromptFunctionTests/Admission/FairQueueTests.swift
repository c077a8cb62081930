import EventLoop
@testable import PromptFunction
import Testing

/// Places of prompts that wait.
@Suite struct `Fair queue` {
    typealias Queue = FairQueue<Int>

    static func client(_ number: Int) -> ClientIdentity { .v4(UInt32(number)) }

    @Test func `one client is served in the order of arrival`() throws {
        let queue = Queue()
        for value in 0..<5 { _ = try queue.enter(value, client: .v4(1), bytes: 0, deadline: nil) }
        #expect((0..<6).map { _ in queue.next() } == [0, 1, 2, 3, 4, nil])
    }

    @Test func `a single prompt does not wait behind another client's 5,000`() throws {
        let queue = Queue()
        for value in 0..<5_000 { _ = try queue.enter(value, client: .v4(1), bytes: 0, deadline: nil) }
        let single = try queue.enter(-1, client: .v4(2), bytes: 0, deadline: nil)
        #expect(queue.place(of: single) == 1)
        #expect([queue.next(), queue.next(), queue.next()] == [0, -1, 1])
    }

    @Test func `clients take turns, and a new one comes after all others`() throws {
        let queue = Queue()
        for value in [10, 11, 12] { _ = try queue.enter(value, client: .v4(1), bytes: 0, deadline: nil) }
        for value in [20, 21] { _ = try queue.enter(value, client: .v4(2), bytes: 0, deadline: nil) }
        #expect(queue.next() == 10)
        _ = try queue.enter(30, client: .v4(3), bytes: 0, deadline: nil)
        #expect((0..<6).map { _ in queue.next() } == [20, 11, 30, 21, 12, nil])
    }

    @Test func `both bounds refuse, and say which it was`() throws {
        let queue = Queue(maxCount: 2, maxBytes: 100)
        _ = try queue.enter(1, client: .v4(1), bytes: 60, deadline: nil)
        #expect(throws: Queue.Full.bytes(limit: 100)) { try queue.enter(2, client: .v4(1), bytes: 41, deadline: nil) }
        #expect(throws: Queue.Full.bytes(limit: 100)) { try queue.enter(2, client: .v4(1), bytes: .max, deadline: nil) }
        _ = try queue.enter(2, client: .v4(1), bytes: 40, deadline: nil)
        #expect(throws: Queue.Full.places(limit: 2)) { try queue.enter(3, client: .v4(1), bytes: 0, deadline: nil) }
        #expect((queue.count, queue.bytes) == (2, 100))
        #expect(queue.next() == 1)
        _ = try queue.enter(3, client: .v4(1), bytes: 60, deadline: nil)
    }

    @Test func `a retried prompt goes before all others and is never refused`() throws {
        let queue = Queue(maxCount: 1, maxBytes: 1)
        let waiter = try queue.enter(1, client: .v4(1), bytes: 1, deadline: nil)
        let first = queue.enterFirst(2, bytes: 50, deadline: nil)
        let second = queue.enterFirst(3, bytes: 50, deadline: nil)
        #expect((queue.count, queue.bytes) == (3, 101))
        #expect([first, second, waiter].map(queue.place) == [0, 1, 2])
        #expect([queue.next(), queue.next(), queue.next()] == [2, 3, 1])
        #expect((queue.count, queue.bytes) == (0, 0))
    }

    @Test func `a place that was given up or served is void, even when its slot is used again`() throws {
        let queue = Queue()
        let gone = try queue.enter(1, client: .v4(1), bytes: 1, deadline: LoopInstant(nanoseconds: 5))
        #expect(queue.leave(gone) == 1)
        let next = try queue.enter(2, client: .v4(1), bytes: 1, deadline: nil)
        #expect(queue.leave(gone) == nil)
        #expect(queue.place(of: gone) == 0)
        #expect(queue.nextDeadline == nil)
        #expect(queue.next() == 2)
        #expect(queue.leave(next) == nil)
        #expect(queue.count == 0)
    }

    @Test func `deadlines pass in their own order`() throws {
        let queue = Queue()
        for (value, deadline) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            _ = try queue.enter(
                value, client: .v4(1), bytes: 0, deadline: LoopInstant(nanoseconds: Int64(deadline)))
        }
        #expect(queue.nextDeadline == LoopInstant(nanoseconds: 10))
        #expect(queue.takeExpired(at: LoopInstant(nanoseconds: 9)) == nil)
        let first = (0..<2).map { _ in queue.takeExpired(at: LoopInstant(nanoseconds: 20)) }
        #expect(Set(first) == [2, 4])
        #expect(queue.takeExpired(at: LoopInstant(nanoseconds: 20)) == 3)
        #expect(queue.takeExpired(at: LoopInstant(nanoseconds: 20)) == nil)
        #expect(queue.next() == 1)
    }

    @Test func `in a long line that many leave, a place is too high by an eighth at most`() throws {
        let queue = Queue()
        var random = SeededRandom(state: 7)
        var waiters = try (0..<4_000).map { try queue.enter($0, client: .v4(1), bytes: 0, deadline: nil) }
        while waiters.count > 100 {
            queue.leave(waiters.remove(at: Int.random(in: 1..<waiters.count - 1, using: &random)))
            let index = Int.random(in: 0..<waiters.count, using: &random)
            let place = queue.place(of: waiters[index])
            #expect(place >= index && place <= index + waiters.count / 8)
        }
    }

    @Test func `a place takes at most 200 bytes`() {
        #expect(MemoryLayout<Queue.Waiter>.size == 8)
        #expect(Queue.bytesPerPlace <= 200)
    }
}
