import EventLoop
@testable import PromptFunction
import TestSupport
import Testing

/// The queue as anyone would write it first: arrays, and no thought of time.
private struct PlainQueue {
    struct Entry { let value: Int, client: Int, bytes: Int, deadline: Int64? }

    var front: [Entry] = []
    /// The clients' queues; whose turn it is stands first.
    var queues: [[Entry]] = []
    var all: [Entry] { front + queues.flatMap { $0 } }

    mutating func enqueue(_ entry: Entry) {
        if let queue = queues.firstIndex(where: { $0[0].client == entry.client }) {
            queues[queue].append(entry)
        } else {
            queues.append([entry])
        }
    }

    mutating func dequeue() -> Int? {
        if !front.isEmpty { return front.removeFirst().value }
        guard !queues.isEmpty else { return nil }
        var queue = queues.removeFirst()
        let entry = queue.removeFirst()
        if !queue.isEmpty { queues.append(queue) }
        return entry.value
    }

    mutating func remove(_ value: Int) {
        front.removeAll { $0.value == value }
        for queue in queues.indices { queues[queue].removeAll { $0.value == value } }
        queues.removeAll { $0.isEmpty }
    }

    /// By serving all others.
    func position(of value: Int) -> Int? {
        var copy = self
        var node = 0
        while let served = copy.dequeue() {
            if served == value { return node }
            node += 1
        }
        return nil
    }
}

/// The queue against the plain one.
@Suite(.timeLimit(.minutes(1))) struct `Fair queue model` {
    @Test(.seeded, arguments: [1, 7, 50])
    func `100,000 operations go as in a plain queue`(clients: Int) throws {
        let queue = FairQueue<Int>(maxCount: 60, maxBytes: 3_000)
        var plain = PlainQueue()
        var entries: [Int: FairQueue<Int>.Entry] = [:]
        var random = SeededRandom(UInt64(clients))
        for step in 0..<100_000 {
            // Now the queue fills, now it empties.
            let enters = step / 500 % 2 == 0 ? 6 : 3
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<enters: enqueue(step, Int.random(in: 0..<clients, using: &random))
            case 9: expire(Int64.random(in: 0..<40, using: &random))
            case 8: remove()
            default:
                let served = queue.dequeue()
                #expect(served == plain.dequeue())
                if let served { entries[served] = nil }
            }
            check(step)
        }

        func enqueue(_ value: Int, _ client: Int) {
            let bytes = Int.random(in: 0..<100, using: &random)
            let deadline: Int64? = Bool.random(using: &random) ? Int64.random(in: 0..<1_000, using: &random) : nil
            let plainEntry = PlainQueue.Entry(value: value, client: client, bytes: bytes, deadline: deadline)
            let instant = deadline.map(LoopInstant.init)
            if Int.random(in: 0..<20, using: &random) == 0 {
                entries[value] = queue.enqueueFirst(value, bytes: bytes, deadline: instant)
                plain.front.append(plainEntry)
                return
            }
            let sum = plain.all.reduce(0) { $0 + $1.bytes }
            let isFull = plain.all.count >= 60 || sum + bytes > 3_000
            let entry = try? queue.enqueue(value, client: .v6(UInt64(client)), bytes: bytes, deadline: instant)
            #expect((entry == nil) == isFull)
            guard let entry else { return }
            entries[value] = entry
            plain.enqueue(plainEntry)
        }

        func remove() {
            guard let (value, entry) = entries.randomElement(using: &random) else { return }
            #expect(queue.remove(entry) == value)
            plain.remove(value)
            entries[value] = nil
        }

        func expire(_ now: Int64) {
            while let value = queue.takeExpired(at: LoopInstant(nanoseconds: now)) {
                let entry = plain.all.first { $0.value == value }
                #expect(entry?.deadline == plain.all.compactMap(\.deadline).min())
                #expect(entry.map { $0.deadline! <= now } == true)
                plain.remove(value)
                entries[value] = nil
            }
            #expect(!plain.all.contains { $0.deadline.map { $0 <= now } == true })
        }

        func check(_ step: Int) {
            let all = plain.all
            #expect(queue.count == all.count && queue.bytes == all.reduce(0) { $0 + $1.bytes })
            #expect(queue.nextDeadline?.nanoseconds == all.compactMap(\.deadline).min())
            guard step % 10 == 0, let (value, entry) = entries.randomElement(using: &random) else { return }
            #expect(queue.position(of: entry) == plain.position(of: value))
        }
    }
}
