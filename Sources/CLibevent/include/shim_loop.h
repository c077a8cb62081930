#ifndef SHIM_LOOP_H
#define SHIM_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

/// An `event_base`, an eventfd to wake it, and a receive buffer that all its sockets share.
typedef struct shim_loop shim_loop;

typedef struct {
	/// Some other thread called `shim_loop_wake`.
	void (*woken)(void *_Nullable context);
	/// An event was handled: the moment to run what became ready by it.
	void (*settled)(void *_Nullable context);
	/// A turn is over: all its events were handled, or, if `is_cut`, so many that the others have to wait for the next
	/// one. True: there is more to do, so that the next turn must not wait for events.
	bool (*turned)(void *_Nullable context, bool is_cut);
} shim_loop_callbacks;

/// Makes a loop. The caller owns it and ends it with `shim_loop_free`. NULL when the system refuses (errno says why).
shim_loop *_Nullable shim_loop_new(void);

/// To be called once, before the loop runs.
void shim_loop_set_callbacks(shim_loop *self, shim_loop_callbacks callbacks, void *_Nullable context);

/// Frees the loop. Everything that was made with it must have been freed before.
void shim_loop_free(shim_loop *self);

/// Makes the calling thread the loop's thread.
void shim_loop_bind(shim_loop *self);

/// Whether the calling thread is the loop's. Any thread.
bool shim_loop_is_current(const shim_loop *self);

/// Handles events until `shim_loop_stop`.
void shim_loop_run(shim_loop *self);

/// Lets `shim_loop_run` return once the current turn is over.
void shim_loop_stop(shim_loop *self);

/// Has `woken` called soon. Costs a system call: call it once per batch. Any thread.
void shim_loop_wake(shim_loop *self);

/// The time in nanoseconds, read once per turn: CLOCK_MONOTONIC, unless the loop has a manual clock.
int64_t shim_loop_now(shim_loop *self);

/// Gives the loop a clock that moves only by `shim_loop_step_clock`: for tests. To be called once, before the first
/// timer is made. False when there is no memory.
bool shim_loop_use_manual_clock(shim_loop *self);

/// Moves the manual clock to the next deadline of a timer, and has the timers that are due then fire soon. Moves it to
/// `limit` where no deadline comes until then, and returns false.
bool shim_loop_step_clock(shim_loop *self, int64_t limit);

/// Whether the event that is being handled is the first of its turn. When a timer's is, no other was here.
bool shim_loop_is_quiet(const shim_loop *self);

/// Whether a timer waits for the manual clock to reach `deadline`.
bool shim_loop_has_deadline(const shim_loop *self, int64_t deadline);

/// One deadline that can be moved at no cost.
///
/// Moving a deadline back is a store: the event behind it fires at the old time, sees that it is early and waits for
/// the rest.
typedef struct shim_timer shim_timer;

/// Makes a timer without a deadline. The caller owns it. NULL when there is no memory.
shim_timer *_Nullable shim_timer_new(shim_loop *loop, void (*fire)(void *_Nullable context), void *_Nullable context);

/// Has `fire` called once at `deadline`; 0 takes the deadline away.
void shim_timer_set(shim_timer *self, int64_t deadline);

/// Frees the timer, with or without a deadline. Allowed in its own `fire`.
void shim_timer_free(shim_timer *self);

/// A signal that is handled on the loop.
typedef struct shim_signal shim_signal;

/// Has `fire` called for each `number` (signal(7)) from now on. The caller owns it. NULL when the system refuses.
shim_signal *_Nullable shim_signal_new(
	shim_loop *loop, int number, void (*fire)(void *_Nullable context, int number), void *_Nullable context);

/// Gives the signal its former disposition back.
void shim_signal_free(shim_signal *self);

/// Ignores SIGPIPE for the whole process: a peer that left is an error of `send`, not the end.
void shim_ignore_sigpipe(void);

#pragma clang assume_nonnull end

#endif
