/// The queues of a `FairQueue`, one for each client with queued prompts, and whose turn it is: round robin among the clients
/// of a class, and in the proportion of their weights among classes. Belongs to one thread.
///
/// A queue is known by its number. Everything is O(1).
struct ClientQueues {
    /// The queue of prompts that are retried, ahead of all others. It belongs to no client, and is in no ring.
    let front: Int32
    /// The queued prompts of clients that must wait: see `park`.
    private(set) var parked = 0
    private var queues = SlotMap<ClientQueue>()
    private var queueOf: [ClientIdentity: Int32] = [:]
    /// One for each class.
    private var rings: [Ring]
    /// How far the class that was served last had come. Source: Waldspurger and Weihl, "Stride Scheduling", 1995.
    private var pass: UInt64 = 0

    /// The clients of a class whose prompts can be served.
    private struct Ring {
        /// The queue that is served next. The end of the ring is just before it.
        var next = noSlot
        /// The queued prompts of the class, also those of clients that are not in the ring.
        var count = 0
        /// How far the class has come: it is the turn of the one that has come least far.
        var pass: UInt64 = 0
        var weight: Int

        /// How far one prompt brings it.
        var stride: UInt64 { (1 << 20) / UInt64(weight) }
    }

    init(weights: PriorityClass.Weights) {
        front = queues.add(ClientQueue(client: nil, priority: .interactive))
        rings = PriorityClass.allCases.map { Ring(weight: weights[$0]) }
    }

    /// Uses other weights from now on.
    mutating func replace(_ weights: PriorityClass.Weights) {
        for priority in PriorityClass.allCases { rings[priority.rawValue].weight = weights[priority] }
    }

    subscript(queue: Int32) -> ClientQueue {
        get { queues[queue] }
        _modify { yield &queues[queue] }
    }

    // MARK: Clients

    /// The queue of a client; `nil` if it has no queued prompts.
    func find(_ client: ClientIdentity) -> ClientQueue? { queueOf[client].map { queues[$0] } }

    /// Returns the queue of a client. A new queue is served after all others.
    ///
    /// A client that has queued prompts keeps its class until they are served, or it is moved.
    mutating func queue(of client: ClientIdentity, _ priority: PriorityClass) -> Int32 {
        if let queue = queueOf[client] { return queue }
        let queue = queues.add(ClientQueue(client: client, priority: priority))
        queueOf[client] = queue
        link(queue)
        return queue
    }

    /// A client's prompts belong to another class from now on.
    mutating func move(_ client: ClientIdentity, to priority: PriorityClass) {
        guard let queue = queueOf[client], queues[queue].priority != priority else { return }
        let (count, isParked) = (Int(queues[queue].count), queues[queue].isParked)
        rings[queues[queue].ring].count -= count
        if !isParked { unlink(queue) }
        queues[queue].priority = priority
        rings[queues[queue].ring].count += count
        if !isParked { link(queue) }
    }

    /// A client must wait, whichever prompts it has, until `unpark` is called: its queue leaves the ring, and costs the others
    /// nothing.
    mutating func park(_ client: ClientIdentity) {
        guard let queue = queueOf[client], !queues[queue].isParked else { return }
        unlink(queue)
        queues[queue].isParked = true
        parked += Int(queues[queue].count)
    }

    mutating func unpark(_ client: ClientIdentity) {
        guard let queue = queueOf[client], queues[queue].isParked else { return }
        queues[queue].isParked = false
        parked -= Int(queues[queue].count)
        link(queue)
    }

    // MARK: Prompts

    /// The number of queued prompts of a class. Those that are retried are not among them.
    func count(of priority: PriorityClass) -> Int { rings[priority.rawValue].count }

    /// A prompt has entered a queue.
    mutating func entered(_ queue: Int32, bytes: Int) { count(1, bytes, in: queue) }

    /// A prompt has left a queue. The queue is freed if it was the last one.
    mutating func left(_ queue: Int32, bytes: Int) {
        count(-1, -bytes, in: queue)
        guard queues[queue].count == 0, let client = queues[queue].client else { return }
        if !queues[queue].isParked { unlink(queue) }
        queueOf[client] = nil
        _ = queues.remove(queue)
    }

    private mutating func count(_ count: Int, _ bytes: Int, in queue: Int32) {
        queues[queue].count += Int32(count)
        queues[queue].bytes += bytes
        if queue != front { rings[queues[queue].ring].count += count }
        if queues[queue].isParked { parked += count }
    }

    // MARK: Turns

    /// The class whose turn it is.
    var classInTurn: PriorityClass {
        let (interactive, batch) = (rings[0], rings[1])
        if interactive.next == noSlot { return .batch }
        return batch.next != noSlot && batch.pass < interactive.pass ? .batch : .interactive
    }

    /// The queue of a class that is served next; `noSlot` if there is none.
    func next(of priority: PriorityClass) -> Int32 { rings[priority.rawValue].next }

    /// The first prompt of a queue is served: this ends the client's turn.
    mutating func served(_ queue: Int32) {
        let ring = queues[queue].ring
        pass = rings[ring].pass
        rings[ring].pass += rings[ring].stride
        if queue == rings[ring].next {
            rings[ring].next = queues[queue].next
        } else {
            unlink(queue)
            link(queue)
        }
    }

    /// The queues before this one are served after all others.
    mutating func skip(to queue: Int32) { rings[queues[queue].ring].next = queue }

    /// How many prompts of the other class are served while `count` of this one are.
    func others(than priority: PriorityClass, during count: Int) -> Int {
        let (own, other) = (rings[priority.rawValue], rings[1 - priority.rawValue])
        return min(other.count, count * other.weight / own.weight)
    }

    // MARK: Rings

    /// Puts a queue at the end of its ring.
    private mutating func link(_ queue: Int32) {
        let ring = queues[queue].ring
        let next = rings[ring].next
        if next == noSlot {
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
    private mutating func unlink(_ queue: Int32) {
        let (ring, next, previous) = (queues[queue].ring, queues[queue].next, queues[queue].previous)
        if next == queue {
            rings[ring].next = noSlot
            return
        }
        queues[next].previous = previous
        queues[previous].next = next
        if rings[ring].next == queue { rings[ring].next = next }
    }
}

/// The queue of one client.
struct ClientQueue {
    /// `nil` for the queue of retried prompts.
    let client: ClientIdentity?
    fileprivate(set) var priority: PriorityClass
    /// Whether the client must wait, so that its queue is in no ring.
    fileprivate(set) var isParked = false
    /// The first and the last node of the queue.
    var first = noSlot
    var last = noSlot
    fileprivate(set) var count: Int32 = 0
    fileprivate(set) var bytes = 0
    var nextNumber: UInt32 = 0
    /// The numbers missing since they were last consecutive, at most.
    var gaps: Int32 = 0
    // Neighbours in the ring.
    fileprivate(set) var next = noSlot
    fileprivate var previous = noSlot

    fileprivate var ring: Int { priority.rawValue }
}

/// No slot of a `SlotMap`.
let noSlot: Int32 = -1
