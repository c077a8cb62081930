/// Runs the shim while memory is short: in each run one allocation fails, or three in a row, later ones in the next
/// run, until none is left to fail. Whatever fails, the shim neither crashes nor leaks nor hangs: each client gets a
/// reply or an end, and when there is memory again, a request is answered. Built and run by scripts/valgrind.
///
/// Threads: the loop's (main), whose allocations fail, and a client's with blocking sockets. They share only atomics.
#include "CLibevent.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define CHECK(condition) ((condition) ? (void)0 : fail(__LINE__, #condition))

enum { BIG = 768 * 1024, BODY = 100 * 1024 };
static char filler[BIG];

// ---- the allocator

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);

static _Thread_local bool is_loop; ///< the thread whose allocations count
static atomic_bool is_short;       ///< whether allocations fail at all
static long fails_at, fails_count; ///< the first allocation that fails, and the number of those that do
static long allocations, failures;

/// Whether libevent makes the call, and not the shim.
static bool is_libevent(const char *caller) {
	extern const char __executable_start[], etext[];
	return caller < __executable_start || caller >= etext;
}

static bool has_memory(size_t size, const char *caller) {
	if (!is_loop || !is_short) return true;
	// evhttp crashes if it cannot copy a client's address: evhttp_connection_free does not expect that there is no
	// base.
	if (size <= 16 && is_libevent(caller)) return true;
	const long number = allocations++;
	if (number < fails_at || number >= fails_at + fails_count) return true;
	failures++;
	errno = ENOMEM;
	return false;
}

#define CALLER __builtin_return_address(0)
void *__wrap_malloc(size_t size) { return has_memory(size, CALLER) ? __real_malloc(size) : NULL; }
void *__wrap_calloc(size_t count, size_t size) {
	return has_memory(count * size, CALLER) ? __real_calloc(count, size) : NULL;
}
void *__wrap_realloc(void *memory, size_t size) {
	return has_memory(size, CALLER) ? __real_realloc(memory, size) : NULL;
}

static void fail(int line, const char *condition) {
	fprintf(stderr, "allocations.c:%d: not so: %s (%s), %ld from allocation %ld on\n", line, condition, strerror(errno),
		fails_count, fails_at);
	_exit(1);
}

static int descriptors(void) {
	int count = 0;
	DIR *directory = opendir("/proc/self/fd");
	while (readdir(directory)) count++;
	closedir(directory);
	return count;
}

// ---- the service

static shim_loop *loop;
static shim_server *server;
static struct sockaddr_in address;
static atomic_bool is_done;

/// An exchange that waits for a stream to the server itself.
static struct {
	shim_exchange *exchange; ///< NULL: its client has left
	shim_stream *stream;
	int releases;
} outbound;

static void answer(shim_exchange *exchange, const char *status, const char *body, size_t count) {
	char head[128];
	const bool keep = shim_exchange_keep_alive(exchange);
	const int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sContent-Length: %zu\r\n\r\n", status,
		keep ? "" : "Connection: close\r\n", count);
	shim_exchange_send(exchange, head, (size_t)length, body, count, NULL, 0);
	shim_exchange_finish(exchange, keep);
}

static void on_released(void *owner) {
	(void)owner;
	outbound.releases++;
}

static void on_connected(void *context) { (void)context; }

static void on_received(void *context, const uint8_t *bytes, size_t count) {
	(void)context;
	(void)bytes;
	(void)count;
}

static void on_ended(void *context, int error) {
	(void)context;
	(void)error;
	shim_stream_free(outbound.stream);
	outbound.stream = NULL;
	CHECK(outbound.releases == 1);
	if (!outbound.exchange) return;
	shim_exchange_set_context(outbound.exchange, NULL);
	answer(outbound.exchange, "200 OK", "out", 3);
	outbound.exchange = NULL;
}

static void on_gone(void *context) {
	(void)context;
	outbound.exchange = NULL;
}

