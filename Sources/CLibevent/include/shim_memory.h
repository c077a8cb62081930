#ifndef SHIM_MEMORY_H
#define SHIM_MEMORY_H

/// Sets up glibc's allocator for a process with one busy thread: few arenas, large blocks that return to the system as
/// soon as they are freed, and the cache of freed blocks for libevent too. Call it once, before the first loop and
/// before the process allocates much. Source: mallopt(3); event2/event.h, event_set_mem_functions.
void shim_memory_prepare(void);

/// Returns freed memory to the system. Takes milliseconds. Any thread. Source: malloc_trim(3).
void shim_memory_trim(void);

#endif
