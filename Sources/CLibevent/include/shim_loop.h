#ifndef SHIM_LOOP_H
#define SHIM_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// An `event_base`, an eventfd to wake it, and a receive buffer that all its sockets share.
typedef struct shim_loop shim_loop;

typedef struct {
	/// Another thread called `shim_loop_wake`.
	void (*woken)(void *_Nullable context);
	/// An event was handled. The callback should now run the work that the event made ready.
	void (*settled)(void *_Nullable context);
	/// A turn is over. Returns true if there is more to do; the next turn then does not wait for events.
	bool (*turned)(void *_Nullable context);
} shim_loop_callbacks;

/// Makes a loop. The caller owns it and frees it with `shim_loop_free`. NULL if the system refuses; errno says why.
shim_loop *_Nullable shim_loop_new(void);

/// Sets the callbacks. Must be called once, before the loop runs.
void shim_loop_set_callbacks(shim_loop *self, shim_loop_callbacks callbacks, void *_Nullable context);

/// Frees the loop. Everything that was made with it must be freed first.
void shim_loop_free(shim_loop *self);

/// Makes the calling thread the loop's thread.
void shim_loop_bind(shim_loop *self);

/// Whether the calling thread is the loop's. Any thread.
bool shim_loop_is_current(const shim_loop *self);

/// Handles events until `shim_loop_stop`.
void shim_loop_run(shim_loop *self);

/// Makes `shim_loop_run` return when the current turn is over.
void shim_loop_stop(shim_loop *self);

/// Makes the loop call `woken` soon. Costs a system call, so call it once per batch. Any thread.
void shim_loop_wake(shim_loop *self);

/// The time in nanoseconds, read once per turn. It is CLOCK_MONOTONIC, unless the loop has a manual clock.
int64_t shim_loop_now(shim_loop *self);

/// Gives the loop a clock that moves only by `shim_loop_step_clock`. For tests. Must be called once, before the first
/// timer is made. False if there is no memory.
bool shim_loop_use_manual_clock(shim_loop *self);

/// Moves the manual clock to the next timer deadline; the timers that are due then fire soon. If there is no deadline
/// up to `limit`, moves the clock to `limit` and returns false.
bool shim_loop_step_clock(shim_loop *self, int64_t limit);

/// Whether the event being handled is the first of its turn. If it is a timer's event, no other event was ready.
bool shim_loop_is_quiet(const shim_loop *self);

/// Whether a timer waits for the manual clock to reach `deadline`.
bool shim_loop_has_deadline(const shim_loop *self, int64_t deadline);

/// One deadline that is cheap to move.
///
/// Moving a deadline to a later time is only a store: the event behind it fires at the old time, sees that it is early,
/// and waits for the rest.
typedef struct shim_timer shim_timer;

/// Makes a timer without a deadline. The caller owns it. NULL if there is no memory.
shim_timer *_Nullable shim_timer_new(shim_loop *loop, void (*fire)(void *_Nullable context), void *_Nullable context);

/// Sets the deadline at which `fire` is called once; 0 removes the deadline.
void shim_timer_set(shim_timer *self, int64_t deadline);

/// Frees the timer, with or without a deadline. May be called from its own `fire`.
void shim_timer_free(shim_timer *self);

/// A signal handler that runs on the loop.
typedef struct shim_signal shim_signal;

/// Calls `fire` for each signal `number` (signal(7)) from now on. The caller owns the result. NULL if the system
/// refuses.
shim_signal *_Nullable shim_signal_new(
	shim_loop *loop, int number, void (*fire)(void *_Nullable context, int number), void *_Nullable context);

/// Restores the signal's former disposition, and frees it.
void shim_signal_free(shim_signal *self);

/// Ignores SIGPIPE for the whole process: sending to a peer that left is then an error of `send`, and does not end the
/// process.
void shim_ignore_sigpipe(void);

#pragma clang assume_nonnull end

#endif
