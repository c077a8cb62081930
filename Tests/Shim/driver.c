/// Drives the shim without Swift, for valgrind: a server that answers in every way, a hostile client, outbound streams
/// to both that server and a hostile one. Frees everything at the end. Built and run by scripts/valgrind.
///
/// Threads: the loop's (main), a client's and a hostile server's, which use blocking sockets and share only atomics
/// with it.
#define _GNU_SOURCE // POLLRDHUP
#include "../../Sources/CLibevent/address_table.h"
#include "CLibevent.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

static void fail(int line, const char *condition) {
	fprintf(stderr, "driver.c:%d: not so: %s (%s)\n", line, condition, strerror(errno));
	_exit(1);
}

static const int64_t MS = 1000000, PATIENCE = 1500 * 1000000LL, HASTE = 100 * 1000000LL;
enum { BIG = 3 * 1024 * 1024, MAX_BODY = 4 * 1024 * 1024, MAX_CONNECTIONS = 400, RESERVED = 10, MAX_PER_ADDRESS = 403 };

static shim_loop *loop;
static shim_server *server;
static in_port_t server_port, hostile_port; ///< in network order
static char *filler;                        ///< BIG bytes
static atomic_int client_done, outbound_done;
static atomic_long turns;

// ---- the server: what a request gets is told by its path

struct pending {
	shim_exchange *exchange;
	shim_timer *timer;
	shim_body *body;
	int left; ///< chunks of a stream
	bool waits;
};

static atomic_int requested_count, rejected_count, gone_count, pending_count, dropped_count, connections_now;
static atomic_int rejected_for[SHIM_REJECT_TOO_SLOW + 1];

static void pending_free(struct pending *self) {
	if (self->timer) shim_timer_free(self->timer);
	if (self->body) shim_body_free(self->body);
	free(self);
	pending_count--;
}

static void answer(shim_exchange *exchange, const char *status, const char *body, size_t count) {
	char head[256];
	const bool keep = shim_exchange_keep_alive(exchange);
	const int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nDate: %s\r\n%sContent-Length: %zu\r\n\r\n", status,
		shim_server_date(server), keep ? "" : "Connection: close\r\n", count);
	if (shim_exchange_method(exchange) == SHIM_METHOD_HEAD) count = 0;
	shim_exchange_send(exchange, head, (size_t)length, body, count, NULL, 0);
	shim_exchange_finish(exchange, keep);
}

static void answer_pending(void *context) {
	struct pending *self = context;
	shim_exchange *exchange = self->exchange;
	shim_exchange_set_context(exchange, NULL);
	answer(exchange, "200 OK", "later", 5);
	pending_free(self);
}

static void stream_on(void *context) {
	struct pending *self = context;
	static const char size[] = "1f4\r\n";
	if (self->left-- > 0) {
		self->waits = shim_exchange_send(self->exchange, size, 5, filler, 500, "\r\n", 2) > 0;
		if (!self->waits) shim_timer_set(self->timer, shim_loop_now(loop));
		return;
	}
	shim_exchange_set_context(self->exchange, NULL);
	shim_exchange_send(self->exchange, "0\r\n\r\n", 5, NULL, 0, NULL, 0);
	shim_exchange_finish(self->exchange, shim_exchange_keep_alive(self->exchange));
	pending_free(self);
}

static void on_drained(void *context) {
	struct pending *self = context;
	if (!self->waits) return;
	self->waits = false;
	shim_timer_set(self->timer, shim_loop_now(loop));
}

static void on_gone(void *context) {
	gone_count++;
	pending_free(context);
}

static struct pending *wait_with(shim_exchange *exchange, void (*fire)(void *), int64_t after) {
	struct pending *self = calloc(1, sizeof *self);
	*self = (struct pending){ .exchange = exchange, .body = shim_exchange_take_body(exchange) };
	pending_count++;
	shim_exchange_set_context(exchange, self);
	if (fire) {
		self->timer = shim_timer_new(loop, fire, self);
		shim_timer_set(self->timer, shim_loop_now(loop) + after);
	}
	return self;
}

