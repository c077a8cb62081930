internal import EventLoop

/// What a `DeadlineHeap` needs to know of, and notes in, a place with a deadline.
protocol DeadlinePlace {
    var deadline: LoopInstant? { get }
    /// Where it is in the heap; -1 if it is not.
    var heapIndex: Int32 { get set }
}

/// The slots of places with a deadline, the earliest first: a binary heap out of whose middle places can be taken.
struct DeadlineHeap {
    /// The deadline is here too, so that comparing touches one array.
    private var entries: [Entry] = []

    private typealias Entry = (deadline: Int64, slot: Int32)

    /// The place with the earliest deadline.
    var first: Int32? { entries.first?.slot }

    /// O(log n).
    mutating func insert(_ slot: Int32, _ deadline: LoopInstant, _ places: inout Slots<some DeadlinePlace>) {
        entries.append((deadline.nanoseconds, slot))
        rise(entries.count - 1, &places)
    }

    /// Takes out a place that is in the heap. O(log n).
    mutating func remove(_ slot: Int32, _ places: inout Slots<some DeadlinePlace>) {
        let index = Int(places[slot].heapIndex)
        places[slot].heapIndex = -1
        let last = entries.removeLast()
        guard index < entries.count else { return }
        entries[index] = last
        // One of the two moves it; the other finds it in order.
        sink(index, &places)
        rise(Int(places[last.slot].heapIndex), &places)
    }

    private mutating func rise(_ start: Int, _ places: inout Slots<some DeadlinePlace>) {
        var index = start
        let entry = entries[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.deadline < entries[parent].deadline else { break }
            put(entries[parent], index, &places)
            index = parent
        }
        put(entry, index, &places)
    }

    private mutating func sink(_ start: Int, _ places: inout Slots<some DeadlinePlace>) {
        var index = start
        let entry = entries[index]
        while true {
            var child = 2 * index + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1].deadline < entries[child].deadline { child += 1 }
            guard entries[child].deadline < entry.deadline else { break }
            put(entries[child], index, &places)
            index = child
        }
        put(entry, index, &places)
    }

    private mutating func put(_ entry: Entry, _ index: Int, _ places: inout Slots<some DeadlinePlace>) {
        entries[index] = entry
        places[entry.slot].heapIndex = Int32(index)
    }
}
