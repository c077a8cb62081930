import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// Places of prompts that wait.
@Suite struct `Fair queue` {
    typealias Queue = FairQueue<Int>

    static func client(_ number: Int) -> ClientIdentity { .v4(UInt32(number)) }

    @Test func `a prompt that cannot be admitted keeps its turn, and others go on in turns`() throws {
        let queue = Queue()
        for (client, values) in [(1, [10, 11]), (2, [20, 21]), (3, [30, 31])] {
            for value in values { _ = try queue.enqueue(value, client: .v4(UInt32(client)), bytes: 1, deadline: nil) }
        }
        _ = queue.enqueueFirst(1, bytes: 1, deadline: nil)
        func next(besides waiting: [Int]) -> Int? { queue.take { waiting.contains($0) ? nil : () }?.value }
        let blocked = [1, 10]
        #expect((0..<5).map { _ in next(besides: blocked) } == [20, 30, 21, 31, nil])
        #expect((0..<4).map { _ in queue.dequeue() } == [1, 10, 11, nil])
    }

    @Test func `one client is served in the order of arrival`() throws {
        let queue = Queue()
        for value in 0..<5 { _ = try queue.enqueue(value, client: .v4(1), bytes: 0, deadline: nil) }
        #expect((0..<6).map { _ in queue.dequeue() } == [0, 1, 2, 3, 4, nil])
    }

    @Test func `a single prompt does not wait behind another client's 5,000`() throws {
        let queue = Queue()
        for value in 0..<5_000 { _ = try queue.enqueue(value, client: .v4(1), bytes: 0, deadline: nil) }
        let single = try queue.enqueue(-1, client: .v4(2), bytes: 0, deadline: nil)
        #expect(queue.position(of: single) == 1)
        #expect([queue.dequeue(), queue.dequeue(), queue.dequeue()] == [0, -1, 1])
    }

    @Test func `clients take turns, and a new one comes after all others`() throws {
        let queue = Queue()
        for value in [10, 11, 12] { _ = try queue.enqueue(value, client: .v4(1), bytes: 0, deadline: nil) }
        for value in [20, 21] { _ = try queue.enqueue(value, client: .v4(2), bytes: 0, deadline: nil) }
        #expect(queue.dequeue() == 10)
        _ = try queue.enqueue(30, client: .v4(3), bytes: 0, deadline: nil)
        #expect((0..<6).map { _ in queue.dequeue() } == [20, 11, 30, 21, 12, nil])
    }

    @Test func `both bounds refuse, and say which it was`() throws {
        let queue = Queue(maxCount: 2, maxBytes: 100)
        _ = try queue.enqueue(1, client: .v4(1), bytes: 60, deadline: nil)
        #expect(throws: Queue.Full.bytes(limit: 100)) { try queue.enqueue(2, client: .v4(1), bytes: 41, deadline: nil) }
        #expect(throws: Queue.Full.bytes(limit: 100)) {
            try queue.enqueue(2, client: .v4(1), bytes: .max, deadline: nil)
        }
        _ = try queue.enqueue(2, client: .v4(1), bytes: 40, deadline: nil)
        #expect(throws: Queue.Full.prompts(limit: 2)) { try queue.enqueue(3, client: .v4(1), bytes: 0, deadline: nil) }
        #expect((queue.count, queue.bytes) == (2, 100))
        #expect(queue.dequeue() == 1)
        _ = try queue.enqueue(3, client: .v4(1), bytes: 60, deadline: nil)
    }

    @Test func `a retried prompt goes before all others and is never refused`() throws {
        let queue = Queue(maxCount: 1, maxBytes: 1)
        let entry = try queue.enqueue(1, client: .v4(1), bytes: 1, deadline: nil)
        let first = queue.enqueueFirst(2, bytes: 50, deadline: nil)
        let second = queue.enqueueFirst(3, bytes: 50, deadline: nil)
        #expect((queue.count, queue.bytes) == (3, 101))
        #expect([first, second, entry].map(queue.position) == [0, 1, 2])
        #expect([queue.dequeue(), queue.dequeue(), queue.dequeue()] == [2, 3, 1])
        #expect((queue.count, queue.bytes) == (0, 0))
    }

    @Test func `a node that was given up or served is void, even when its slot is used again`() throws {
        let queue = Queue()
        let gone = try queue.enqueue(1, client: .v4(1), bytes: 1, deadline: LoopInstant(nanoseconds: 5))
        #expect(queue.remove(gone) == 1)
        let next = try queue.enqueue(2, client: .v4(1), bytes: 1, deadline: nil)
        #expect(queue.remove(gone) == nil)
        #expect(queue.position(of: gone) == 0)
        #expect(queue.nextDeadline == nil)
        #expect(queue.dequeue() == 2)
        #expect(queue.remove(next) == nil)
        #expect(queue.count == 0)
    }

    @Test func `deadlines pass in their own order`() throws {
        let queue = Queue()
        for (value, deadline) in [(1, 30), (2, 10), (3, 20), (4, 10)] {
            _ = try queue.enqueue(
                value, client: .v4(1), bytes: 0, deadline: LoopInstant(nanoseconds: Int64(deadline)))
        }
        #expect(queue.nextDeadline == LoopInstant(nanoseconds: 10))
        #expect(queue.takeExpired(at: LoopInstant(nanoseconds: 9)) == nil)
        let first = (0..<2).map { _ in queue.takeExpired(at: LoopInstant(nanoseconds: 20)) }
        #expect(Set(first) == [2, 4])
        #expect(queue.takeExpired(at: LoopInstant(nanoseconds: 20)) == 3)
        #expect(queue.takeExpired(at: LoopInstant(nanoseconds: 20)) == nil)
        #expect(queue.dequeue() == 1)
    }

    @Test(.seeded) func `in a long queue that many leave, a node is too high by an eighth at most`() throws {
        let queue = Queue()
        var random = SeededRandom(7)
        var entries = try (0..<4_000).map { try queue.enqueue($0, client: .v4(1), bytes: 0, deadline: nil) }
        while entries.count > 100 {
            queue.remove(entries.remove(at: Int.random(in: 1..<entries.count - 1, using: &random)))
            let index = Int.random(in: 0..<entries.count, using: &random)
            let node = queue.position(of: entries[index])
            #expect(node >= index && node <= index + entries.count / 8)
        }
    }

    @Test func `a node takes at most 200 bytes`() {
        #expect(MemoryLayout<Queue.Entry>.size == 8)
        #expect(Queue.bytesPerNode <= 200)
    }
}
