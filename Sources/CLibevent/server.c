#include "connection.h"

#include <errno.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/// The state of accepting connections.
enum accepting {
	ACCEPTING_NORMALLY,
	ACCEPTING_PAUSED, ///< accept(2) failed
	ACCEPTING_AGAIN,  ///< accept(2) runs again after a pause, but not long enough to count as working
};

struct shim_server {
	struct shim_server *next; ///< the next server of this thread
	struct connection_group group;
	struct evhttp *http;
	struct evhttp_bound_socket *listeners[16];
	size_t listener_count;
	enum accepting accepting;
	struct shim_timer accept_timer;
	uint32_t accept_turn; ///< the turn in which a connection was accepted last
	unsigned accepted;    ///< in that turn
	struct queued_event accept_again;
	struct connection *next_connection; ///< for the next client; NULL: there was no memory, and none is accepted
	time_t date_second;
	char date[40];
};

/// The servers of this thread's loop.
static _Thread_local struct shim_server *servers;

/// The most connections that are accepted in a turn, so that a rush of new clients does not delay the connected ones.
/// If the last turn has left something to do, what was accepted is served first: more clients than can be served wait
/// in the kernel, or are refused by it, and cost nothing.
enum { ACCEPTS_A_TURN = 64, ACCEPTS_WHEN_BUSY = 16 };
static const int64_t ACCEPT_PAUSE = 100 * 1000 * 1000;
static const int64_t ACCEPT_TRIAL = 1000 * 1000 * 1000;

// ---- accepting

static void set_listening(struct shim_server *self, bool listening) {
	for (size_t i = 0; i < self->listener_count; i++) {
		struct evconnlistener *listener = evhttp_bound_socket_get_listener(self->listeners[i]);
		if (listening) evconnlistener_enable(listener);
		else evconnlistener_disable(listener);
	}
}

static void on_accept_again(struct queued_event *event) {
	struct shim_server *self = EVENT_OWNER(event, struct shim_server, accept_again);
	if (self->accepting != ACCEPTING_PAUSED) set_listening(self, true);
}

static struct shim_server *server_of(struct connection_group *group) {
	return (struct shim_server *)((char *)group - offsetof(struct shim_server, group));
}

/// Runs soon after a connection was accepted: in the same turn, with no poll in between.
static void on_adopt(evutil_socket_t fd, short what, void *context) {
	(void)fd;
	(void)what;
	struct connection *connection = context;
	struct shim_server *self = server_of(connection->group);
	shim_loop *loop = self->group.loop;
	if (self->accept_turn != loop->queues.turn) abort(); // evhttp may have read from the socket
	connection_open(connection);
	shim_loop_settle(loop);
}

/// Allocates what the next client needs. evhttp asks for it when it has accepted one already, and takes the socket for
/// itself if it gets nothing.
static bool prepare_connection(struct shim_server *self) {
	if (!self->next_connection) self->next_connection = connection_new(&self->group);
	return self->next_connection;
}

static void pause_accepting(struct shim_server *self, int error);

/// Called when evhttp accepts a connection and asks for the bufferevent to use.
static struct bufferevent *on_accept(struct event_base *base, void *context) {
	(void)base;
	struct shim_server *self = context;
	struct connection *connection = self->next_connection;
	struct bufferevent *bev = connection->parser.bev;
	self->next_connection = NULL;
	// The connection counts from now on, because the server may be freed before the next callback.
	connection_join(connection);
	watch_call_soon(&connection->watch, on_adopt, connection);
	if (!prepare_connection(self)) pause_accepting(self, ENOMEM);
	const shim_loop *loop = self->group.loop;
	if (self->accept_turn != loop->queues.turn) self->accepted = 0;
	self->accept_turn = loop->queues.turn;
	if (++self->accepted == (loop->busy ? ACCEPTS_WHEN_BUSY : ACCEPTS_A_TURN)) {
		set_listening(self, false); // libevent would continue until no client waits
		queued_event_push(&self->accept_again);
	}
	return bev;
}

static void set_accepting(struct shim_server *self, enum accepting accepting, int64_t interval) {
	self->accepting = accepting;
	shim_timer_set(&self->accept_timer, interval ? shim_loop_now(self->group.loop) + interval : 0);
}

/// Accepts again after a pause, and reports recovery after a trial without failure. So a series of failures is reported
/// once.
static void on_accept_timer(void *context) {
	struct shim_server *self = context;
	if (self->accepting == ACCEPTING_PAUSED) {
		if (!prepare_connection(self)) {
			set_accepting(self, ACCEPTING_PAUSED, ACCEPT_PAUSE);
			return;
		}
		set_accepting(self, ACCEPTING_AGAIN, ACCEPT_TRIAL);
		set_listening(self, true);
	} else {
		set_accepting(self, ACCEPTING_NORMALLY, 0);
		self->group.callbacks.accept_recovered(self->group.context);
	}
}

