#include "connection.h"

#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/// The servers of this thread's loop.
static _Thread_local struct shim_server *servers;

enum { ACCEPTS_A_TURN = 64 }; // so that a rush of clients does not hold up those who are here
static const int64_t ACCEPT_PAUSE = 100 * 1000 * 1000;
static const int64_t ACCEPT_TRIAL = 1000 * 1000 * 1000;

void account_retain(struct body_account *self) { atomic_fetch_add_explicit(&self->users, 1, memory_order_relaxed); }

void account_release(struct body_account *self, size_t bytes) {
	atomic_fetch_sub_explicit(&self->bytes, bytes, memory_order_relaxed);
	if (atomic_fetch_sub_explicit(&self->users, 1, memory_order_acq_rel) == 1) free(self);
}

// ---- accepting

static void set_listening(struct shim_server *self, bool listening) {
	for (size_t i = 0; i < self->listener_count; i++) {
		struct evconnlistener *listener = evhttp_bound_socket_get_listener(self->listeners[i]);
		if (listening) evconnlistener_enable(listener);
		else evconnlistener_disable(listener);
	}
}

static void on_adopt(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	struct shim_exchange *self = context;
	struct shim_server *server = self->server;
	shim_loop *loop = server->loop;
	if (--server->adopting == 0 && server->accepted_enough) {
		server->accepted_enough = false;
		if (server->accepting != ACCEPTING_PAUSED) set_listening(server, true);
	}
	connection_open(self);
	shim_loop_settle(loop);
}

static struct bufferevent *on_new_connection(struct event_base *base, void *context) {
	struct shim_server *server = context;
	struct shim_exchange *self = calloc(1, sizeof *self);
	// Close on free: so evhttp never closes the socket, and after setfd(-1) nobody but the shim does.
	self->bev = self ? bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE) : NULL;
	if (!self->bev) abort();
	connection_register(self, server); // counts from now on: the server may be freed before the next callback
	bufferevent_incref(self->bev);
	event_assign(&self->writable, base, -1, 0, on_adopt, self);
	event_active(&self->writable, 0, 0);        // runs soon after this callback: same turn, nothing polled in between
	if (++server->adopting == ACCEPTS_A_TURN) { // libevent would go on until nobody waits
		server->accepted_enough = true;
		set_listening(server, false);
	}
	return self->bev;
}

static void on_request(struct evhttp_request *request, void *context) {
	struct shim_server *server = context;
	connection_requested(server->parsing, request);
}

static void set_accepting(struct shim_server *self, enum accepting accepting, int64_t interval) {
	self->accepting = accepting;
	shim_timer_set(&self->accept_timer, interval ? shim_loop_now(self->loop) + interval : 0);
}

/// Told of once, however often it fails before it goes well for a while.
static void on_accept_timer(void *context) {
	struct shim_server *self = context;
	if (self->accepting == ACCEPTING_PAUSED) {
		set_accepting(self, ACCEPTING_AGAIN, ACCEPT_TRIAL);
		set_listening(self, true);
	} else {
		set_accepting(self, ACCEPTING_WELL, 0);
		self->callbacks.accept_recovered(self->context);
	}
}

/// Out of descriptors, as a rule. The socket stays readable: without a pause the loop would spin.
static void on_accept_failed(struct evconnlistener *listener, void *context) {
	(void)listener;
	const int error = errno;
	struct shim_server *self = servers; // the listener's context is evhttp's, and is evhttp
	while (self->http != context) self = self->next;
	const bool was_well = self->accepting == ACCEPTING_WELL;
	set_listening(self, false);
	set_accepting(self, ACCEPTING_PAUSED, ACCEPT_PAUSE);
	if (was_well) self->callbacks.accept_failed(self->context, error);
	shim_loop_settle(self->loop);
}

// ---- the server