/// Uploads a long body to the server itself.
static void go_out(shim_exchange *exchange) {
	static const shim_stream_callbacks callbacks = { on_connected, on_received, on_ended };
	static const char head[] = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 786432\r\n\r\n";
	int error = 0;
	outbound.stream = shim_stream_connect(
		loop, (struct sockaddr *)&address, sizeof address, NULL, callbacks, NULL, &error);
	if (!outbound.stream) {
		CHECK(error == ENOMEM);
		answer(exchange, "503 Service Unavailable", "", 0);
		return;
	}
	outbound.exchange = exchange;
	outbound.releases = 0;
	shim_exchange_set_context(exchange, &outbound);
	shim_stream_send(outbound.stream, head, sizeof head - 1, filler, BIG, on_released, NULL);
}

static void echo(shim_exchange *exchange) {
	shim_body *body = shim_exchange_take_body(exchange);
	const size_t count = body ? shim_body_count(body) : 0;
	CHECK(shim_exchange_hold(exchange, count));
	char *copy = __real_malloc(count + 1);
	if (body) shim_body_copy(body, copy);
	if (body) shim_body_free(body);
	answer(exchange, "200 OK", copy, count);
	free(copy);
}

static bool on_refused(void *context, shim_exchange *exchange) {
	(void)context;
	(void)exchange;
	return false;
}

static void on_requested(void *context, shim_exchange *exchange) {
	(void)context;
	size_t count;
	const char *path = shim_exchange_path(exchange, &count);
	CHECK(shim_exchange_header(exchange, "Host", 0));
	if (path[1] == 'e') echo(exchange);
	else if (path[1] == 'b') answer(exchange, "200 OK", filler, BIG);
	else if (path[1] == 'o' && !outbound.stream) go_out(exchange);
	else answer(exchange, "200 OK", "now", 3);
}

static void on_rejected(void *context, shim_exchange *exchange, shim_reject reason) {
	(void)context;
	CHECK(reason == SHIM_REJECT_BUFFERS_FULL || reason == SHIM_REJECT_TOO_MANY_FROM_ADDRESS);
	answer(exchange, "503 Service Unavailable", "", 0);
}

static void on_drained(void *context) { (void)context; }
static void on_accept_failed(void *context, int error) {
	(void)context;
	CHECK(error == ENOMEM);
}
static void on_accept_recovered(void *context) { (void)context; }
static void on_dropped(void *context, const shim_exchange *exchange, size_t taken, int64_t interval) {
	(void)context;
	(void)exchange;
	(void)taken;
	(void)interval;
}
static void on_emptied(void *context) { (void)context; }

// ---- the client

/// Opens a connection. Its buffers are small, so that the server has to wait.
static int open_connection(void) {
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), small = 16384;
	const struct timeval patience = { .tv_sec = 20 };
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
	return fd;
}

/// Sends `head` and `count` bytes of a body, and reads to the end. Returns the first status; 0 if there was none.
static int ask(const char *head, size_t count, const char *end) {
	const int fd = open_connection();
	char start[16] = { 0 }, bytes[65536];
	send(fd, head, strlen(head), MSG_NOSIGNAL);
	if (count) send(fd, filler, count, MSG_NOSIGNAL);
	if (end) send(fd, end, strlen(end), MSG_NOSIGNAL);
	size_t received = 0;
	ssize_t got;
	while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
		for (ssize_t i = 0; i < got && received < sizeof start - 1; i++) start[received++] = bytes[i];
	}
	CHECK(got == 0 || errno == ECONNRESET); // and not EAGAIN: it would hang
	close(fd);
	return received < 12 ? 0 : atoi(start + 9);
}

#define FIELDS " HTTP/1.1\r\nHost: a\r\n"
#define LAST "GET /now" FIELDS "Connection: close\r\n\r\n"

