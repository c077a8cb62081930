#include "internal.h"

#include <signal.h>
#include <stdlib.h>

struct shim_signal {
	shim_loop *loop;
	struct event event;
	void (*fire)(void *context, int number);
	void *context;
};

static void on_signal(evutil_socket_t number, short what, void *context) {
	(void)what;
	shim_signal *self = context;
	shim_loop *loop = self->loop;
	self->fire(self->context, (int)number);
	shim_loop_settle(loop);
}

shim_signal *shim_signal_new(shim_loop *loop, int number, void (*fire)(void *, int), void *context) {
	shim_signal *self = malloc(sizeof *self);
	if (!self) return NULL;
	*self = (shim_signal){ .loop = loop, .fire = fire, .context = context };
	evsignal_assign(&self->event, loop->base, number, on_signal, self);
	if (event_add(&self->event, NULL) < 0) {
		free(self);
		return NULL;
	}
	// The parent process may have left the signal blocked, as the threads of libdispatch do.
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return self;
}

void shim_signal_free(shim_signal *self) {
	event_del(&self->event);
	free(self);
}

void shim_ignore_sigpipe(void) { signal(SIGPIPE, SIG_IGN); }
