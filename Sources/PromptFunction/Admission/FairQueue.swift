internal import EventLoop

/// The nodes of prompts that wait: first come first served for one client, in turns for several.
///
/// Each client has a queue; the clients that have someone waiting are served one prompt each, round and round, so that
/// 5,000 prompts of one do not make another's single prompt wait behind all of them. Entering, serving and leaving are
/// O(1), and O(log n) for nodes with a deadline; nothing is allocated but the growth of arrays, about 130 bytes a
/// node beyond `Value`. The memory of the fullest moment is kept. Belongs to one thread.
final class FairQueue<Value> {
    /// A node in the queue. Once it was served, left or expired it is void, and using it does nothing.
    struct Entry: Hashable, Sendable {
        fileprivate let slot: Int32
        fileprivate let generation: UInt32
    }

    /// Why nobody may enter.
    enum Full: Error, Equatable {
        /// As many wait as may.
        case prompts(limit: Int)
        /// Those who wait, and this one, have more bytes than may wait.
        case bytes(limit: Int)
    }

    let maxCount: Int
    let maxBytes: Int
    /// How many wait.
    private(set) var count = 0
    /// Their bytes.
    private(set) var bytes = 0
    private var nodes = SlotMap<Node>()
    private var queues = SlotMap<ClientQueue>()
    private var queueOf: [ClientIdentity: Int32] = [:]
    private var deadlines = DeadlineHeap()
    /// Prompts that are tried again, before all others.
    private let front: Int32
    /// The queue whose turn is next. The ring's end is before it.
    private var nextQueue: Int32 = none

    /// - Parameters:
    ///   - maxCount: how many may wait.
    ///   - maxBytes: how many bytes of theirs may wait.
    init(maxCount: Int = 16_384, maxBytes: Int = 256 << 20) {
        self.maxCount = min(max(maxCount, 0), Int(Int32.max) / 2)
        self.maxBytes = maxBytes
        front = queues.add(ClientQueue(client: nil))
    }

    // MARK: Entering

    /// Takes the last node of `client`'s queue.
    func enqueue(_ value: Value, client: ClientIdentity, bytes: Int, deadline: LoopInstant?) throws(Full) -> Entry {
        guard count < maxCount else { throw .prompts(limit: maxCount) }
        guard bytes <= maxBytes - self.bytes else { throw .bytes(limit: maxBytes) }
        return add(value, to: queue(of: client), bytes: bytes, deadline: deadline)
    }

    /// Takes a node before all who entered otherwise, behind those who entered like this: for a prompt that was served
    /// once and has to be tried again. Never refused, but it counts.
    func enqueueFirst(_ value: Value, bytes: Int, deadline: LoopInstant?) -> Entry {
        add(value, to: front, bytes: bytes, deadline: deadline)
    }

    private func add(_ value: Value, to queue: Int32, bytes: Int, deadline: LoopInstant?) -> Entry {
        let number = queues[queue].nextNumber
        queues[queue].nextNumber &+= 1
        let slot = nodes.add(
            Node(
                value: value, queue: queue, previous: queues[queue].last, number: number, deadline: deadline,
                bytes: bytes))
        let last = queues[queue].last
        if last == none { queues[queue].first = slot } else { nodes[last].next = slot }
        queues[queue].last = slot
        queues[queue].count += 1
        count += 1
        self.bytes += bytes
        if let deadline { deadlines.insert(slot, deadline, &nodes) }
        return Entry(slot: slot, generation: nodes.generation(of: slot))
    }

    /// The queue of a client; a new one gets its turn after all others.
    private func queue(of client: ClientIdentity) -> Int32 {
        if let queue = queueOf[client] { return queue }
        let queue = queues.add(ClientQueue(client: client))
        queueOf[client] = queue
        if nextQueue == none {
            queues[queue].next = queue
            queues[queue].previous = queue
            nextQueue = queue
        } else {
            let last = queues[nextQueue].previous
            queues[queue].next = nextQueue
            queues[queue].previous = last
            queues[last].next = queue
            queues[nextQueue].previous = queue
        }
        return queue
    }

    // MARK: Leaving

    /// The first of those who wait before all others.
    var inFront: Value? { queues[front].count > 0 ? nodes[queues[front].first].value : nil }

    /// Serves the one whose turn it is.
    ///
    /// - Parameter skippingFront: whether those who wait before all others are passed over.
    func dequeue(skippingFront: Bool = false) -> Value? {
        if !skippingFront, queues[front].count > 0 { return remove(queues[front].first) }
        guard nextQueue != none else { return nil }
        let queue = nextQueue
        nextQueue = queues[queue].next
        return remove(queues[queue].first)
    }

