import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// The queue's classes, and clients that must wait.
@Suite struct `Queue with classes` {
    typealias Queue = FairQueue<Int>

    private static func fill(
        _ queue: Queue, _ values: Range<Int>, _ client: UInt32, _ priority: PriorityClass
    ) throws -> [Queue.Entry] {
        try values.map { try queue.enqueue($0, client: .tenant(client), priority: priority, bytes: 1, deadline: nil) }
    }

    @Test func `serves them by their weights, and neither waits for ever`() throws {
        var weights = PriorityClass.Weights()
        (weights.interactive, weights.batch) = (3, 1)
        let queue = Queue(weights: weights)
        _ = try Self.fill(queue, 1_000..<1_100, 1, .batch)
        _ = try Self.fill(queue, 0..<9, 2, .interactive)
        #expect((queue.count(of: .interactive), queue.count(of: .batch)) == (9, 100))
        let served = (0..<14).compactMap { _ in queue.dequeue() }
        #expect(served == [0, 1, 2, 1_000, 3, 4, 5, 1_001, 6, 7, 8, 1_002, 1_003, 1_004])
    }

    @Test func `a single interactive prompt is next, however long batches have waited`() throws {
        let queue = Queue()
        _ = try Self.fill(queue, 1_000..<6_000, 1, .batch)
        for round in 0..<100 {
            _ = (0..<(round % 7)).map { _ in queue.dequeue() }
            let entry = try Self.fill(queue, round..<(round + 1), 2, .interactive)[0]
            #expect(queue.position(of: entry) <= 1)
            #expect(queue.dequeue() == round)
        }
    }

    @Test func `after one class was alone, the other does not get all at once`() throws {
        let queue = Queue()
        _ = try Self.fill(queue, 0..<500, 1, .interactive)
        for _ in 0..<400 { _ = queue.dequeue() }
        _ = try Self.fill(queue, 1_000..<1_100, 2, .batch)
        let served = (0..<90).compactMap { _ in queue.dequeue() }
        #expect(served.count { $0 >= 1_000 } == 10)
    }

    @Test func `a parked client keeps its prompts, costs the others nothing, and goes on when it may`() throws {
        let queue = Queue()
        var entries: [Queue.Entry] = []
        for client in UInt32(1)...100 {
            entries += try Self.fill(queue, Int(client) * 10..<(Int(client) * 10 + 2), client, .batch)
        }
        _ = try Self.fill(queue, 5_000..<5_002, 500, .batch)
        var offered = 0
        func next() -> Int? { queue.take({ _ in offered += 1 })?.value }
        for client in UInt32(1)...100 { queue.park(.tenant(client)) }
        queue.park(.tenant(1))
        queue.park(.tenant(700))
        #expect(queue.parked == 200)
        #expect(next() == 5_000 && next() == 5_001 && next() == nil)
        #expect(queue.count == 200 && offered == 2)
        queue.remove(entries[0])
        #expect(queue.count == 199 && next() == nil)  // still parked
        queue.unpark(.tenant(1))
        queue.unpark(.tenant(1))
        queue.unpark(.tenant(2))
        queue.unpark(.tenant(700))
        #expect((0..<4).map { _ in next() } == [11, 20, 21, nil])
        for client in UInt32(3)...100 { queue.unpark(.tenant(client)) }
        #expect(Set((0..<196).compactMap { _ in next() }).count == 196)
        #expect(queue.count == 0 && queue.count(of: .batch) == 0)
    }

    @Test func `whoever waits behind many that cannot be served is reached`() throws {
        let queue = Queue()
        for client in UInt32(0)..<200 { _ = try Self.fill(queue, Int(client)..<Int(client + 1), client, .interactive) }
        var offered: [Int] = []
        func next() -> Int? {
            queue.take {
                offered.append($0)
                return $0 == 150 ? () : nil
            }?.value
        }
        #expect(next() == nil && offered == Array(0..<64))
        #expect(next() == nil && offered.count == 128)
        #expect(next() == 150 && offered == Array(0...150))
    }

    @Test func `what is parked in the midst of a ring is offered no more, and the others once`() throws {
        let queue = Queue()
        for client in UInt32(0)..<6 { _ = try Self.fill(queue, Int(client)..<Int(client + 1), client, .interactive) }
        var offered: [Int] = []
        for client in [0, 2, 3, 5] as [UInt32] { queue.park(.tenant(client)) }
        let none = queue.take { value -> Void? in
            offered.append(value)
            return nil
        }
        #expect(none == nil && offered == [1, 4] && queue.parked == 4)
    }

    @Test(.seeded) func `nothing is lost or served twice, whatever is parked and removed`() throws {
        let queue = Queue(maxCount: 10_000)
        var random = SeededRandom(11)
        var entries: [Int: Queue.Entry] = [:]
        var parked: Set<Int> = []
        for value in 0..<50_000 {
            let client = value % 17
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<5:
                entries[value] = try? queue.enqueue(
                    value, client: .tenant(UInt32(client)), priority: client % 3 == 0 ? .batch : .interactive, bytes: 1,
                    deadline: nil)
                if parked.contains(client) { queue.park(.tenant(UInt32(client))) }
            case 5..<7:
                if let served = queue.take({ _ in () })?.value {
                    #expect(entries.removeValue(forKey: served) != nil && !parked.contains(served % 17))
                }
            case 7:
                guard let (value, entry) = entries.randomElement(using: &random) else { continue }
                #expect(queue.remove(entry) == value)
                entries[value] = nil
            case 8:
                parked.insert(client)
                queue.park(.tenant(UInt32(client)))
            default:
                parked.remove(client)
                queue.unpark(.tenant(UInt32(client)))
            }
            #expect(queue.count == entries.count)
            if value % 50 == 0, let (_, entry) = entries.randomElement(using: &random) {
                #expect((0...entries.count).contains(queue.position(of: entry)))
            }
        }
        for client in UInt32(0)..<17 { queue.unpark(.tenant(client)) }
        while let served = queue.dequeue() { entries[served] = nil }
        #expect(entries.isEmpty && queue.count == 0 && queue.bytes == 0)
    }
}
