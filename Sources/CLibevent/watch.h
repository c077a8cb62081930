/// What a connection waits for: its socket's events and its deadline. Internal to the shim.
#ifndef SHIM_WATCH_H
#define SHIM_WATCH_H

#include "internal.h"

struct watch {
	struct queued_event readable, writable;
	struct shim_timer deadline;
	bool reading, writing;
	bool has_more; ///< there is more to read than the socket knows of
};

/// Calls `callback` in this turn of the loop, before any socket is polled. Only as long as no socket is watched.
void watch_call_soon(struct watch *self, event_callback_fn callback, void *context);

/// Cancels the call of `watch_call_soon`.
void watch_cancel_call(struct watch *self);

/// Prepares to watch the socket `fd`. Nothing is watched yet.
void watch_socket(
	struct watch *self, int fd, void (*on_readable)(struct queued_event *), void (*on_writable)(struct queued_event *));

void watch_set_reading(struct watch *self, bool on);
void watch_set_writing(struct watch *self, bool on);

/// Sets the deadline to `interval` nanoseconds from now; 0 removes it.
void watch_set_deadline(struct watch *self, int64_t interval);

/// Has the socket's bytes handled with those of other clients that send few, small requests, such as health checks, or
/// with all others'.
void watch_set_urgent(struct watch *self, bool urgent);

/// Calls `on_writable` soon, after what others wait for.
void watch_continue_later(struct watch *self);

/// Watches nothing more.
void watch_stop(struct watch *self);

#endif
