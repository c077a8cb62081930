import CLibevent

/// What the allocator does with memory that was freed.
public enum ProcessMemory {
    /// Has large blocks go back to the system as soon as they are freed. Before the process allocates much.
    public static func prepare() { shim_memory_prepare() }

    /// Gives what was freed back to the system. Takes milliseconds: off the loop's thread. Any thread.
    public static func trim() { shim_memory_trim() }
}
