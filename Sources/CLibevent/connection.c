#include "connection.h"
#include "request_line.h"

#include <stdlib.h>
#include <unistd.h>

// In nanoseconds.
#define LINGER_TIME INT64_C(2000000000)
#define HURRIED_LINGER_TIME INT64_C(250000000)

void connection_release(struct connection *self) {
	if (--self->references == 0) free(self);
}

// ---- rejecting

void connection_reject(struct connection *self, shim_reject reason) {
	if (self->exchange.state == EXCHANGE_HEAD) // a rejected HEAD gets no body, whatever has come behind its name
		self->exchange.head.method = request_method(byte_buffer_bytes(&self->input), byte_buffer_count(&self->input));
	connection_clear_exchange(self);
	self->exchange.state = EXCHANGE_PENDING;
	self->exchange.verdict = VERDICT_LINGER;
	watch_set_deadline(&self->watch, 0);
	self->group->callbacks.rejected(self->group->context, &self->exchange, reason);
}

// ---- closing

/// Waits for the peer to close. False: too many connections linger already.
static bool linger(struct connection *self) {
	if (self->state != CONNECTION_OPEN || !connection_limits_linger(&self->group->slots, &self->slot)) return false;
	self->state = CONNECTION_LINGERING;
	self->waits_since = shim_loop_now(self->group->loop);
	exchange_clear(&self->exchange);
	if (self->tls) tls_end(self->tls);
	parser_free(&self->parser); // also shuts down the sending side
	byte_buffer_free(&self->input);
	connection_count(self);
	watch_set_deadline(&self->watch, self->group->hurries ? HURRIED_LINGER_TIME : LINGER_TIME);
	watch_set_urgent(&self->watch, false);
	watch_set_reading(&self->watch, true);
	return true;
}

void connection_end(struct connection *self, enum connection_end how) {
	struct connection_group *group = self->group;
	if (self->state == CONNECTION_CLOSED || (how == END_LINGER && linger(self))) return;
	void *context = self->exchange.state == EXCHANGE_PENDING ? self->exchange.context : NULL;
	if (self->state == CONNECTION_NEW) {
		watch_cancel_call(&self->watch);
		self->fd = parser_take_socket(&self->parser);
	}
	self->state = CONNECTION_CLOSED;
	watch_stop(&self->watch);
	if (how == END_RESET) shim_reset_socket(self->fd);
	// A reply that is under way must not look whole.
	else if (self->tls && !self->shaking_hands && how != END_CUT && !context && !reply_overflow(&self->reply))
		tls_end(self->tls);
	exchange_free(&self->exchange);
	parser_free(&self->parser);
	if (self->fd >= 0) close(self->fd);
	if (self->tls) tls_free(self->tls);
	self->tls = self->reply.tls = NULL;
	reply_free(&self->reply);
	byte_buffer_free(&self->input);
	connection_count(self);
	connection_limits_leave(&group->slots, &self->slot);
	if (group->hand == self) group->hand = self->next;
	*self->link = self->next;
	if (self->next) self->next->link = self->link;
	connection_release(self);
	if (--group->count == 0) group->callbacks.emptied(group->context);
	if (context) group->callbacks.gone(context);
}

void connection_hurry(struct connection *self, int64_t interval) {
	if (self->state == CONNECTION_LINGERING) watch_set_deadline(&self->watch, HURRIED_LINGER_TIME);
	if (self->state != CONNECTION_OPEN || !exchange_takes_input(&self->exchange)) return;
	if (self->exchange.state == EXCHANGE_IDLE && !self->deferred) {
		connection_end(self, END_CLOSE);
		return;
	}
	self->last_request = shim_loop_now(self->group->loop); // the rest of a body has its whole time from now on
	const int64_t latest = self->last_request + interval;
	const int64_t deadline = self->watch.deadline.deadline;
	if (!deadline || deadline > latest) watch_set_deadline(&self->watch, interval);
}
