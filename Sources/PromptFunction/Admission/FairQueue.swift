internal import EventLoop

/// A queue of prompts: first come, first served for each client, round robin among the clients of a class, and in the
/// proportion of their weights among classes.
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

    private(set) var maxCount: Int
    private(set) var maxBytes: Int
    /// The number of queued prompts.
    private(set) var count = 0
    /// The bytes of the queued prompts.
    private(set) var bytes = 0
    private var nodes = SlotMap<Node>()
    private var queues: ClientQueues
    private var deadlines = DeadlineHeap()

    /// - Parameters:
    ///   - maxCount: how many prompts may wait.
    ///   - maxBytes: how many bytes the queued prompts may have together.
    ///   - weights: how many prompts of each class are served in turn.
    init(maxCount: Int = 16_384, maxBytes: Int = 256 << 20, weights: PriorityClass.Weights = .init()) {
        self.maxCount = Self.bounded(maxCount)
        self.maxBytes = maxBytes
        queues = ClientQueues(weights: weights)
    }

    private static func bounded(_ count: Int) -> Int { min(max(count, 0), Int(Int32.max) / 2) }

    /// Uses other limits and weights from now on. Prompts that are queued stay.
    func replace(maxCount: Int, maxBytes: Int, weights: PriorityClass.Weights) {
        self.maxCount = Self.bounded(maxCount)
        self.maxBytes = maxBytes
        queues.replace(weights)
    }

    /// The number of queued prompts of a class. Those that are retried are not among them.
    func count(of priority: PriorityClass) -> Int { queues.count(of: priority) }

    /// The queued prompts of a client, and their bytes.
    func held(by client: ClientIdentity) -> (count: Int, bytes: Int) {
        queues.find(client).map { (Int($0.count), $0.bytes) } ?? (0, 0)
    }

    /// The number of queued prompts of clients that must wait: see `park`.
    var parked: Int { queues.parked }

    /// A client must wait, whichever prompts it has, until `unpark` is called or its last prompt has left.
    func park(_ client: ClientIdentity) { queues.park(client) }

    /// A client may be served again.
    func unpark(_ client: ClientIdentity) { queues.unpark(client) }

    /// A client's prompts belong to another class from now on.
    func move(_ client: ClientIdentity, to priority: PriorityClass) { queues.move(client, to: priority) }

    // MARK: Entering

    /// Adds a prompt at the end of `client`'s queue.
    func enqueue(
        _ value: Value, client: ClientIdentity, priority: PriorityClass = .interactive, bytes: Int,
        deadline: LoopInstant?
    ) throws(Full) -> Entry {
        guard count < maxCount else { throw .prompts(limit: maxCount) }
        guard bytes <= maxBytes - self.bytes else { throw .bytes(limit: maxBytes) }
        return add(value, to: queues.queue(of: client, priority), bytes: bytes, deadline: deadline)
    }

    /// Adds a prompt ahead of all clients' queues, behind those added in this way before: for a prompt that was
    /// admitted once and must be retried. It is never rejected, but it counts towards the limits.
    func enqueueFirst(_ value: Value, bytes: Int, deadline: LoopInstant?) -> Entry {
        add(value, to: queues.front, bytes: bytes, deadline: deadline)
    }

    private func add(_ value: Value, to queue: Int32, bytes: Int, deadline: LoopInstant?) -> Entry {
        let number = queues[queue].nextNumber
        queues[queue].nextNumber &+= 1
        let slot = nodes.add(
            Node(
                value: value, queue: queue, previous: queues[queue].last, number: number, deadline: deadline,
                bytes: bytes))
        let last = queues[queue].last
        if last == noSlot { queues[queue].first = slot } else { nodes[last].next = slot }
        queues[queue].last = slot
        queues.entered(queue, bytes: bytes)
        count += 1
        self.bytes += bytes
        if let deadline { deadlines.insert(slot, deadline, &nodes) }
        return Entry(slot: slot, generation: nodes.generation(of: slot))
    }

    // MARK: Leaving

    /// The most clients whose first prompts are offered in one call of `take`.
    private static var clientsOffered: Int { 64 }

    /// Removes and returns the first prompt that can be admitted, in the order in which they are served, with what
    /// `admit` returned for it.
    ///
    /// Offers the first of the prompts ahead of all clients' queues, then the first of each client of the class whose turn
    /// it is, then those of the other class. A client whose prompt cannot be admitted keeps its turn.
    ///
    /// - Parameter admit: returns `nil` for a prompt that has to wait longer.
    func take<Admitted>(_ admit: (Value) -> Admitted?) -> (value: Value, admitted: Admitted)? {
        let first = queues[queues.front].first
        if first != noSlot, let admitted = admit(nodes[first].value) { return (remove(first), admitted) }
        let priority = queues.classInTurn
        return take(of: priority, admit) ?? take(of: priority.other, admit)
    }

    private func take<Admitted>(
        of priority: PriorityClass, _ admit: (Value) -> Admitted?
    ) -> (value: Value, admitted: Admitted)? {
        var queue = queues.next(of: priority)
        var offered = 0
        while queue != noSlot && offered < Self.clientsOffered {
            let (first, following) = (queues[queue].first, queues[queue].next)
            if let admitted = admit(nodes[first].value) {
                queues.served(queue)
                return (remove(first), admitted)
            }
            offered += 1
            if following == queues.next(of: priority) { return nil }
            queue = following
        }
        // Those before it have to wait longer: the next call offers others.
        if queue != noSlot { queues.skip(to: queue) }
        return nil
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
        if node.previous == noSlot { queues[queue].first = node.next } else { nodes[node.previous].next = node.next }
        if node.next == noSlot {
            queues[queue].last = node.previous
        } else {
            nodes[node.next].previous = node.previous
        }
        count -= 1
        bytes -= node.bytes
        queues.left(queue, bytes: node.bytes)
        guard node.previous != noSlot else { return node.value }
        if node.next == noSlot {
            queues[queue].nextNumber = node.number
        } else {
            noteGap(in: queue)
        }
        return node.value
    }

    private func isValid(_ entry: Entry) -> Bool { nodes.generation(of: entry.slot) == entry.generation }
}

