#ifndef SHIM_MEMORY_H
#define SHIM_MEMORY_H

/// Settings of glibc's allocator for a process with one busy thread: few arenas, and large blocks that go back to the
/// system as soon as they are freed. Before the process allocates much. Source: mallopt(3).
void shim_memory_prepare(void);

/// Gives freed memory back to the system. Takes milliseconds. Any thread. Source: malloc_trim(3).
void shim_memory_trim(void);

#endif