static void *run_client(void *context) {
	(void)context;
	ask(LAST, 0, NULL);
	ask("GET /now" FIELDS "\r\nPOST /echo" FIELDS "Content-Length: 2\r\n\r\n{}GET /now" FIELDS "\r\n" LAST, 0, NULL);
	ask("POST /echo" FIELDS "Connection: close\r\nContent-Length: 102400\r\n\r\n", BODY, NULL);
	ask("POST /echo" FIELDS "Transfer-Encoding: chunked\r\n\r\n19000\r\n", BODY, "\r\n0\r\n\r\n" LAST);
	ask("GET /big" FIELDS "A: b\r\nC: d\r\nConnection: close\r\n\r\n", 0, NULL);
	ask("GET /out" FIELDS "Connection: close\r\n\r\n", 0, NULL);
	const int left = open_connection(); // leaves in the middle of a body
	static const char half[] = "POST /echo" FIELDS "Content-Length: 9\r\n\r\n1234";
	send(left, half, sizeof half - 1, MSG_NOSIGNAL);
	close(left);
	is_short = false;
	CHECK(ask(LAST, 0, NULL) == 200);
	is_done = true;
	shim_loop_wake(loop);
	return NULL;
}

// ---- runs

static void on_woken(void *context) { (void)context; }
static void on_settled(void *context) { (void)context; }
static bool on_turned(void *context) {
	(void)context;
	if (is_done && !outbound.stream) shim_loop_stop(loop);
	return false;
}

/// Serves the client. False: the server could not be set up.
static bool serve(void) {
	const int64_t long_time = INT64_C(30000000000);
	const shim_server_limits limits = { .max_header_bytes = 16384,
		.max_body_bytes = BIG,
		.max_buffered_bytes = 64 << 20,
		.max_connections = 100,
		.max_connections_per_address = 100,
		.header_timeout = long_time,
		.body_timeout = long_time,
		.read_timeout = long_time,
		.idle_timeout = long_time,
		.write_timeout = long_time };
	const shim_server_callbacks callbacks = { on_refused, on_requested, on_rejected, on_gone, on_drained,
		on_accept_failed, on_accept_recovered, on_dropped, on_emptied, NULL };
	server = shim_server_new(loop, limits, callbacks, NULL);
	if (!server) return false;
	struct sockaddr_storage any = { 0 };
	struct sockaddr_in *in = (struct sockaddr_in *)&any;
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const bool listens = shim_server_listen(server, &any, sizeof *in, false) == 0;
	if (listens) {
		address = *in;
		pthread_t client;
		CHECK(pthread_create(&client, NULL, run_client, NULL) == 0);
		shim_loop_run(loop);
		pthread_join(client, NULL);
		shim_server_cut_all(server);
		CHECK(shim_server_connection_count(server) == 0 && shim_server_buffered_bytes(server) == 0);
	}
	shim_server_free(server);
	return listens;
}

/// Lets allocation `number` fail. Returns whether one did.
static bool run(long number, int *served) {
	const int before = descriptors();
	fails_at = number;
	allocations = failures = 0;
	is_done = false;
	is_short = true;
	loop = shim_loop_new();
	if (loop) {
		const shim_loop_callbacks callbacks = { on_woken, on_settled, on_turned };
		shim_loop_set_callbacks(loop, callbacks, NULL);
		shim_loop_bind(loop);
		*served += serve();
		is_short = false;
		shim_loop_free(loop);
	}
	is_short = false;
	CHECK(descriptors() == before);
	return failures;
}

int main(void) {
	shim_ignore_sigpipe();
	shim_memory_prepare(); // libevent's allocations fail too
	is_loop = true;
	for (fails_count = 1; fails_count <= 3; fails_count += 2) {
		int runs = 1, served = 0;
		// A new loop begins with a thousand allocations that are alike: an entry for each descriptor.
		for (long number = 0; run(number, &served); number += number > 10 && number < 1000 ? 61 : 1) runs++;
		CHECK(runs > 100 && served > runs / 2);
		fprintf(stderr, "  %d runs without memory, of which %d could begin to serve\n", runs, served);
	}
	libevent_global_shutdown();
	return 0;
}
