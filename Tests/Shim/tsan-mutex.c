/// Shows Swift's Mutex to the thread sanitizer. Preloaded by scripts/sanitize.
///
/// On Linux the fast path of Synchronization.Mutex is compiled, and instrumented, with the code that uses it; the slow
/// path, for a lock that is contended, is a part of libswiftSynchronization, which is not instrumented. So the
/// sanitizer sees half of the locking, and reports races where there are none (Swift 6.3). This stands before the slow
/// path and tells the sanitizer the other half. Source: stdlib/public/Synchronization/Mutex/LinuxImpl.swift of Swift;
/// sanitizer/tsan_interface.h.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *

extern void __tsan_acquire(void *address) __attribute__((weak)); // there only in an instrumented program
extern void __tsan_release(void *address) __attribute__((weak));

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock_slow(uint32_t state, SELF self) __asm__(LOCK);
SWIFT void unlock_slow(SELF self) __asm__(UNLOCK);

SWIFT void lock_slow(uint32_t state, SELF self) {
	static SWIFT void (*original)(uint32_t, SELF);
	if (!original) original = (SWIFT void (*)(uint32_t, SELF))dlsym(RTLD_NEXT, LOCK);
	original(state, self);
	if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT void unlock_slow(SELF self) {
	static SWIFT void (*original)(SELF);
	if (!original) original = (SWIFT void (*)(SELF))dlsym(RTLD_NEXT, UNLOCK);
	if (__tsan_release) __tsan_release(self);
	original(self);
}
