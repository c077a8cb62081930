#include "internal.h"
#include "manual_clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/// The time in nanoseconds that a turn gives to the events of one class, if there are as many. One is always handled.
/// The time that the poll took is added, so that most of the time is not spent on polls that find thousands of sockets
/// again.
static const int64_t CLASS_SHARE = INT64_C(1000) * 1000, LONGEST_SHARE = INT64_C(3000) * 1000;

/// A variable whose address identifies the thread.
static _Thread_local char this_thread;

static int64_t system_time(void) {
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void on_wake(evutil_socket_t fd, short what, void *context) {
	(void)what;
	shim_loop *self = context;
	uint64_t count;
	while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {}
	self->callbacks.woken(self->context);
	shim_loop_settle(self);
}

/// Prints the message of an error after which libevent ends the process. Discards the others: they describe calls that
/// failed, and those reach us as an errno.
static void on_log(int severity, const char *message) {
	if (severity == EVENT_LOG_ERR) fprintf(stderr, "libevent: %s\n", message);
}

static void on_nothing(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	(void)context;
}

void shim_loop_map(shim_loop *self, int fd) {
	enum { BLOCK = 1024, AHEAD = 256 }; // evhttp adds an event before the shim knows the descriptor
	if (fd + AHEAD < self->mapped) return;
	for (const int end = ((fd + AHEAD) / BLOCK + 1) * BLOCK; self->mapped < end; self->mapped++) {
		struct event event;
		event_assign(&event, self->base, self->mapped, EV_READ, on_nothing, NULL);
		// The changelist drops this pair again, so the kernel never sees it. Descriptors in use keep their events.
		event_add(&event, NULL);
		event_del(&event);
	}
}

shim_loop *shim_loop_new(void) {
	event_set_log_callback(on_log);
	shim_loop *self = calloc(1, sizeof *self);
	struct event_config *config = event_config_new();
	if (!self || !config) goto failed;
	self->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (self->wake_fd < 0) goto failed;
	// No locks: other threads use only the eventfd. The changelist saves an epoll_ctl call for an event that is added
	// and removed within a turn. It is unsafe with dup'ed descriptors, but there are none.
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	self->base = event_base_new_with_config(config);
	if (!self->base) goto failed_base;
	event_queues_init(&self->queues, self->base);
	event_assign(&self->wake_event, self->base, self->wake_fd, EV_READ | EV_PERSIST, on_wake, self);
	if (event_add(&self->wake_event, NULL) < 0) goto failed_wake; // nothing would wake the loop
	event_config_free(config);
	shim_loop_map(self, self->wake_fd);
	return self;
failed_wake:
	event_base_free(self->base);
failed_base:
	close(self->wake_fd);
failed:
	if (config) event_config_free(config);
	free(self);
	return NULL;
}

void shim_loop_set_callbacks(shim_loop *self, shim_loop_callbacks callbacks, void *context) {
	self->callbacks = callbacks;
	self->context = context;
}

void shim_loop_free(shim_loop *self) {
	event_del(&self->wake_event);
	event_base_free(self->base);
	close(self->wake_fd);
	manual_clock_free(self->manual_clock);
	free(self);
}

void shim_loop_bind(shim_loop *self) { atomic_store_explicit(&self->thread, &this_thread, memory_order_relaxed); }

bool shim_loop_is_current(const shim_loop *self) {
	return atomic_load_explicit(&self->thread, memory_order_relaxed) == &this_thread;
}

/// Finds out what is ready, and queues it. Returns the time that this took if it did not `wait`, otherwise 0.
static int64_t poll_events(shim_loop *self, bool wait) {
	const int64_t start = wait ? 0 : system_time();
	// -1: epoll_wait itself failed, so the loop cannot continue.
	if (event_base_loop(self->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK) < 0) abort();
	return wait ? 0 : system_time() - start;
}

/// Handles the events of one class, for its share of the turn.
static void serve(shim_loop *self, enum event_class class, int64_t share) {
	struct queued_event *event = event_queues_take(&self->queues, class);
	if (!event) return;
	int64_t end = 0;
	while (true) {
		queued_event_handle(event);
		shim_loop_settle(self);
		// The system's clock: a test's own does not move while a turn is under way.
		if (!self->queues.classes[class].first) return;
		const int64_t now = system_time();
		if (!end) end = now + share; // the first one is not measured: nearly always it is the only one
		else if (now >= end) return;
		event = event_queues_take(&self->queues, class);
		if (!event) return;
	}
}

void shim_loop_run(shim_loop *self) {
	bool has_more = true; // for work that began before the loop ran
	while (!self->stopping) {
		self->now = 0;
		self->handled = 0;
		self->queues.turn++;
		const int64_t wanted = CLASS_SHARE + poll_events(self, !has_more);
		const int64_t share = wanted < LONGEST_SHARE ? wanted : LONGEST_SHARE;
		for (int i = 0; i < EVENT_CLASSES; i++) serve(self, (enum event_class)i, share);
		const bool has_left = event_queues_end_turn(&self->queues);
		self->busy = self->callbacks.turned(self->context) || has_left;
		has_more = self->busy || !event_queues_are_empty(&self->queues);
	}
	self->stopping = false;
}

void shim_loop_stop(shim_loop *self) { self->stopping = true; }

void shim_loop_wake(shim_loop *self) {
	const uint64_t one = 1;
	while (write(self->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

int64_t shim_loop_now(shim_loop *self) {
	if (!self->now) self->now = self->manual_clock ? manual_clock_now(self->manual_clock) : system_time();
	return self->now;
}

bool shim_loop_use_manual_clock(shim_loop *self) {
	self->manual_clock = manual_clock_new();
	return self->manual_clock;
}

bool shim_loop_step_clock(shim_loop *self, int64_t limit) {
	const bool is_deadline = manual_clock_step(self->manual_clock, limit);
	self->now = 0;
	return is_deadline;
}

bool shim_loop_is_quiet(const shim_loop *self) { return self->handled == 0; }

bool shim_loop_has_deadline(const shim_loop *self, int64_t deadline) {
	return manual_clock_has(self->manual_clock, deadline);
}