// MARK: Positions

extension FairQueue {
    /// How many prompts will be served before this one, if none enters or leaves. 0 if the entry is void.
    ///
    /// O(number of clients with queued prompts). Exact, except for a client with more than 64 queued prompts: its own
    /// prompts that left from the middle of its queue may still be counted. Then its own prompts ahead are
    /// overestimated by at most an eighth of its queue, and each of these adds one prompt of every other client. Prompts of
    /// the other class count by the weights.
    func position(of entry: Entry) -> Int {
        guard isValid(entry) else { return 0 }
        let node = nodes[entry.slot]
        let own = Int(node.number &- nodes[queues[node.queue].first].number)
        if node.queue == queues.front { return own }
        var before = own
        var isAhead = true  // whether a queue is served before the entry's queue in each round
        let priority = queues[node.queue].priority
        var queue = queues.next(of: priority)
        while queue != noSlot {
            if queue == node.queue {
                isAhead = false
            } else {
                before += min(Int(queues[queue].count), own + (isAhead ? 1 : 0))
            }
            queue = queues[queue].next
            if queue == queues.next(of: priority) { break }
        }
        let others = queues.others(than: priority, during: before + 1)
        return min(count - 1, Int(queues[queues.front].count) + before + others)
    }

    /// Notes that a node left the middle of a queue. From time to time the queue's numbers are made consecutive again,
    /// which costs O(1) for each node that left.
    private func noteGap(in queue: Int32) {
        queues[queue].gaps += 1
        guard queues[queue].count <= 64 || queues[queue].gaps > queues[queue].count / 8 else { return }
        queues[queue].gaps = 0
        var slot = queues[queue].first
        var number: UInt32 = 0
        while slot != noSlot {
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
        var next: Int32 = noSlot
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
