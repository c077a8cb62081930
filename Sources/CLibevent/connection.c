/// A connection's small parts, and its end.
#include "connection.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- small things

void connection_set_reading(struct shim_exchange *self, bool on) {
	if (self->reading == on) return;
	self->reading = on;
	if (on) event_add(&self->readable, NULL);
	else event_del(&self->readable);
}

void connection_set_writing(struct shim_exchange *self, bool on) {
	if (self->writing == on) return;
	self->writing = on;
	if (on) event_add(&self->writable, NULL);
	else event_del(&self->writable);
}

void connection_set_deadline(struct shim_exchange *self, int64_t interval) {
	shim_timer_set(&self->deadline, interval ? shim_loop_now(self->server->loop) + interval : 0);
}

size_t connection_overflow(const struct shim_exchange *self) {
	return self->overflow ? evbuffer_get_length(self->overflow) : 0;
}

void connection_keep(struct shim_exchange *self, const struct iovec pieces[3], size_t sent) {
	if (!self->overflow && !(self->overflow = evbuffer_new())) abort();
	for (size_t i = 0; i < 3; i++) {
		const size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
		evbuffer_add(self->overflow, (const char *)pieces[i].iov_base + skip, pieces[i].iov_len - skip);
		sent -= skip;
	}
	connection_set_writing(self, true);
}

void connection_hold(struct shim_exchange *self, const uint8_t *bytes, size_t count) {
	struct held *held = &self->held;
	if (held->count + count > held->capacity) {
		held->capacity = (held->count + count) * 2;
		held->bytes = realloc(held->bytes, held->capacity);
		if (!held->bytes) abort();
	}
	memcpy(held->bytes + held->count, bytes, count);
	held->count += count;
}

void connection_unhold(struct shim_exchange *self, size_t count) {
	struct held *held = &self->held;
	held->count -= count;
	if (held->count) {
		memmove(held->bytes, held->bytes + count, held->count);
	} else {
		free(held->bytes);
		*held = (struct held){ 0 };
	}
}

void connection_account_body(struct shim_exchange *self, size_t count) {
	self->body_count += count;
	atomic_fetch_add_explicit(&self->server->account->bytes, count, memory_order_relaxed);
}

void connection_forget_body(struct shim_exchange *self) {
	atomic_fetch_sub_explicit(&self->server->account->bytes, self->body_count, memory_order_relaxed);
	self->body_count = 0;
}

// ---- the end of a connection

void connection_unpin(struct shim_exchange *self) {
	if (--self->pins == 0 && self->closed) free(self);
}

/// evhttp frees its connection, whoever asked for it: the socket stays, since the bufferevent no longer has it.
static void on_evhttp_closed(struct evhttp_connection *evcon, void *context) {
	(void)evcon;
	struct shim_exchange *self = context;
	self->evcon = NULL;
	self->bev = NULL;
	self->request = NULL;
}

/// Frees evhttp's side, and its request with it. evhttp shuts the socket's writing side down.
void connection_close_evhttp(struct shim_exchange *self) {
	struct evhttp_connection *evcon = self->evcon;
	if (self->decoded) evbuffer_free(self->decoded);
	self->decoded = NULL;
	if (!evcon) return;
	connection_forget_body(self);
	evhttp_connection_free(evcon);
}

/// Sends a RST now. (SO_LINGER would too, but evhttp's shutdown comes before our close, and a FIN before the RST can
/// pass for the proper end of a reply that has no other.)
static void reset_socket(int fd) {
	const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };
	connect(fd, &nowhere, sizeof nowhere);
}

/// Takes the socket from evhttp, before anything was read. False: evhttp ran out of memory and has freed everything.
bool connection_take_socket(struct shim_exchange *self) {
	void *evcon = NULL; // the argument of evhttp's callbacks
	bufferevent_getcb(self->bev, NULL, NULL, NULL, &evcon);
	self->phase = PHASE_IDLE;
	self->fd = evcon ? bufferevent_getfd(self->bev) : -1;
	if (evcon) bufferevent_setfd(self->bev, -1);
	bufferevent_decref(self->bev);
	self->evcon = evcon;
	if (evcon) evhttp_connection_set_closecb(evcon, on_evhttp_closed, self);
	else self->bev = NULL;
	return evcon;
}

void connection_close(struct shim_exchange *self, bool reset) {
	if (self->closed) return;
	self->closed = true;
	if (self->phase == PHASE_NEW) {
		event_del(&self->writable);
		connection_take_socket(self);
	}
	connection_set_reading(self, false);
	connection_set_writing(self, false);
	shim_timer_stop(&self->deadline);
	if (reset) reset_socket(self->fd);
	connection_close_evhttp(self);
	if (self->fd >= 0) close(self->fd);
	if (self->overflow) evbuffer_free(self->overflow);
	free(self->held.bytes);
	connection_leave_place(self);
	*self->link = self->next;
	if (self->next) self->next->link = self->link;
	struct shim_server *server = self->server;
	self->pins++;
	connection_unpin(self);
	if (--server->connection_count == 0) server->callbacks.emptied(server->context);
}

/// The client is gone: whoever works for it may stop.
void connection_lost(struct shim_exchange *self) {
	void *context = self->phase == PHASE_PENDING ? self->context : NULL;
	struct shim_server *server = self->server;
	connection_close(self, false);
	if (context) server->callbacks.gone(context);
}

void connection_cut(struct shim_exchange *self) {
	if (self->phase != PHASE_NEW) reset_socket(self->fd);
	connection_lost(self);
}
