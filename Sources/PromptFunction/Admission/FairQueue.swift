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
    /// The queued prompts of clients that must wait: see `take`.
    private(set) var parked = 0
    private var nodes = SlotMap<Node>()
    private var queues = SlotMap<ClientQueue>()
    private var queueOf: [ClientIdentity: Int32] = [:]
    private var deadlines = DeadlineHeap()
    /// The queue of prompts that are retried, ahead of all others.
    private let front: Int32
    /// One for each class.
    private var rings: [Ring]
    /// How far the class that was served last had come. Source: Waldspurger and Weihl, "Stride Scheduling", 1995.
    private var pass: UInt64 = 0

    /// The clients of a class whose prompts can be served.
    private struct Ring {
        /// The queue that is served next. The end of the ring is just before it.
        var next: Int32 = none
        /// The queued prompts of the class, also those of clients that are not in the ring.
        var count = 0
        /// How far the class has come: it is the turn of the one that has come least far.
        var pass: UInt64 = 0
        var weight: Int

        /// How far one prompt brings it.
        var stride: UInt64 { (1 << 20) / UInt64(weight) }
    }

    /// - Parameters:
    ///   - maxCount: how many prompts may wait.
    ///   - maxBytes: how many bytes the queued prompts may have together.
    ///   - weights: how many prompts of each class are served in turn.
    init(maxCount: Int = 16_384, maxBytes: Int = 256 << 20, weights: PriorityClass.Weights = .init()) {
        self.maxCount = Self.bounded(maxCount)
        self.maxBytes = maxBytes
        front = queues.add(ClientQueue(client: nil, priority: .interactive))
        rings = PriorityClass.allCases.map { Ring(weight: weights[$0]) }
    }

    private static func bounded(_ count: Int) -> Int { min(max(count, 0), Int(Int32.max) / 2) }

    /// Uses other limits and weights from now on. Prompts that are queued stay.
    func replace(maxCount: Int, maxBytes: Int, weights: PriorityClass.Weights) {
        self.maxCount = Self.bounded(maxCount)
        self.maxBytes = maxBytes
        for priority in PriorityClass.allCases { rings[priority.rawValue].weight = weights[priority] }
    }

    /// The number of queued prompts of a class. Those that are retried are not among them.
    func count(of priority: PriorityClass) -> Int { rings[priority.rawValue].count }

    /// The number of queued prompts of a client.
    func count(of client: ClientIdentity) -> Int { queueOf[client].map { Int(queues[$0].count) } ?? 0 }

    // MARK: Entering

    /// Adds a prompt at the end of `client`'s queue.
    func enqueue(
        _ value: Value, client: ClientIdentity, priority: PriorityClass = .interactive, bytes: Int,
        deadline: LoopInstant?
    ) throws(Full) -> Entry {
        guard count < maxCount else { throw .prompts(limit: maxCount) }
        guard bytes <= maxBytes - self.bytes else { throw .bytes(limit: maxBytes) }
        return add(value, to: queue(of: client, priority), bytes: bytes, deadline: deadline)
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
        if queue != front { rings[queues[queue].ring].count += 1 }
        if queues[queue].isParked { parked += 1 }
        count += 1
        self.bytes += bytes
        if let deadline { deadlines.insert(slot, deadline, &nodes) }
        return Entry(slot: slot, generation: nodes.generation(of: slot))
    }

    /// Returns the queue of a client. A new queue is served after all others.
    ///
    /// A client that has queued prompts keeps its class until they are served, or it is moved.
    private func queue(of client: ClientIdentity, _ priority: PriorityClass) -> Int32 {
        if let queue = queueOf[client] { return queue }
        let queue = queues.add(ClientQueue(client: client, priority: priority))
        queueOf[client] = queue
        link(queue)
        return queue
    }

    /// Puts a queue at the end of its ring.
    private func link(_ queue: Int32) {
        let ring = queues[queue].ring
        let next = rings[ring].next
        if next == none {
            queues[queue].next = queue
            queues[queue].previous = queue
            rings[ring].next = queue
            // A class that had nothing to be served has no claim to what it left to the others.
            rings[ring].pass = max(rings[ring].pass, pass + rings[ring].stride)
        } else {
            let last = queues[next].previous
            queues[queue].next = next
            queues[queue].previous = last
            queues[last].next = queue
            queues[next].previous = queue
        }
    }

    /// Takes a queue out of its ring.
    private func unlink(_ queue: Int32) {
        let (ring, next, previous) = (queues[queue].ring, queues[queue].next, queues[queue].previous)
        if next == queue {
            rings[ring].next = none
            return
        }
        queues[next].previous = previous
        queues[previous].next = next
        if rings[ring].next == queue { rings[ring].next = next }
    }

    /// A client may be served again whose prompts were parked. See `take`.
    func unpark(_ client: ClientIdentity) {
        guard let queue = queueOf[client], queues[queue].isParked else { return }
        queues[queue].isParked = false
        parked -= Int(queues[queue].count)
        link(queue)
    }

    /// A client's prompts belong to another class from now on.
    func move(_ client: ClientIdentity, to priority: PriorityClass) {
        guard let queue = queueOf[client], queues[queue].priority != priority else { return }
        let count = Int(queues[queue].count)
        rings[queues[queue].ring].count -= count
        if !queues[queue].isParked { unlink(queue) }
        queues[queue].priority = priority
        rings[queues[queue].ring].count += count
        if !queues[queue].isParked { link(queue) }
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
    /// - Parameters:
    ///   - admit: `nil` for a prompt that has to wait longer.
    ///   - isParked: whether the client must wait, whichever prompts it has, until `unpark` is called.
    func take<Admitted>(
        _ admit: (Value) -> Admitted?, unless isParked: (Value) -> Bool = { _ in false }
    ) -> (value: Value, admitted: Admitted)? {
        if queues[front].count > 0, let admitted = admit(nodes[queues[front].first].value) {
            return (remove(queues[front].first), admitted)
        }
        let isBatchFirst = rings[1].next != none && rings[1].pass < rings[0].pass
        let first = isBatchFirst || rings[0].next == none ? 1 : 0
        return take(of: first, admit, unless: isParked) ?? take(of: 1 - first, admit, unless: isParked)
    }

    private func take<Admitted>(
        of ring: Int, _ admit: (Value) -> Admitted?, unless isParked: (Value) -> Bool
    ) -> (value: Value, admitted: Admitted)? {
        var queue = rings[ring].next
        var offered = 0
        while offered < Self.clientsOffered && queue != none {
            let first = queues[queue].first
            let next = queues[queue].next
            if isParked(nodes[first].value) {
                unlink(queue)
                queues[queue].isParked = true
                parked += Int(queues[queue].count)
                queue = next == queue ? none : next
                continue
            }
            if let admitted = admit(nodes[first].value) {
                pass = rings[ring].pass
                rings[ring].pass += rings[ring].stride
                moveToEnd(queue)
                return (remove(first), admitted)
            }
            offered += 1
            queue = next
            if queue == rings[ring].next { break }
        }
        // All of these have to wait longer: the next call offers others.
        if offered == Self.clientsOffered && queue != none { rings[ring].next = queue }
        return nil
    }

    /// Ends a client's turn.
    private func moveToEnd(_ queue: Int32) {
        let ring = queues[queue].ring
        if queue == rings[ring].next {
            rings[ring].next = queues[queue].next
            return
        }
        unlink(queue)
        link(queue)
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
        if queue != front { rings[queues[queue].ring].count -= 1 }
        if queues[queue].isParked { parked -= 1 }
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
        if !queues[queue].isParked { unlink(queue) }
        if let client = queues.remove(queue).client { queueOf[client] = nil }
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
        if node.queue == front { return own }
        var before = own
        var isAhead = true  // whether a queue is served before the entry's queue in each round
        let ring = queues[node.queue].ring
        var queue = rings[ring].next
        while queue != none {
            if queue == node.queue {
                isAhead = false
            } else {
                before += min(Int(queues[queue].count), own + (isAhead ? 1 : 0))
            }
            queue = queues[queue].next
            if queue == rings[ring].next { break }
        }
        let other = rings[1 - ring]
        let others = min(other.count, (before + 1) * other.weight / rings[ring].weight)
        return min(count - 1, Int(queues[front].count) + before + others)
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
    var priority: PriorityClass
    /// Whether the client must wait, so that its queue is in no ring.
    var isParked = false
    var first: Int32 = none
    var last: Int32 = none
    var count: Int32 = 0
    var nextNumber: UInt32 = 0
    /// The numbers missing since they were last consecutive, at most.
    var gaps: Int32 = 0
    // Neighbours in the ring.
    var next: Int32 = none
    var previous: Int32 = none

    var ring: Int { priority.rawValue }
}

/// No slot.
private let none: Int32 = -1
