/// Drives a whole server: the loop, the sockets, evhttp, the limits.
///
/// The first byte of an input is the mode: its lowest bit, whether two runs are compared; the next two, the limits; the
/// others, how the bytes are split. The rest is what clients send. 0xFF begins a command, which is the byte after it:
/// see `run_command`. A byte of 0xFF that is sent is written twice.
#include "include/CFuzzChecks.h"
#include "shim_run.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_STEPS = 200 };

struct shim_run run;
shim_loop *shim_run_loop;

void report(const char *text) {
	if (!run.finding) run.finding = text;
}

static shim_server_limits limits_of(unsigned kind) {
	const shim_server_limits generous = { .max_header_bytes = 16 * 1024,
		.max_body_bytes = 1 << 20,
		.max_buffered_bytes = 8 << 20,
		.max_connections = 64,
		.reserved_connections = 2,
		.header_timeout = 10 * SECOND,
		.body_timeout = 60 * SECOND,
		.read_timeout = 20 * SECOND,
		.idle_timeout = 30 * SECOND,
		.write_timeout = 5 * SECOND };
	shim_server_limits limits = generous;
	switch (kind) {
	case 1: // few connections, short requests
		limits.max_header_bytes = 256;
		limits.max_body_bytes = 64;
		limits.max_connections = 1;
		limits.accepts_delete = true;
		limits.reserved_connections = 1;
		break;
	case 2: // little memory
		limits.max_buffered_bytes = 200;
		limits.max_connections = 2;
		break;
	case 3: // no deadlines
		limits.accepts_delete = true;
		limits.header_timeout = limits.body_timeout = limits.read_timeout = 0;
		limits.idle_timeout = limits.write_timeout = 0;
		limits.max_header_bytes = 64;
		break;
	default: break;
	}
	return limits;
}

static void on_woken(void *context) { (void)context; }

static void on_settled(void *context) { (void)context; }

static bool on_turned(void *context) {
	(void)context;
	shim_loop_stop(shim_run_loop); // `shim_loop_run` does one turn
	return true;
}

static bool have_loop(void) {
	if (shim_run_loop) return true;
	shim_ignore_sigpipe();
	shim_run_loop = shim_loop_new();
	if (!shim_run_loop || !shim_loop_use_manual_clock(shim_run_loop)) return false;
	shim_loop_set_callbacks(shim_run_loop, (shim_loop_callbacks){ on_woken, on_settled, on_turned }, NULL);
	return true;
}

/// Listens on a name in the abstract namespace of unix(7), which needs no port and no file.
static bool listen_on_name(void) {
	static unsigned number;
	struct sockaddr_un *address = &run.address;
	address->sun_family = AF_UNIX;
	const int length = snprintf(
		address->sun_path + 1, sizeof address->sun_path - 1, "promptd-fuzz-%d-%u", (int)getpid(), ++number);
	run.address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	struct sockaddr_storage storage = { 0 };
	memcpy(&storage, address, sizeof *address);
	return shim_server_listen(run.server, &storage, run.address_length, false) == 0;
}

static bool begin(unsigned limits) {
	if (!have_loop()) return false;
	shim_loop_bind(shim_run_loop);
	run.limits = limits_of(limits);
	run.is_calm = true;
	run.client = &run.clients[0];
	for (int i = 0; i < CLIENTS; i++) run.clients[i].fd = -1;
	run.server = shim_server_new(shim_run_loop, run.limits, function_callbacks, NULL);
	return run.server && listen_on_name();
}

/// Lets everything come to its end, and checks that nothing is left.
static void end(void) {
	for (int i = 0; i < CLIENTS; i++) run.clients[i].is_deaf = run.clients[i].is_deaf && run.clients[i].has_ended;
	turn_until_quiet();
	for (unsigned i = 0; run.pending && i < MAX_REPLIES * 4 && !run.finding; i++) {
		answer_pending();
		turn_until_quiet();
	}
	CHECK(!run.pending, "requests that wait for ever");
	const bool was_calm = run.is_calm;
	for (int i = 0; i < CLIENTS; i++)
		if (run.clients[i].fd >= 0) shutdown(run.clients[i].fd, SHUT_WR);
	turn_until_quiet();
	for (int steps = 0; shim_server_connection_count(run.server) && steps < MOST_STEPS; steps++) step_clock();
	run.is_calm = was_calm;
	CHECK(shim_server_connection_count(run.server) == 0, "connections that stay although their clients have left");
	for (int i = 0; i < CLIENTS; i++) close_client(&run.clients[i]);
	for (size_t i = 0; i < run.body_count; i++) shim_body_free(run.bodies[i]);
	CHECK(shim_server_buffered_bytes(run.server) == 0, "bytes that stay in the budget");
	if (!run.finding) check_all_replies();
}

static void free_run(void) {
	while (run.pending) { // after a finding
		shim_exchange_set_context(run.pending->exchange, NULL);
		forget(run.pending);
	}
	if (run.server) shim_server_free(run.server);
	free(run.sent);
	for (int i = 0; i < CLIENTS; i++) {
		if (run.clients[i].fd >= 0) close(run.clients[i].fd);
		free(run.clients[i].received);
		free(run.clients[i].unsent);
	}
}

static const char *run_once(unsigned mode, const uint8_t *bytes, size_t count, uint32_t seed) {
	memset(&run, 0, sizeof run);
	run.is_compared = mode & 1;
	if (!begin(mode >> 1 & 3)) abort();
	run.sent = malloc(count + 1);
	if (!run.sent) abort();
	send_input(bytes, count, seed);
	if (run.is_compared) {
		turn_until_quiet();
		check_requests();
	}
	end();
	const char *result = run.finding;
	free_run();
	return result;
}

const char *fuzz_shim(const uint8_t *bytes, size_t count) {
	static uint64_t requests[MAX_REPLIES];
	if (count == 0) return NULL;
	const unsigned mode = bytes[0];
	const char *result = run_once(mode, bytes + 1, count - 1, mode >> 3);
	if (result || !(mode & 1)) return result;
	// How the bytes are split does not matter.
	const unsigned request_count = run.request_count;
	const bool was_rejected = run.was_rejected;
	memcpy(requests, run.requests, sizeof requests);
	result = run_once(mode, bytes + 1, count - 1, 0);
	if (result) return result;
	if (run.request_count != request_count)
		return finding("%u requests split, %u at once", request_count, run.request_count);
	if (memcmp(requests, run.requests, sizeof *requests * request_count) != 0) return "other requests when split";
	return run.was_rejected == was_rejected ? NULL : "rejected only when split, or only at once";
}
