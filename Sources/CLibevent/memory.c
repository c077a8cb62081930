#include "shim_memory.h"

#include <event2/event.h>
#include <stdlib.h> // for __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>

void shim_memory_prepare(void) {
	// Without this, libevent calls calloc, which does not look into glibc's cache of freed blocks (tcache).
	event_set_mem_functions(malloc, realloc, free);
	mallopt(M_ARENA_MAX, 2);               // the loop's thread, and Dispatch's
	mallopt(M_MMAP_THRESHOLD, 256 * 1024); // if unset, it would grow with the largest body
}

void shim_memory_trim(void) { malloc_trim(0); }
#else
void shim_memory_prepare(void) {}
void shim_memory_trim(void) {}
#endif
