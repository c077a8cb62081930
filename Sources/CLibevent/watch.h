/// What a connection waits for: its socket's events and its deadline. Internal to the shim.
#ifndef SHIM_WATCH_H
#define SHIM_WATCH_H

#include "internal.h"

struct watch {
	struct event readable, writable;
	struct shim_timer deadline;
	bool reading, writing;
	bool urgent; ///< its bytes are handled before those of other connections
};

/// Calls `callback` in this turn of the loop, before any socket is polled. Only as long as no socket is watched.
void watch_call_soon(struct watch *self, event_callback_fn callback, void *context);

/// Cancels the call of `watch_call_soon`.
void watch_cancel_call(struct watch *self);

/// Prepares to watch the socket `fd`. Nothing is watched yet.
void watch_socket(
	struct watch *self, int fd, event_callback_fn on_readable, event_callback_fn on_writable, void *context);

void watch_set_reading(struct watch *self, bool on);
void watch_set_writing(struct watch *self, bool on);

/// Sets the deadline to `interval` nanoseconds from now; 0 removes it.
void watch_set_deadline(struct watch *self, int64_t interval);

/// Serves clients with few, small requests first, such as health checks among ten thousand prompts.
void watch_set_urgent(struct watch *self, bool urgent);

/// Watches nothing more.
void watch_stop(struct watch *self);

#endif
