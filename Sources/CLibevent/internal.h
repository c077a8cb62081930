/// What the shim's files share among themselves.
#ifndef SHIM_INTERNAL_H
#define SHIM_INTERNAL_H

#include "shim_loop.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

enum { SHIM_RECEIVE_BYTES = 64 * 1024 };

/// What is handled first when much is to be done. Within a level: first come, first served.
enum shim_priority {
	SHIM_PRIORITY_URGENT, ///< a client that asks little and seldom, such as a health check
	SHIM_PRIORITY_NEW,    ///< new connections; what libevent gives to events that nobody sets otherwise
	SHIM_PRIORITY_NORMAL,
	SHIM_PRIORITIES,
};

/// Callbacks after which a turn ends, though more events are here: so that urgent ones are seen soon.
enum { SHIM_CALLBACKS_A_TURN = 32 };

struct shim_loop {
	struct event_base *base;
	int wake_fd;
	struct event wake_event;
	shim_loop_callbacks callbacks;
	void *context;
	_Atomic(const char *) thread;           ///< whose loop it is: a mark that only this thread has; read by all
	int64_t now;                            ///< 0: not read in this turn
	struct shim_manual_clock *manual_clock; ///< NULL: the time is the system's
	bool stopping;
	unsigned callbacks_left;            ///< in this turn
	int mapped;                         ///< libevent has a place for every descriptor below
	uint8_t buffer[SHIM_RECEIVE_BYTES]; ///< what recv(2) fills, for every socket of the loop
};

struct shim_timer {
	shim_loop *loop;
	struct event event;
	int64_t deadline; ///< 0: none
	int64_t armed;    ///< when `event` fires; 0: it does not
	void (*fire)(void *context);
	void *context;
};

void shim_timer_init(struct shim_timer *self, shim_loop *loop, void (*fire)(void *), void *context);
void shim_timer_stop(struct shim_timer *self);

/// Has libevent make its places for descriptors in blocks. To be called before the first event of `fd` is added.
///
/// libevent keeps a small place for each descriptor it ever saw. Made one by one, among what connections allocate, they
/// would hold every page of the heap when the connections have long been gone.
void shim_loop_map(shim_loop *self, int fd);

/// To be called at the end of every libevent callback.
static inline void shim_loop_settle(shim_loop *self) {
	self->callbacks.settled(self->context);
	if (--self->callbacks_left == 0) event_base_loopbreak(self->base); // the rest stays active, for the next turn
}

#endif
