import EventLoop
@testable import PromptFunction
import Testing

/// The queue as anyone would write it first: arrays, and no thought of time.
private struct PlainQueue {
    struct Entry { let value: Int, client: Int, bytes: Int, deadline: Int64? }

    var front: [Entry] = []
    /// The clients' lines; whose turn it is stands first.
    var lines: [[Entry]] = []
    var all: [Entry] { front + lines.flatMap { $0 } }

    mutating func enter(_ entry: Entry) {
        if let line = lines.firstIndex(where: { $0[0].client == entry.client }) {
            lines[line].append(entry)
        } else {
            lines.append([entry])
        }
    }

    mutating func next() -> Int? {
        if !front.isEmpty { return front.removeFirst().value }
        guard !lines.isEmpty else { return nil }
        var line = lines.removeFirst()
        let entry = line.removeFirst()
        if !line.isEmpty { lines.append(line) }
        return entry.value
    }

    mutating func leave(_ value: Int) {
        front.removeAll { $0.value == value }
        for line in lines.indices { lines[line].removeAll { $0.value == value } }
        lines.removeAll { $0.isEmpty }
    }

    /// By serving all others.
    func place(of value: Int) -> Int? {
        var copy = self
        var place = 0
        while let served = copy.next() {
            if served == value { return place }
            place += 1
        }
        return nil
    }
}

/// The queue against the plain one.
@Suite(.timeLimit(.minutes(1))) struct `Fair queue model` {
    @Test(arguments: [1, 7, 50])
    func `100,000 operations go as in a plain queue`(clients: Int) throws {
        let queue = FairQueue<Int>(maxCount: 60, maxBytes: 3_000)
        var plain = PlainQueue()
        var waiters: [Int: FairQueue<Int>.Waiter] = [:]
        var random = SeededRandom(state: UInt64(clients))
        for step in 0..<100_000 {
            // Now the queue fills, now it empties.
            let enters = step / 500 % 2 == 0 ? 6 : 3
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<enters: enter(step, Int.random(in: 0..<clients, using: &random))
            case 9: expire(Int64.random(in: 0..<40, using: &random))
            case 8: leave()
            default:
                let served = queue.next()
                #expect(served == plain.next())
                if let served { waiters[served] = nil }
            }
            check(step)
        }

        func enter(_ value: Int, _ client: Int) {
            let bytes = Int.random(in: 0..<100, using: &random)
            let deadline: Int64? = Bool.random(using: &random) ? Int64.random(in: 0..<1_000, using: &random) : nil
            let entry = PlainQueue.Entry(value: value, client: client, bytes: bytes, deadline: deadline)
            let instant = deadline.map(LoopInstant.init)
            if Int.random(in: 0..<20, using: &random) == 0 {
                waiters[value] = queue.enterFirst(value, bytes: bytes, deadline: instant)
                plain.front.append(entry)
                return
            }
            let sum = plain.all.reduce(0) { $0 + $1.bytes }
            let isFull = plain.all.count >= 60 || sum + bytes > 3_000
            let waiter = try? queue.enter(value, client: .v6(UInt64(client)), bytes: bytes, deadline: instant)
            #expect((waiter == nil) == isFull)
            guard let waiter else { return }
            waiters[value] = waiter
            plain.enter(entry)
        }

        func leave() {
            guard let (value, waiter) = waiters.randomElement(using: &random) else { return }
            #expect(queue.leave(waiter) == value)
            plain.leave(value)
            waiters[value] = nil
        }

        func expire(_ now: Int64) {
            while let value = queue.takeExpired(at: LoopInstant(nanoseconds: now)) {
                let entry = plain.all.first { $0.value == value }
                #expect(entry?.deadline == plain.all.compactMap(\.deadline).min())
                #expect(entry.map { $0.deadline! <= now } == true)
                plain.leave(value)
                waiters[value] = nil
            }
            #expect(!plain.all.contains { $0.deadline.map { $0 <= now } == true })
        }

        func check(_ step: Int) {
            let all = plain.all
            #expect(queue.count == all.count && queue.bytes == all.reduce(0) { $0 + $1.bytes })
            #expect(queue.nextDeadline?.nanoseconds == all.compactMap(\.deadline).min())
            guard step % 10 == 0, let (value, waiter) = waiters.randomElement(using: &random) else { return }
            #expect(queue.place(of: waiter) == plain.place(of: value))
        }
    }
}
