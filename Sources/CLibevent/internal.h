/// Declarations that the shim's files share.
#ifndef SHIM_INTERNAL_H
#define SHIM_INTERNAL_H

#include "shim_loop.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdatomic.h>

enum { SHIM_RECEIVE_BYTES = 64 * 1024 };

/// The order in which events are handled when many are ready. Events of one level are handled in order of arrival.
enum shim_priority {
	SHIM_PRIORITY_URGENT, ///< a client that sends few, small requests, such as a health check
	SHIM_PRIORITY_NEW,    ///< new connections; also libevent's default priority
	SHIM_PRIORITY_NORMAL,
	SHIM_PRIORITIES,
};

/// The number of callbacks after which a turn ends even if more events are ready, so that urgent events are seen soon.
enum { SHIM_CALLBACKS_A_TURN = 32 };

struct shim_loop {
	struct event_base *base;
	int wake_fd;
	struct event wake_event;
	shim_loop_callbacks callbacks;
	void *context;
	_Atomic(const char *) thread;           ///< a mark unique to the loop's thread; read by all threads
	int64_t now;                            ///< 0: not read in this turn
	struct shim_manual_clock *manual_clock; ///< NULL: the time is the system's
	bool stopping;
	unsigned callbacks_left;            ///< in this turn
	int mapped;                         ///< libevent has an entry for every descriptor below this
	uint8_t buffer[SHIM_RECEIVE_BYTES]; ///< recv(2) fills it, for every socket of the loop
};

struct shim_timer {
	shim_loop *loop;
	struct event event;
	int64_t deadline; ///< 0: none
	int64_t armed;    ///< when `event` fires; 0: it is not armed
	void (*fire)(void *context);
	void *context;
};

void shim_timer_init(struct shim_timer *self, shim_loop *loop, void (*fire)(void *), void *context);
void shim_timer_stop(struct shim_timer *self);

/// Makes libevent allocate its descriptor entries in blocks. Must be called before the first event of `fd` is added.
///
/// libevent keeps a small entry for each descriptor it ever saw. Allocated one by one, between the allocations of
/// connections, these entries would keep every page of the heap in use long after the connections are gone.
void shim_loop_map(shim_loop *self, int fd);

/// Must be called at the end of every libevent callback.
static inline void shim_loop_settle(shim_loop *self) {
	self->callbacks.settled(self->context);
	if (--self->callbacks_left == 0) event_base_loopbreak(self->base); // the rest stays active for the next turn
}

#endif
