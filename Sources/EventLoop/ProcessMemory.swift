import CLibevent

/// Controls what the allocator does with freed memory.
package enum ProcessMemory {
    /// Makes the allocator return large blocks to the system as soon as they are freed. Call it once, before the first
    /// loop is made. Source: mallopt(3).
    package static func prepare() { shim_memory_prepare() }

    /// Returns freed memory to the system. It takes milliseconds, so call it on any thread except the loop's.
    package static func trim() { shim_memory_trim() }
}
