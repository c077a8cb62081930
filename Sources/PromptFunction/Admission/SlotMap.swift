/// Stores values in numbered slots that are reused, so that the nodes of a list need no allocation each.
///
/// A slot's generation changes when the slot is freed. Code that keeps both numbers can tell whether its value is still
/// there.
struct SlotMap<Value> {
    private struct Slot {
        var value: Value?
        var generation: UInt32 = 0
        var nextFree: Int32 = -1
    }

    private var slots: [Slot] = []
    private var firstFree: Int32 = -1

    /// The value in a slot that is in use.
    subscript(slot: Int32) -> Value {
        get { slots[Int(slot)].value! }
        _modify { yield &slots[Int(slot)].value! }
    }

    func generation(of slot: Int32) -> UInt32 { slots[Int(slot)].generation }

    /// Puts a value into a free slot. O(1), amortised.
    mutating func add(_ value: Value) -> Int32 {
        let slot = firstFree
        if slot < 0 {
            slots.append(Slot(value: value))
            return Int32(slots.count - 1)
        }
        firstFree = slots[Int(slot)].nextFree
        slots[Int(slot)].value = value
        return slot
    }

    /// Frees a slot that is in use.
    mutating func remove(_ slot: Int32) -> Value {
        defer {
            slots[Int(slot)].value = nil
            slots[Int(slot)].generation &+= 1
            slots[Int(slot)].nextFree = firstFree
            firstFree = slot
        }
        return slots[Int(slot)].value!
    }
}
