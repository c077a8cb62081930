#include "event_queues.h"

void event_queues_init(struct event_queues *self, struct event_base *base) {
	self->base = base;
	for (int i = 0; i < EVENT_CLASSES; i++) self->classes[i].last = &self->classes[i].first;
}

bool event_queues_end_turn(struct event_queues *self) {
	for (int i = 0; i < EVENT_CLASSES; i++) self->full[i] = self->classes[i].first;
	return self->full[EVENT_URGENT] || self->full[EVENT_OUTBOUND] || self->full[EVENT_CLIENT];
}

bool event_queues_are_empty(const struct event_queues *self) {
	for (int i = 0; i < EVENT_CLASSES; i++) {
		if (self->classes[i].first) return false;
	}
	return true;
}

bool queued_event_waits(const struct queued_event *self) { return self->link; }

static void take(struct queued_event *self) {
	*self->link = self->next;
	if (self->next) self->next->link = self->link;
	else self->queues->classes[self->class].last = self->link;
	self->link = NULL;
}

/// Whether an event of `class` waits that the poll after turn `turn`, or an earlier one, has found.
static bool has_older(const struct event_queues *self, enum event_class class, uint32_t turn) {
	const struct queued_event *first = self->classes[class].first;
	return first && (int32_t)(first->turn - turn) <= 1;
}

struct queued_event *event_queues_take(struct event_queues *self, enum event_class class) {
	struct queued_event *first = self->classes[class].first;
	if (!first) return NULL;
	if (class == EVENT_TIMER) {
		const bool was_polled = self->turn != first->turn;
		if (!was_polled || has_older(self, EVENT_URGENT, first->turn) || has_older(self, EVENT_OUTBOUND, first->turn))
			return NULL;
	}
	take(first);
	return first;
}

static void on_ready(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	queued_event_push(context);
}

void queued_event_init(struct queued_event *self, struct event_queues *queues, int fd, short what,
	enum event_class class, void (*handle)(struct queued_event *)) {
	*self = (struct queued_event){ .queues = queues, .handle = handle, .class = class };
	event_assign(&self->event, queues->base, fd, what, on_ready, self);
}

void queued_event_watch(struct queued_event *self, const struct timeval *interval) {
	const bool has_failed = event_add(&self->event, interval) < 0;
	self->unwatched = has_failed && !interval; // the handler of a timer watches again if it is not due
	if (has_failed) queued_event_push(self);
}

void queued_event_push(struct queued_event *self) {
	if (self->link) return;
	struct event_queue *queue = &self->queues->classes[self->class];
	self->turn = self->queues->turn;
	self->next = NULL;
	self->link = queue->last;
	*queue->last = self;
	queue->last = &self->next;
}

void queued_event_set_class(struct queued_event *self, enum event_class class) {
	if (self->class == class) return;
	const bool waits = queued_event_waits(self);
	if (waits) take(self);
	self->class = class;
	if (waits) queued_event_push(self);
}

void queued_event_handle(struct queued_event *self) {
	if (self->unwatched) queued_event_watch(self, NULL);
	self->handle(self);
}

void queued_event_handle_now(struct queued_event *self) {
	if (queued_event_waits(self)) take(self);
	queued_event_handle(self);
}

void queued_event_stop(struct queued_event *self) {
	event_del(&self->event);
	self->unwatched = false;
	if (self->link) take(self);
}
