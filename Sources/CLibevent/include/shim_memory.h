#ifndef SHIM_MEMORY_H
#define SHIM_MEMORY_H

/// Sets up glibc's allocator for a process with one busy thread: few arenas, and large blocks that return to the system
/// as soon as they are freed. Call it before the process allocates much. Source: mallopt(3).
void shim_memory_prepare(void);

/// Returns freed memory to the system. Takes milliseconds. Any thread. Source: malloc_trim(3).
void shim_memory_trim(void);

#endif