shim_server *shim_server_new(
	shim_loop *loop, shim_server_limits limits, shim_server_callbacks callbacks, void *context) {
	struct shim_server *self = calloc(1, sizeof *self);
	struct body_account *account = calloc(1, sizeof *account);
	struct evhttp *http = evhttp_new(loop->base);
	if (!self || !account || !http) {
		free(self);
		free(account);
		if (http) evhttp_free(http);
		return NULL;
	}
	atomic_init(&account->users, 1);
	self->loop = loop;
	self->http = http;
	self->account = account;
	self->limits = limits;
	self->callbacks = callbacks;
	self->context = context;
	self->next = servers;
	servers = self;
	shim_timer_init(&self->accept_timer, loop, on_accept_timer, self);
	evhttp_set_bevcb(http, on_new_connection, self);
	evhttp_set_gencb(http, on_request, self);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST);
	return self; // no limits of evhttp's: the guard has them, and counts more exactly
}

static int bound_socket(struct sockaddr_storage *address, socklen_t length, bool ipv6_only) {
	const int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	const int one = 1, only = ipv6_only;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one); // accepted sockets inherit it
	if (address->ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
	if (bind(fd, (struct sockaddr *)address, length) < 0 || getsockname(fd, (struct sockaddr *)address, &length) < 0) {
		const int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int shim_server_listen(shim_server *self, struct sockaddr_storage *address, socklen_t length, bool ipv6_only) {
	if (self->listener_count == sizeof self->listeners / sizeof *self->listeners) return ENOSPC;
	const int fd = bound_socket(address, length, ipv6_only);
	if (fd < 0) return errno;
	struct evconnlistener *listener = evconnlistener_new(
		self->loop->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 4096, fd);
	if (!listener) {
		const int error = errno;
		close(fd);
		return error;
	}
	struct evhttp_bound_socket *bound = evhttp_bind_listener(self->http, listener);
	if (!bound) {
		evconnlistener_free(listener);
		return ENOMEM;
	}
	evconnlistener_set_error_cb(listener, on_accept_failed);
	self->listeners[self->listener_count++] = bound;
	return 0;
}

void shim_server_stop_listening(shim_server *self) {
	set_accepting(self, ACCEPTING_WELL, 0);
	while (self->listener_count) evhttp_del_accept_socket(self->http, self->listeners[--self->listener_count]);
}

void shim_server_close_idle(shim_server *self) {
	for (struct shim_exchange *each = self->connections, *next; each; each = next) {
		next = each->next;
		if (each->phase == PHASE_IDLE && !each->held.count) connection_close(each, false);
	}
}

void shim_server_cut_all(shim_server *self) {
	// A callback may close others: begin again after each.
	while (self->connections) connection_cut(self->connections);
}

size_t shim_server_connection_count(const shim_server *self) { return self->connection_count; }

size_t shim_server_take_peak(shim_server *self) {
	const size_t peak = self->peak;
	self->peak = self->connection_count;
	return peak;
}

size_t shim_server_buffered_bytes(const shim_server *self) {
	return atomic_load_explicit(&self->account->bytes, memory_order_relaxed);
}

static void on_nothing(void *context) { (void)context; }

void shim_server_free(shim_server *self) {
	self->callbacks.emptied = on_nothing;
	shim_timer_stop(&self->accept_timer);
	while (self->listener_count) evhttp_del_accept_socket(self->http, self->listeners[--self->listener_count]);
	shim_server_cut_all(self);
	evhttp_free(self->http);
	struct shim_server **link = &servers;
	while (*link != self) link = &(*link)->next;
	*link = self->next;
	account_release(self->account, 0);
	free(self);
}

const char *shim_server_date(shim_server *self) {
	const time_t now = time(NULL);
	if (now != self->date_second) {
		struct tm parts;
		gmtime_r(&now, &parts);
		strftime(self->date, sizeof self->date, "%a, %d %b %Y %H:%M:%S GMT", &parts);
		self->date_second = now;
	}
	return self->date;
}