    /// Gives a node up, because its client left.
    ///
    /// - Returns: what waited there; `nil` if the node is void.
    @discardableResult
    func remove(_ entry: Entry) -> Value? { isValid(entry) ? remove(entry.slot) : nil }

    /// The earliest deadline.
    var nextDeadline: LoopInstant? { deadlines.first.flatMap { nodes[$0].deadline } }

    /// Takes out the one whose deadline passed first, if there is any; call until `nil`.
    func takeExpired(at now: LoopInstant) -> Value? {
        guard let slot = deadlines.first, let deadline = nodes[slot].deadline, deadline <= now else { return nil }
        return remove(slot)
    }

    private func remove(_ slot: Int32) -> Value {
        if nodes[slot].heapIndex >= 0 { deadlines.remove(slot, &nodes) }
        let node = nodes.remove(slot)
        let queue = node.queue
        if node.previous == none { queues[queue].first = node.next } else { nodes[node.previous].next = node.next }
        if node.next == none {
            queues[queue].last = node.previous
        } else {
            nodes[node.next].previous = node.previous
        }
        queues[queue].count -= 1
        count -= 1
        bytes -= node.bytes
        if queues[queue].count == 0 {
            if queue != front { removeQueue(queue) }
        } else if node.next == none {
            queues[queue].nextNumber = node.number
        } else if node.previous != none {
            noteGap(in: queue)
        }
        return node.value
    }

    private func removeQueue(_ queue: Int32) {
        let gone = queues.remove(queue)
        if let client = gone.client { queueOf[client] = nil }
        if gone.next == queue {
            nextQueue = none
            return
        }
        queues[gone.next].previous = gone.previous
        queues[gone.previous].next = gone.next
        if nextQueue == queue { nextQueue = gone.next }
    }

    private func isValid(_ entry: Entry) -> Bool { nodes.generation(of: entry.slot) == entry.generation }
}

// MARK: Who is how far

extension FairQueue {
    /// How many will be served before this one, if nobody enters or leaves. 0 if the node is void.
    ///
    /// O(number of clients that wait). Exact, except that for a client with more than 64 prompts waiting those of its
    /// own that left from the middle of its queue still count in part: it is then too high by at most an eighth of that
    /// queue, a turn of each other client for each of them.
    func position(of entry: Entry) -> Int {
        guard isValid(entry) else { return 0 }
        let node = nodes[entry.slot]
        let own = Int(node.number &- nodes[queues[node.queue].first].number)
        if node.queue == front { return own }
        var before = Int(queues[front].count) + own
        var isAhead = true  // whether a queue's turn is before that of the entry's, in each round
        var queue = nextQueue
        repeat {
            if queue == node.queue {
                isAhead = false
            } else {
                before += min(Int(queues[queue].count), own + (isAhead ? 1 : 0))
            }
            queue = queues[queue].next
        } while queue != nextQueue
        return before
    }

    /// One left from the middle of a queue: from time to time its numbers are made consecutive again, at O(1) for each
    /// that left.
    private func noteGap(in queue: Int32) {
        queues[queue].gaps += 1
        guard queues[queue].count <= 64 || queues[queue].gaps > queues[queue].count / 8 else { return }
        queues[queue].gaps = 0
        var slot = queues[queue].first
        var number: UInt32 = 0
        while slot != none {
            nodes[slot].number = number
            number &+= 1
            slot = nodes[slot].next
        }
        queues[queue].nextNumber = number
    }

    /// Where one prompt waits.
    fileprivate struct Node: DeadlineNode {
        let value: Value
        let queue: Int32
        var previous: Int32
        var next: Int32 = none
        var heapIndex: Int32 = -1
        /// Counts up along the queue.
        var number: UInt32
        let deadline: LoopInstant?
        let bytes: Int
    }
}

extension FairQueue {
    /// What a node costs beyond `Value` when each client has one: itself, its queue, both lists' entries.
    static var bytesPerNode: Int {
        let queue = MemoryLayout<ClientQueue>.stride + 8 + MemoryLayout<(ClientIdentity, Int32)>.stride * 4 / 3
        return MemoryLayout<Node>.stride + 8 - MemoryLayout<Value>.size + queue + MemoryLayout<(Int64, Int32)>.stride
    }
}

/// The prompts of one client.
private struct ClientQueue {
    /// `nil` for prompts that are tried again.
    let client: ClientIdentity?
    var first: Int32 = none
    var last: Int32 = none
    var count: Int32 = 0
    var nextNumber: UInt32 = 0
    /// Tickets that are missing since the numbers were consecutive, at most.
    var gaps: Int32 = 0
    // Neighbours in the ring.
    var next: Int32 = none
    var previous: Int32 = none
}

/// No slot.
private let none: Int32 = -1
