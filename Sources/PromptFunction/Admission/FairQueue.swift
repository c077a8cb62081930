internal import EventLoop

/// A queue of prompts: first come, first served for each client, and round robin among clients.
///
/// Each client has its own queue. Clients with queued prompts are served one prompt each, in turn, so that 5,000
/// prompts of one client do not delay another client's single prompt until all are served. Entering, serving and
/// leaving are O(1), and O(log n) for nodes with a deadline. Memory is allocated only when arrays grow: about 130 bytes
/// for each node besides `Value`. The queue keeps the memory of its longest length. Belongs to one thread.
final class FairQueue<Value> {
    /// A reference to a node in the queue. It is void once the node was served, removed or expired; using it then does
    /// nothing.
    struct Entry: Hashable, Sendable {
        fileprivate let slot: Int32
        fileprivate let generation: UInt32
    }

    /// Why a prompt was rejected.
    enum Full: Error, Equatable {
        /// The maximum number of prompts is queued.
        case prompts(limit: Int)
        /// With this prompt, the queued prompts would exceed the maximum number of bytes.
        case bytes(limit: Int)
    }

    let maxCount: Int
    let maxBytes: Int
    /// The number of queued prompts.
    private(set) var count = 0
    /// The bytes of the queued prompts.
    private(set) var bytes = 0
    private var nodes = SlotMap<Node>()
    private var queues = SlotMap<ClientQueue>()
    private var queueOf: [ClientIdentity: Int32] = [:]
    private var deadlines = DeadlineHeap()
    /// The queue of prompts that are retried, ahead of all others.
    private let front: Int32
    /// The queue that is served next. The end of the ring is just before it.
    private var nextQueue: Int32 = none

    /// - Parameters:
    ///   - maxCount: how many prompts may wait.
    ///   - maxBytes: how many bytes the queued prompts may have together.
    init(maxCount: Int = 16_384, maxBytes: Int = 256 << 20) {
        self.maxCount = min(max(maxCount, 0), Int(Int32.max) / 2)
        self.maxBytes = maxBytes
        front = queues.add(ClientQueue(client: nil))
    }

    // MARK: Entering

    /// Adds a prompt at the end of `client`'s queue.
    func enqueue(_ value: Value, client: ClientIdentity, bytes: Int, deadline: LoopInstant?) throws(Full) -> Entry {
        guard count < maxCount else { throw .prompts(limit: maxCount) }
        guard bytes <= maxBytes - self.bytes else { throw .bytes(limit: maxBytes) }
        return add(value, to: queue(of: client), bytes: bytes, deadline: deadline)
    }

    /// Adds a prompt ahead of all clients' queues, behind those added in this way before: for a prompt that was
    /// admitted once and must be retried. It is never rejected, but it counts towards the limits.
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

    /// Returns the queue of a client. A new queue is served after all others.
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

    /// The most clients whose first prompts are offered in one call of `take`.
    private static var clientsOffered: Int { 64 }

    /// Removes and returns the first prompt that can be admitted, in the order in which they are served, with what
    /// `admit` returned for it.
    ///
    /// Offers the first of the prompts ahead of all clients' queues, then the first of each client. A client whose prompt
    /// cannot be admitted keeps its turn.
    ///
    /// - Parameter admit: `nil` for a prompt that has to wait longer.
    func take<Admitted>(_ admit: (Value) -> Admitted?) -> (value: Value, admitted: Admitted)? {
        if queues[front].count > 0, let admitted = admit(nodes[queues[front].first].value) {
            return (remove(queues[front].first), admitted)
        }
        var queue = nextQueue
        for _ in 0..<Self.clientsOffered where queue != none {
            let first = queues[queue].first
            if let admitted = admit(nodes[first].value) {
                moveToEnd(queue)
                return (remove(first), admitted)
            }
            queue = queues[queue].next
            if queue == nextQueue { break }
        }
        return nil
    }

    /// Ends a client's turn.
    private func moveToEnd(_ queue: Int32) {
        let (next, previous) = (queues[queue].next, queues[queue].previous)
        if queue == nextQueue {
            nextQueue = next
            return
        }
        queues[previous].next = next
        queues[next].previous = previous
        let last = queues[nextQueue].previous
        queues[queue].previous = last
        queues[queue].next = nextQueue
        queues[last].next = queue
        queues[nextQueue].previous = queue
    }

    /// Removes a node, because its client left.
    ///
    /// - Returns: the node's value; `nil` if the entry is void.
    @discardableResult
    func remove(_ entry: Entry) -> Value? { isValid(entry) ? remove(entry.slot) : nil }

    /// The earliest deadline.
    var nextDeadline: LoopInstant? { deadlines.first.flatMap { nodes[$0].deadline } }

    /// Removes and returns the prompt whose deadline passed first, if any. Call it until it returns `nil`.
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

// MARK: Positions

extension FairQueue {
    /// How many prompts will be served before this one, if none enters or leaves. 0 if the entry is void.
    ///
    /// O(number of clients with queued prompts). Exact, except for a client with more than 64 queued prompts: its own
    /// prompts that left from the middle of its queue may still be counted. Then its own prompts ahead are
    /// overestimated by at most an eighth of its queue, and each of these adds one prompt of every other client.
    func position(of entry: Entry) -> Int {
        guard isValid(entry) else { return 0 }
        let node = nodes[entry.slot]
        let own = Int(node.number &- nodes[queues[node.queue].first].number)
        if node.queue == front { return own }
        var before = Int(queues[front].count) + own
        var isAhead = true  // whether a queue is served before the entry's queue in each round
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

    /// Notes that a node left the middle of a queue. From time to time the queue's numbers are made consecutive again,
    /// which costs O(1) for each node that left.
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

    /// The queue entry of one prompt.
    fileprivate struct Node: DeadlineNode {
        let value: Value
        let queue: Int32
        var previous: Int32
        var next: Int32 = none
        var heapIndex: Int32 = -1
        /// Increases along the queue.
        var number: UInt32
        let deadline: LoopInstant?
        let bytes: Int
    }
}

extension FairQueue {
    /// The bytes of a node besides `Value` when each client has one: the node, its client's queue, and their entries in
    /// the dictionary and the heap.
    static var bytesPerNode: Int {
        let queue = MemoryLayout<ClientQueue>.stride + 8 + MemoryLayout<(ClientIdentity, Int32)>.stride * 4 / 3
        return MemoryLayout<Node>.stride + 8 - MemoryLayout<Value>.size + queue + MemoryLayout<(Int64, Int32)>.stride
    }
}

/// The queue of one client.
private struct ClientQueue {
    /// `nil` for the queue of retried prompts.
    let client: ClientIdentity?
    var first: Int32 = none
    var last: Int32 = none
    var count: Int32 = 0
    var nextNumber: UInt32 = 0
    /// The numbers missing since they were last consecutive, at most.
    var gaps: Int32 = 0
    // Neighbours in the ring.
    var next: Int32 = none
    var previous: Int32 = none
}

/// No slot.
private let none: Int32 = -1
