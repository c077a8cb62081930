internal import EventLoop

/// A node with a deadline: what a `DeadlineHeap` reads from it and stores in it.
protocol DeadlineNode {
    var deadline: LoopInstant? { get }
    /// The index in the heap; -1 if the node is not in it.
    var heapIndex: Int32 { get set }
}

/// The slots of nodes with a deadline, the earliest first: a binary heap that can also remove nodes from its middle.
struct DeadlineHeap {
    /// Entries repeat the deadline, so that comparing touches only one array.
    private var entries: [Entry] = []

    private typealias Entry = (deadline: Int64, slot: Int32)

    /// The node with the earliest deadline.
    var first: Int32? { entries.first?.slot }

    /// O(log n).
    mutating func insert(_ slot: Int32, _ deadline: LoopInstant, _ nodes: inout SlotMap<some DeadlineNode>) {
        entries.append((deadline.nanoseconds, slot))
        rise(entries.count - 1, &nodes)
    }

    /// Removes a node that is in the heap. O(log n).
    mutating func remove(_ slot: Int32, _ nodes: inout SlotMap<some DeadlineNode>) {
        let index = Int(nodes[slot].heapIndex)
        nodes[slot].heapIndex = -1
        let last = entries.removeLast()
        guard index < entries.count else { return }
        entries[index] = last
        // At most one of these two calls moves the node.
        sink(index, &nodes)
        rise(Int(nodes[last.slot].heapIndex), &nodes)
    }

    private mutating func rise(_ start: Int, _ nodes: inout SlotMap<some DeadlineNode>) {
        var index = start
        let entry = entries[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.deadline < entries[parent].deadline else { break }
            put(entries[parent], index, &nodes)
            index = parent
        }
        put(entry, index, &nodes)
    }

    private mutating func sink(_ start: Int, _ nodes: inout SlotMap<some DeadlineNode>) {
        var index = start
        let entry = entries[index]
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entry.deadline else { break }
            put(entries[child], index, &nodes)
            index = child
        }
        put(entry, index, &nodes)
    }

    private mutating func put(_ entry: Entry, _ index: Int, _ nodes: inout SlotMap<some DeadlineNode>) {
        entries[index] = entry
        nodes[entry.slot].heapIndex = Int32(index)
    }
}