static void pause_accepting(struct shim_server *self, int error) {
	const bool was_normal = self->accepting == ACCEPTING_NORMALLY;
	set_listening(self, false);
	set_accepting(self, ACCEPTING_PAUSED, ACCEPT_PAUSE);
	if (was_normal) self->group.callbacks.accept_failed(self->group.context, error);
}

/// Usually the process is out of descriptors. The socket stays readable, so without a pause the loop would spin.
static void on_accept_failed(struct evconnlistener *listener, void *context) {
	(void)listener;
	const int error = errno;
	struct shim_server *self = servers; // the listener's context is the evhttp
	while (self->http != context) self = self->next;
	pause_accepting(self, error);
	shim_loop_settle(self->group.loop);
}

// ---- the server

shim_server *shim_server_new(
	shim_loop *loop, shim_server_limits limits, shim_server_callbacks callbacks, void *context) {
	struct shim_server *self = calloc(1, sizeof *self);
	struct byte_budget *budget = byte_budget_new(limits.max_buffered_bytes);
	struct evhttp *http = evhttp_new(loop->base);
	if (!self || !budget || !http) {
		free(self);
		if (budget) byte_budget_release(budget);
		if (http) evhttp_free(http);
		return NULL;
	}
	self->http = http;
	self->group = (struct connection_group){
		.loop = loop,
		.limits = limits,
		.callbacks = callbacks,
		.context = context,
		.budget = budget,
		.slots = { .max = limits.max_connections,
			.reserved = limits.reserved_connections,
			.max_per_address = limits.max_connections_per_address },
	};
	self->next = servers;
	servers = self;
	shim_timer_init(&self->accept_timer, loop, on_accept_timer, self);
	queued_event_init(&self->accept_again, &loop->queues, -1, 0, EVENT_ACCEPT, on_accept_again);
	evhttp_set_bevcb(http, on_accept, self);
	if (!prepare_connection(self)) {
		shim_server_free(self);
		return NULL;
	}
	parser_set_up(http, &self->group.parsing); // evhttp sets no limits: the validator has them, and counts more exactly
	return self;
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
		self->group.loop->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 4096, fd);
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

void shim_server_set_tls(shim_server *self, shim_tls_context *context) {
	if (context) shim_tls_context_retain(context);
	if (self->group.tls) shim_tls_context_free(self->group.tls);
	self->group.tls = context;
}

void shim_server_stop_listening(shim_server *self) {
	set_accepting(self, ACCEPTING_NORMALLY, 0);
	while (self->listener_count) evhttp_del_accept_socket(self->http, self->listeners[--self->listener_count]);
}

static int64_t shorter(int64_t timeout, int64_t interval) { return timeout && timeout < interval ? timeout : interval; }

void shim_server_close_idle(shim_server *self, int64_t interval) {
	shim_server_limits *limits = &self->group.limits;
	self->group.hurries = true;
	limits->header_timeout = shorter(limits->header_timeout, interval);
	limits->body_timeout = shorter(limits->body_timeout, interval);
	for (struct connection *each = self->group.connections, *next; each; each = next) {
		next = each->next;
		connection_hurry(each, interval);
	}
}

void shim_server_cut_all(shim_server *self) {
	// A callback may end other connections, so begin at the first again each time.
	while (self->group.connections) connection_end(self->group.connections, END_RESET);
}

size_t shim_server_connection_count(const shim_server *self) { return self->group.count; }

size_t shim_server_unsent_count(const shim_server *self) {
	size_t count = 0;
	for (const struct connection *each = self->group.connections; each; each = each->next)
		count += each->state == CONNECTION_OPEN && each->exchange.state == EXCHANGE_SENDING;
	return count;
}

size_t shim_server_take_peak(shim_server *self) {
	const size_t peak = self->group.peak;
	self->group.peak = self->group.count;
	return peak;
}

size_t shim_server_buffered_bytes(const shim_server *self) { return byte_budget_bytes(self->group.budget); }

static void on_nothing(void *context) { (void)context; }

void shim_server_free(shim_server *self) {
	self->group.callbacks.emptied = on_nothing;
	shim_timer_stop(&self->accept_timer);
	queued_event_stop(&self->accept_again);
	while (self->listener_count) evhttp_del_accept_socket(self->http, self->listeners[--self->listener_count]);
	shim_server_cut_all(self);
	if (self->next_connection) connection_discard(self->next_connection);
	evhttp_free(self->http);
	struct shim_server **link = &servers;
	while (*link != self) link = &(*link)->next;
	*link = self->next;
	byte_budget_release(self->group.budget);
	if (self->group.tls) shim_tls_context_free(self->group.tls);
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
