/// The events that are ready, in one queue for each class. Internal to the shim.
///
/// libevent only tells what is ready. The loop handles it later, and gives each class a share of each turn: however
/// much one class asks for, the others are served. libevent's own priorities cannot do that, as it does not look at a
/// lower one while a higher one has anything.
#ifndef SHIM_EVENT_QUEUES_H
#define SHIM_EVENT_QUEUES_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The classes, in the order in which a turn serves them.
enum event_class {
	EVENT_URGENT,   ///< a client that sends few, small requests, such as a health check
	EVENT_OUTBOUND, ///< a connection to a backend
	EVENT_CLIENT,   ///< any other client
	EVENT_TIMER,    ///< a deadline: after the bytes that have arrived
	EVENT_ACCEPT,   ///< a server listens again: after what has been accepted
	EVENT_CLASSES,
};

/// An event that is handled when its class is served.
struct queued_event {
	struct event event; ///< libevent's
	struct event_queues *queues;
	struct queued_event *next, **link; ///< in the queue of its class; `link` is NULL while it is in none
	void (*handle)(struct queued_event *self);
	uint32_t turn; ///< the turn in which it was queued
	enum event_class class;
	bool unwatched; ///< libevent had no memory to watch for it: it is handled in each turn until it has
};

/// The owner of the event that is its `member`.
#define EVENT_OWNER(event, type, member) ((type *)((char *)(event)-offsetof(type, member)))

struct event_queue {
	struct queued_event *first, **last;
};

struct event_queues {
	struct event_base *base;
	uint32_t turn; ///< the current turn of the loop
	struct event_queue classes[EVENT_CLASSES];
	bool full[EVENT_CLASSES]; ///< whether the last turn has left events of the class
};

void event_queues_init(struct event_queues *self, struct event_base *base);

/// Ends a turn. Returns whether it has left events of sockets for the next one.
bool event_queues_end_turn(struct event_queues *self);

/// Whether no event waits.
bool event_queues_are_empty(const struct event_queues *self);

/// Takes the first event from the queue of a class. NULL if there is none, or if it is a timer and bytes that arrived
/// before its deadline may still wait: it stays until the loop has polled once more, and has handled all urgent and
/// outbound events that this poll found. Source: after SIGCONT, epoll_wait(2) fails with EINTR and tells of no bytes.
struct queued_event *event_queues_take(struct event_queues *self, enum event_class class);

/// Prepares an event of `fd`, or a timer if `fd` is -1. `what`: libevent's EV_ flags. Nothing is watched yet.
void queued_event_init(struct queued_event *self, struct event_queues *queues, int fd, short what,
	enum event_class class, void (*handle)(struct queued_event *self));

/// Watches for the event. `interval`: the time until a timer is due; NULL for other events. If there is no memory for
/// that, the event waits in its queue, as if it were ready, in each turn until there is: a handler finds out itself
/// whether there is anything to do.
void queued_event_watch(struct queued_event *self, const struct timeval *interval);

/// Puts the event into its queue, if it is in none, as if libevent had told that it is ready.
void queued_event_push(struct queued_event *self);

/// Moves the event to another class, and to the end of that class's queue if it waits.
void queued_event_set_class(struct queued_event *self, enum event_class class);

/// Whether the event waits in its queue.
bool queued_event_waits(const struct queued_event *self);

/// Handles an event that was taken from its queue.
void queued_event_handle(struct queued_event *self);

/// Handles the event now, as if libevent had told that it is ready: it may not have told of it yet.
void queued_event_handle_now(struct queued_event *self);

/// Stops watching for the event, and takes it from its queue.
void queued_event_stop(struct queued_event *self);

#endif