static bool on_refused(void *context, shim_exchange *exchange) {
	(void)context;
	CHECK(shim_exchange_method(exchange) == SHIM_METHOD_POST);
	if (!shim_exchange_header(exchange, "X-Refuse", 0)) return false;
	static const char answer[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
	shim_exchange_send(exchange, answer, sizeof answer - 1, NULL, 0, NULL, 0);
	shim_exchange_finish(exchange, shim_exchange_keep_alive(exchange));
	return true;
}

static void on_requested(void *context, shim_exchange *exchange) {
	(void)context;
	requested_count++;
	size_t count;
	const char *path = shim_exchange_path(exchange, &count);
	const bool is[] = { count == 6 && !memcmp(path, "/later", 6), count == 7 && !memcmp(path, "/stream", 7),
		count == 4 && !memcmp(path, "/cut", 4), count == 6 && !memcmp(path, "/never", 6),
		count == 4 && !memcmp(path, "/big", 4), count == 5 && !memcmp(path, "/echo", 5),
		count == 6 && !memcmp(path, "/hasty", 6) };
	CHECK(shim_exchange_peer(exchange)[0] == '1');
	const char *host = shim_exchange_header(exchange, "host", 0);
	CHECK(shim_exchange_is_http10(exchange) || (host && strlen(host) > 0));
	if (is[0]) {
		wait_with(exchange, answer_pending, 1 * MS);
	} else if (is[1]) {
		static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
		wait_with(exchange, stream_on, 0)->left = 3;
		shim_exchange_send(exchange, head, sizeof head - 1, NULL, 0, NULL, 0);
	} else if (is[2]) {
		static int cuts;
		shim_exchange_send(exchange, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", 42, NULL, 0, NULL, 0);
		shim_exchange_cut(exchange, cuts++ % 2);
	} else if (is[3]) {
		wait_with(exchange, NULL, 0);
	} else if (is[4] || is[6]) {
		if (is[6]) shim_exchange_set_write_timeout(exchange, HASTE);
		answer(exchange, "200 OK", filler, BIG);
	} else if (is[5]) {
		shim_body *body = shim_exchange_take_body(exchange);
		const size_t length = body ? shim_body_count(body) : 0;
		char *copy = malloc(length + 1);
		if (body) {
			shim_body_copy(body, copy);
			shim_body_free(body);
		}
		answer(exchange, "200 OK", copy, length);
		free(copy);
	} else {
		answer(exchange, "200 OK", "now", 3);
	}
}

static void on_rejected(void *context, shim_exchange *exchange, shim_reject reason) {
	(void)context;
	rejected_count++;
	rejected_for[reason]++;
	CHECK(reason >= SHIM_REJECT_MALFORMED && reason <= SHIM_REJECT_TOO_SLOW);
	CHECK(shim_exchange_take_body(exchange) == NULL);
	answer(exchange, "400 Bad Request", "no", 2);
}

static void on_accept_failed(void *context, int error) {
	(void)context;
	(void)error;
}

static void on_accept_recovered(void *context) { (void)context; }

static void on_dropped(void *context, const shim_exchange *exchange, size_t taken, int64_t interval) {
	(void)context;
	dropped_count++;
	CHECK(strcmp(shim_exchange_peer(exchange), "127.0.0.1") == 0);
	CHECK(taken < SHIM_MIN_PACE_BYTES && (interval == PATIENCE || interval == HASTE));
}

static void on_emptied(void *context) { (void)context; }

// ---- outbound streams

struct outbound {
	shim_stream *stream;
	shim_timer *pause;
	int kind;
	size_t received;
	bool ended;
};

static int outbound_started, outbound_open, loans, releases;
enum { OUTBOUND_KINDS = 12, OUTBOUND_TOTAL = 40 * OUTBOUND_KINDS, OUTBOUND_AT_ONCE = 16 };

static void outbound_next(void);

static void outbound_free(struct outbound *self) {
	shim_stream_free(self->stream);
	if (self->pause) shim_timer_free(self->pause);
	free(self);
	outbound_open--;
	outbound_next();
}

static void on_release(void *owner) {
	CHECK(owner == &releases);
	releases++;
}

static void outbound_send(struct outbound *self, const char *head, size_t body_count) {
	loans++;
	shim_stream_send(self->stream, head, strlen(head), body_count ? filler : NULL, body_count, on_release, &releases);
}

static void outbound_begin(struct outbound *self) {
	char head[128];
	switch (self->kind) {
	case 0: outbound_send(self, "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0); break;
	case 1: outbound_send(self, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n", 0); break;
	case 2: outbound_send(self, "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0); break;
	case 3: outbound_send(self, "GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0); break;
	case 4: outbound_send(self, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", 0); break;
	case 5: outbound_send(self, "noise\r\n\r\n", 0); break;
	default: // to whoever it is, more than a socket takes, in pieces
		snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n",
			BIG);
		outbound_send(self, head, BIG / 2);
		outbound_send(self, "", BIG / 2);
		break;
	}
}

static void on_pause_over(void *context) {
	struct outbound *self = context;
	if (self->kind == 4) outbound_free(self);
	else shim_stream_set_reading(self->stream, true);
}

static void on_connected(void *context) {
	struct outbound *self = context;
	CHECK(shim_stream_is_connected(self->stream));
	if (self->kind == 7) outbound_free(self);
	else outbound_begin(self);
}

static void on_received(void *context, const uint8_t *bytes, size_t count) {
	struct outbound *self = context;
	CHECK(!self->ended && count > 0 && bytes[count - 1] + 1 > 0);
	self->received += count;
	if (self->kind == 3 && self->received > 100000 && !self->pause) { // stops reading, and goes on later
		self->pause = shim_timer_new(loop, on_pause_over, self);
		shim_stream_set_reading(self->stream, false);
		shim_timer_set(self->pause, shim_loop_now(loop) + 5 * MS);
	}
	if (self->kind == 8 && self->received > 200000) outbound_free(self); // with some of it unread and unsent
}

static void on_ended(void *context, int error) {
	struct outbound *self = context;
	self->ended = true;
	if (self->kind == 0) CHECK(error == 0 && self->received > 40);
	if (self->kind == 3) CHECK(error == 0 && self->received > BIG);
	if (self->kind == 6) CHECK(error == 0 && self->received > BIG);
	if (self->kind == 9) CHECK(error == ECONNREFUSED);
	shim_stream_set_reading(self->stream, false); // nothing of this may have a consequence
	shim_stream_set_reading(self->stream, true);
	outbound_send(self, "too late", 1000);
	outbound_free(self);
}

static void outbound_start(int kind) {
	struct outbound *self = calloc(1, sizeof *self);
	self->kind = kind;
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = server_port
	};
	if (kind == 9) address.sin_port = htons(1);
	if (kind >= 10) address.sin_port = hostile_port;
	const shim_stream_callbacks callbacks = { on_connected, on_received, on_ended };
	int error = 0;
	self->stream = shim_stream_connect(
		loop, (struct sockaddr *)&address, sizeof address, NULL, callbacks, self, &error);
	if (!self->stream) {
		CHECK(error);
		free(self);
		return;
	}
	outbound_open++;
	if (kind == 4) {
		self->pause = shim_timer_new(loop, on_pause_over, self);
		shim_timer_set(self->pause, shim_loop_now(loop) + 3 * MS);
	}
	if (shim_stream_is_connected(self->stream)) on_connected(self);
	else if (kind == 10) outbound_begin(self); // sends before the connection stands
	else if (kind == 5 && outbound_started % 4 == 1) outbound_free(self);
}

static shim_timer *outbound_timer;

static void on_outbound_turn(void *context) {
	(void)context;
	while (outbound_open < OUTBOUND_AT_ONCE && outbound_started < OUTBOUND_TOTAL)
		outbound_start(outbound_started++ % OUTBOUND_KINDS);
	if (outbound_started == OUTBOUND_TOTAL && !outbound_open) outbound_done = 1;
	if (outbound_done && client_done) shim_loop_stop(loop);
}

static void outbound_next(void) { shim_timer_set(outbound_timer, shim_loop_now(loop)); }

/// A server that accepts and then does one of many wrong things.
static void *run_hostile_server(void *context) {
	const int listener = *(int *)context;
	char *bytes = malloc(1 << 16);
	for (int round = 0;; round++) {
		const int fd = accept(listener, NULL, NULL);
		if (fd < 0) break; // shut down
		const struct linger hard = { 1, 0 };
		if (round % 8 < 4) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); // close by RST
		const struct timeval limit = { 10, 0 };
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
		if (round % 4 > 0) recv(fd, bytes, 1 << 16, 0);
		if (round % 4 > 1) send(fd, "HTTP/1.1 200 OK\r\n\r\nsome", 23, MSG_NOSIGNAL);
		if (round % 4 > 2)
			for (int i = 0; i < 20; i++)
				if (recv(fd, bytes, 1 << 16, 0) <= 0) break;
		if (round % 16 == 15) shutdown(fd, SHUT_WR);
		if (round % 16 == 15)
			while (recv(fd, bytes, 1 << 16, 0) > 0) {}
		close(fd);
	}
	free(bytes);
	return NULL;
}

// ---- the hostile client

static int dial_from(int receive_buffer, in_addr_t source) {
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;
	const struct timeval limit = { 20, 0 };
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (receive_buffer) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
	const struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(source) };
	if (source != INADDR_LOOPBACK) CHECK(bind(fd, (const struct sockaddr *)&own, sizeof own) == 0);
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = server_port
	};
	CHECK(connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

static int dial(int receive_buffer) { return dial_from(receive_buffer, INADDR_LOOPBACK); }

static void hang_up(int fd, bool reset) {
	const struct linger hard = { 1, 0 };
	if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
	close(fd);
}

static bool put(int fd, const char *bytes, size_t count) {
	while (count) {
		const ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
		if (sent <= 0) return false;
		bytes += sent;
		count -= (size_t)sent;
	}
	return true;
}

/// Waits until the loop has turned: it has seen what was sent before.
static void wait_turn(void) {
	for (int i = 0; i < 2; i++) {
		const long before = turns;
		shim_loop_wake(loop);
		while (turns == before) sched_yield();
	}
}

/// Receives until the end. Returns the count; negative when it ended by a reset.
static long drain(int fd, char *start, size_t start_size) {
	char bytes[65536];
	long total = 0;
	ssize_t count;
	memset(start, 0, start_size);
	while ((count = recv(fd, bytes, sizeof bytes, 0)) > 0) {
		if ((size_t)total < start_size - 1) {
			const size_t room = start_size - 1 - (size_t)total;
			memcpy(start + total, bytes, (size_t)count < room ? (size_t)count : room);
		}
		total += count;
	}
	CHECK(count == 0 || errno == ECONNRESET || errno == EPIPE);
	return total;
}

/// One connection that sends `bytes`, then its FIN, and reads to the end. Returns the reply's status; 0: none.
static int ask(const char *bytes, size_t count, bool half_close) {
	const int fd = dial(0);
	char start[64];
	put(fd, bytes, count);
	if (half_close) shutdown(fd, SHUT_WR);
	drain(fd, start, sizeof start);
	close(fd);
	return strncmp(start, "HTTP/1.1 ", 9) == 0 ? atoi(start + 9) : 0;
}

#define CLOSE "Host: a\r\nConnection: close\r\n"
static const char *const good[] = {
	"GET / HTTP/1.1\r\n" CLOSE "\r\n",
	"HEAD /now HTTP/1.1\r\n" CLOSE "\r\n",
	"GET /later?x=1 HTTP/1.1\r\n" CLOSE "A: b\r\nA: c\r\n\r\n",
	"GET /stream HTTP/1.1\r\n" CLOSE "\r\n",
	"GET http://a/now HTTP/1.1\r\n" CLOSE "\r\n",
	"POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: 5\r\n\r\nhello",
	"POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n",
	"POST /later HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n",
	"POST /now HTTP/1.1\r\n" CLOSE "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
	"\r\n\r\nGET / HTTP/1.1\r\n" CLOSE "\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"POST /now HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}",
};

static const char *const bad[] = {
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 2\r\n\r\n{}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2,2\r\n\r\n{}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551618\r\n\r\n{}",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n : x\r\n\r\n",
	"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nA: b\x01\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n",
	"GET / HTTP/1.1\nHost: a\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\rA: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
	"GET / HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
	"GET /\r\n\r\n",
	"GET /later?x=1#y HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
	"HEAD / HTTP/1.1\r\nHost: a b\r\n\r\n",
	"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
	"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
	"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
	" GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"BREW / HTTP/1.1\r\nHost: a\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
	"POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx",
	"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nx",
	"\x16\x03\x01\x02",
	"{\"prompt\":\"hello\"}",
	"\rX",
};

enum { GOOD = sizeof good / sizeof *good, BAD = sizeof bad / sizeof *bad };

static void test_corpus(void) {
	for (int i = 0; i < GOOD * 20; i++) {
		const int status = ask(good[i % GOOD], strlen(good[i % GOOD]), false);
		CHECK(status == 200 || status == 100);
	}
	for (int i = 0; i < BAD * 4; i++) CHECK(ask(bad[i % BAD], strlen(bad[i % BAD]), i >= BAD * 2) == 400);
	const char with_nul[] = "GET / HTTP/1.1\r\nHost: a\r\nA: b\0c\r\n\r\n";
	CHECK(ask(with_nul, sizeof with_nul - 1, false) == 400);
	char *long_head = malloc(40000);
	memset(long_head, 'x', 40000);
	memcpy(long_head, "GET / HTTP/1.1\r\nA: ", 19);
	CHECK(ask(long_head, 40000, false) == 400);
	free(long_head);
}

static void test_splits(void) {
	for (int i = 0; i < GOOD; i++)
		for (size_t at = 1; at < strlen(good[i]); at++) {
			const int fd = dial(0);
			char start[64];
			put(fd, good[i], at);
			wait_turn();
			put(fd, good[i] + at, strlen(good[i]) - at);
			drain(fd, start, sizeof start);
			CHECK(strncmp(start, "HTTP/1.1 200", 12) == 0 || strncmp(start, "HTTP/1.1 100", 12) == 0);
			close(fd);
		}
	for (int i = 0; i < BAD; i++) { // byte by byte
		const int fd = dial(0);
		char start[64];
		for (size_t at = 0; at < strlen(bad[i]) && put(fd, bad[i] + at, 1); at++)
			if (at % 7 == 0) wait_turn();
		drain(fd, start, sizeof start);
		close(fd);
	}
}

static void test_pipelines(void) {
	static const char *const paths[] = { "/now", "/later", "/stream", "/now" };
	for (int round = 0; round < 10; round++) {
		const int fd = dial(0);
		char request[128];
		for (int i = 0; i < 100; i++) {
			const int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: a\r\n%s\r\n",
				paths[(i + round) % 4], i == 99 ? "Connection: close\r\n" : "");
			put(fd, request, (size_t)length);
		}
		char *all = calloc(1, 1 << 21);
		drain(fd, all, 1 << 21);
		int replies = 0;
		for (const char *at = all; (at = strstr(at, "HTTP/1.1 200")); at++) replies++;
		CHECK(replies == 100);
		free(all);
		close(fd);
	}
}

static void test_disconnects(void) {
	static const char *const parts[] = {
		"",
		"G",
		"GET / HT",
		"GET / HTTP/1.1\r\nHost",
		"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhalf",
		"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"GET /never HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /later HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /never HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"GET /now HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /never HTTP/1.1\r\nHost: a\r\n\r\nGET /now HTTP/1.1\r\nHost: a\r\n\r\nGET /n",
		"BREW / HTTP/1.1\r\n\r\n",
		"GET /cut HTTP/1.1\r\nHost: a\r\n\r\n",
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		for (int round = 0; round < 24; round++) {
			const int fd = dial(0);
			char some[100];
			put(fd, parts[i], strlen(parts[i]));
			if (round & 2) wait_turn();
			if (round & 4 && i >= 7 && i != 10 && i != 12) recv(fd, some, sizeof some, 0); // in the middle of the reply
			if (round & 8) shutdown(fd, SHUT_WR);
			hang_up(fd, round & 1);
		}
}

static int flooder;

/// More requests than anybody holds, behind one that is never answered.
static void test_floods(void) {
	static const char request[] = "GET /now HTTP/1.1\r\nHost: a\r\n\r\n";
	for (int round = 0; round < 3; round++) {
		const int fd = dial(0);
		if (round != 1) put(fd, "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", 32);
		size_t blocked = 0;
		for (size_t sent = 0; sent < 8 << 20 && blocked < 20;) { // round 1: answers that nobody reads
			const ssize_t count = send(fd, request, sizeof request - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
			if (count > 0) sent += (size_t)count;
			else if (errno != EAGAIN) break;
			else blocked++, poll(NULL, 0, 5);
			if (sent > 400000) break;
		}
		if (round == 0) flooder = fd; // its FIN would wait behind what nobody reads
		else hang_up(fd, round == 2);
	}
}

static void test_bodies(void) {
	char head[128];
	for (int round = 0; round < 4; round++) {
		const bool chunked = round & 1;
		const int fd = dial(0);
		if (chunked)
			snprintf(
				head, sizeof head, "POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n%x\r\n", BIG);
		else snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" CLOSE "Content-Length: %d\r\n\r\n", BIG);
		CHECK(put(fd, head, strlen(head)));
		CHECK(put(fd, filler, BIG));
		if (chunked) CHECK(put(fd, "\r\n0\r\n\r\n", 7));
		char start[64];
		CHECK(drain(fd, start, sizeof start) > BIG);
		close(fd);
	}
	for (int round = 0; round < 4; round++) { // too large, seen only on the way
		const int fd = dial(0);
		snprintf(
			head, sizeof head, "POST /echo HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n%x\r\n", BIG * 2);
		put(fd, head, strlen(head));
		if (put(fd, filler, BIG)) put(fd, filler, BIG);
		char start[64];
		if (round & 1) drain(fd, start, sizeof start);
		hang_up(fd, round & 2);
	}
}

/// What only time ends.
static void test_stalls(void) {
	static const char *const parts[] = { "GET / HTTP/1.1\r\nHo",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe", "" };
	enum { STALLED = 6, HASTY = 4, DRIPPING = 5 };
	int stalled[STALLED];
	for (int i = 0; i < STALLED; i++) { // replies that nobody reads, or all too slowly: cut
		stalled[i] = dial(4096);
		put(stalled[i], i == HASTY ? "GET /hasty HTTP/1.1\r\nHost: a\r\n\r\n" : "GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
			i == HASTY ? 32 : 30);
	}
	char start[64];
	for (int i = 0; i < 3; i++) {
		const int fd = dial(0);
		put(fd, parts[i], strlen(parts[i]));
		drain(fd, start, sizeof start);
		CHECK(i == 2 ? start[0] == 0 : strncmp(start, "HTTP/1.1 400", 12) == 0);
		close(fd);
	}
	for (int i = STALLED; i-- > 0;) {
		for (int tries = 0; tries < 2000; tries++) { // the reset, without reading
			struct pollfd peer = { .fd = stalled[i], .events = POLLRDHUP };
			poll(&peer, 1, 10);
			if (peer.revents & (POLLERR | POLLHUP)) break;
			if (i == DRIPPING) recv(stalled[i], start, 1, MSG_DONTWAIT);
			CHECK(tries < 1999);
		}
		close(stalled[i]);
	}
	CHECK(dropped_count == STALLED);
}

/// More than there is room for: in order of arrival they get the ordinary places, the reserve, or a refusal.
static void test_crowd(void) {
	// The two silent ones have an address of their own: others would have to make room for an address with few.
	enum { CROWD = MAX_CONNECTIONS + RESERVED + 20, FROM_ONE = MAX_PER_ADDRESS + 2 };
	int crowd[CROWD];
	char start[64];
	hang_up(flooder, true);
	for (int tries = 0; connections_now > 0; tries++) {
		CHECK(tries < 2000);
		poll(NULL, 0, 5);
	}
	for (int i = 0; i < CROWD; i++) { // the last come from another address
		const bool is_silent = i == MAX_CONNECTIONS || i == MAX_CONNECTIONS + 1;
		crowd[i] = dial_from(0, INADDR_LOOPBACK + (is_silent ? 2u : i < FROM_ONE + 10 ? 0u : 1u));
		// All but two wait for a reply: one that waits for its client makes room after a second.
		if (!is_silent && i < FROM_ONE) put(crowd[i], "GET /never HTTP/1.1\r\nHost: a\r\n\r\n", 32);
		const bool refused = i >= FROM_ONE && (i < FROM_ONE + 10 || i >= MAX_CONNECTIONS + RESERVED + 10);
		if (!refused) continue;
		drain(crowd[i], start, sizeof start);
		CHECK(strncmp(start, "HTTP/1.1 400", 12) == 0);
	}
	CHECK(
		rejected_for[SHIM_REJECT_TOO_MANY_FROM_ADDRESS] == 10 && rejected_for[SHIM_REJECT_TOO_MANY_CONNECTIONS] == 10);
	const int probe = crowd[MAX_CONNECTIONS], prompt = crowd[MAX_CONNECTIONS + 1];
	put(probe, "GET /now HTTP/1.1\r\nHost: a\r\n\r\n", 30);
	drain(probe, start, sizeof start);
	CHECK(strncmp(start, "HTTP/1.1 200", 12) == 0);
	static const char post[] = "POST /now HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
	put(prompt, post, sizeof post - 1);
	drain(prompt, start, sizeof start);
	CHECK(strncmp(start, "HTTP/1.1 400", 12) == 0 && rejected_for[SHIM_REJECT_TOO_MANY_CONNECTIONS] == 11);
	for (int i = 0; i < CROWD; i++) hang_up(crowd[i], i % 2);
}

static void *run_client(void *context) {
	(void)context;
	static void (*const tests[])(
		void) = { test_corpus, test_splits, test_pipelines, test_disconnects, test_floods, test_bodies, test_stalls };
	static const char *const names[] = { "corpus", "splits", "pipelines", "disconnects", "floods", "bodies", "stalls" };
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
		struct timespec begin, end;
		clock_gettime(CLOCK_MONOTONIC, &begin);
		tests[i]();
		clock_gettime(CLOCK_MONOTONIC, &end);
		fprintf(stderr, "  %s: %ld ms\n", names[i],
			(end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000);
	}
	while (!outbound_done) poll(NULL, 0, 5); // the crowd would crowd it out
	test_crowd();
	for (int i = 0; i < 10; i++) { // left to the server's end
		const int fd = dial(0);
		put(fd, i % 2 ? "GET /never HTTP/1.1\r\nHost: a\r\n\r\n" : "GET /no", i % 2 ? 32 : 7);
	}
	wait_turn();
	client_done = 1;
	shim_loop_wake(loop);
	return NULL;
}

// ---- the loop

static void on_woken(void *context) {
	(void)context;
	if (outbound_done && client_done) shim_loop_stop(loop);
}

static void on_settled(void *context) { (void)context; }

static bool on_turned(void *context) {
	(void)context;
	turns++;
	connections_now = (int)shim_server_connection_count(server);
	return false;
}

// ---- addresses.c

static struct address_key key_of(const char *text) {
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1) return address_key_of((struct sockaddr *)&four);
	CHECK(inet_pton(AF_INET6, text, &six.sin6_addr) == 1);
	return address_key_of((struct sockaddr *)&six);
}

static bool is_one(const char *left, const char *right) {
	const struct address_key one = key_of(left), other = key_of(right);
	CHECK(one.family && other.family);
	return one.family == other.family && one.prefix == other.prefix;
}

/// Enters and leaves at random, against plain counts.
static void test_addresses(void) {
	CHECK(is_one("192.0.2.1", "::ffff:192.0.2.1") && !is_one("192.0.2.1", "192.0.2.2"));
	CHECK(
		is_one("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff") && !is_one("2001:db8:1:2::1", "2001:db8:1:3::1"));
	CHECK(!is_one("0.0.0.0", "::") && address_key_of(&(struct sockaddr){ .sa_family = AF_UNIX }).family == 0);
	enum { KEYS = 3000, STEPS = 200000, LIMIT = 3 };
	static unsigned counts[KEYS];
	struct address_table table = { 0 };
	uint32_t random = 1;
	size_t used = 0, most = 0;
	for (int step = 0; step < STEPS; step++) {
		random = random * 1664525 + 1013904223;
		const size_t at = (random >> 8) % KEYS;
		const bool fills = step / (STEPS / 4) % 2 == 0; // grows, shrinks, and both again
		const struct address_key key = { at / 2, at % 2 ? AF_INET : AF_INET6 };
		if ((random >> 24) % 8 < (fills ? 6 : 2)) {
			const bool fits = counts[at] < LIMIT;
			CHECK(address_table_add(&table, key, LIMIT) == fits);
			if (fits && counts[at]++ == 0) used++;
		} else if (counts[at]) {
			address_table_remove(&table, key);
			if (--counts[at] == 0) used--;
		}
		CHECK(table.used == used && used * 2 <= table.capacity && (table.capacity <= 16 || table.capacity <= used * 8));
		if (used > most) most = used;
	}
	CHECK(most > KEYS / 2);
	for (size_t at = 0; at < KEYS; at++)
		for (; counts[at]; counts[at]--)
			address_table_remove(&table, (struct address_key){ at / 2, at % 2 ? AF_INET : AF_INET6 });
	CHECK(!table.entries && !table.capacity && !table.used);
}

static int descriptors(void) {
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;
	while (readdir(directory)) count++;
	closedir(directory);
	return count;
}

static void on_signal(void *context, int number) { *(int *)context = number; }

int main(void) {
	shim_ignore_sigpipe(); // as the Swift side does: the server sends with evbuffer_write(3)
	const int descriptors_before = descriptors();
	test_addresses();
	filler = malloc(BIG);
	memset(filler, 'f', BIG);
	CHECK(loop = shim_loop_new());
	const shim_loop_callbacks loop_callbacks = { on_woken, on_settled, on_turned };
	shim_loop_set_callbacks(loop, loop_callbacks, NULL);
	shim_loop_bind(loop);
	CHECK(shim_loop_is_current(loop));
	const shim_server_limits limits = { .max_header_bytes = 16384,
		.max_body_bytes = MAX_BODY,
		.max_buffered_bytes = 64 << 20,
		.max_connections = MAX_CONNECTIONS,
		.reserved_connections = RESERVED,
		.max_connections_per_address = MAX_PER_ADDRESS,
		.header_timeout = 1500 * MS,
		.body_timeout = 6000 * MS, // megabytes under valgrind
		.read_timeout = 6000 * MS,
		.idle_timeout = 3000 * MS,
		.write_timeout = PATIENCE };
	const shim_server_callbacks callbacks = { on_refused, on_requested, on_rejected, on_gone, on_drained,
		on_accept_failed, on_accept_recovered, on_dropped, on_emptied, NULL };
	CHECK(server = shim_server_new(loop, limits, callbacks, NULL));
	struct sockaddr_storage address = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	CHECK(shim_server_listen(server, &address, sizeof *in, false) == 0);
	server_port = in->sin_port;
	CHECK(shim_server_listen(server, &address, sizeof *in, false) == EADDRINUSE);

	struct sockaddr_in hostile = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof hostile;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(bind(listener, (struct sockaddr *)&hostile, length) == 0 && listen(listener, 64) == 0);
	CHECK(getsockname(listener, (struct sockaddr *)&hostile, &length) == 0);
	hostile_port = hostile.sin_port;

	int seen_signal = 0;
	shim_signal *signal_event = shim_signal_new(loop, SIGUSR1, on_signal, &seen_signal);
	CHECK(signal_event);
	outbound_timer = shim_timer_new(loop, on_outbound_turn, NULL);
	outbound_next();
	pthread_t client_thread, hostile_thread;
	CHECK(pthread_create(&hostile_thread, NULL, run_hostile_server, &listener) == 0);
	CHECK(pthread_create(&client_thread, NULL, run_client, NULL) == 0);
	kill(getpid(), SIGUSR1);
	shim_loop_run(loop);
	CHECK(seen_signal == SIGUSR1);

	pthread_join(client_thread, NULL);
	shutdown(listener, SHUT_RDWR);
	pthread_join(hostile_thread, NULL);
	close(listener);
	CHECK(loans == releases);
	fprintf(stderr, "  %d requests, %d rejected, %d gone, %d outbound, %zu connections and %d pending at the end\n",
		requested_count, rejected_count, gone_count, outbound_started, shim_server_connection_count(server),
		pending_count);
	shim_server_stop_listening(server);
	shim_server_close_idle(server, 500 * MS);
	shim_server_cut_all(server);
	CHECK(shim_server_connection_count(server) == 0);
	CHECK(shim_server_buffered_bytes(server) == 0);
	CHECK(pending_count == 0);
	shim_server_free(server);
	shim_timer_free(outbound_timer);
	shim_signal_free(signal_event);
	shim_loop_free(loop);
	libevent_global_shutdown();
	free(filler);
	// The client left ten open on purpose.
	CHECK(descriptors() == descriptors_before + 10);
	return 0;
}
