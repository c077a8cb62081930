/// Declarations that the shim's files share.
#ifndef SHIM_INTERNAL_H
#define SHIM_INTERNAL_H

#include "event_queues.h"
#include "shim_loop.h"
#include <stdatomic.h>
#include <sys/socket.h>

enum { SHIM_RECEIVE_BYTES = 64 * 1024 };

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
	bool busy;        ///< the last turn has left something to do
	unsigned handled; ///< events handled in this turn
	struct event_queues queues;
	int mapped;                         ///< libevent has an entry for every descriptor below this
	uint8_t buffer[SHIM_RECEIVE_BYTES]; ///< recv(2) fills it, for every socket of the loop
};

struct shim_timer {
	struct queued_event event;
	int64_t deadline; ///< 0: none
	int64_t armed;    ///< when `event` fires; 0: it is not armed
	void (*fire)(void *context);
	void *context;
};

/// The loop whose timer it is.
static inline shim_loop *shim_timer_loop(const struct shim_timer *self) {
	return EVENT_OWNER(self->event.queues, shim_loop, queues);
}

void shim_timer_init(struct shim_timer *self, shim_loop *loop, void (*fire)(void *), void *context);
void shim_timer_stop(struct shim_timer *self);

/// Makes libevent allocate its descriptor entries in blocks. Must be called before the first event of `fd` is added.
///
/// libevent keeps a small entry for each descriptor it ever saw. Allocated one by one, between the allocations of
/// connections, these entries would keep every page of the heap in use long after the connections are gone.
void shim_loop_map(shim_loop *self, int fd);

/// Sends a RST now. The readable side reports the end. SO_LINGER would also send one, but evhttp's shutdown comes
/// before our close, and a FIN before the RST can look like the proper end of a reply that has no other end mark.
static inline void shim_reset_socket(int fd) {
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	connect(fd, &nowhere, sizeof nowhere);
}

/// Must be called after every event that was handled.
static inline void shim_loop_settle(shim_loop *self) {
	self->callbacks.settled(self->context);
	self->handled++;
}

#endif
