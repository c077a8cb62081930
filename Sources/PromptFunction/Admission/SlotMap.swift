/// Stores values in numbered slots that are reused, so that the nodes of a list need no allocation each.
///
/// A slot's generation changes when the slot is freed. Code that keeps both numbers can tell whether its value is still
/// there.
struct SlotMap<Value> {
    /// `nil` in a free slot.
    private var values: [Value?] = []
    private var marks: [SlotMark] = []
    private var firstFree: Int32 = -1

    /// The value in a slot that is in use.
    subscript(slot: Int32) -> Value {
        get { values[Int(slot)]! }
        _modify { yield &values[Int(slot)]! }
    }

    func generation(of slot: Int32) -> UInt32 { marks[Int(slot)].generation }

    /// Puts a value into a free slot. O(1), amortised.
    mutating func add(_ value: Value) -> Int32 {
        let slot = firstFree
        if slot < 0 {
            values.append(value)
            marks.append(SlotMark())
            return Int32(values.count - 1)
        }
        firstFree = marks[Int(slot)].nextFree
        values[Int(slot)] = value
        return slot
    }

    /// Frees a slot that is in use.
    mutating func remove(_ slot: Int32) -> Value {
        defer {
            values[Int(slot)] = nil
            marks[Int(slot)].generation &+= 1
            marks[Int(slot)].nextFree = firstFree
            firstFree = slot
        }
        return values[Int(slot)]!
    }
}

/// What a `SlotMap` knows of a slot besides its value.
private struct SlotMark {
    var generation: UInt32 = 0
    var nextFree: Int32 = -1
}
