/// The function behind the shim's check. The first letter of a request's path says what it does: see `on_requested`.
#include "shim_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char filler[BIG]; ///< what replies are made of: no digits, as a chunked body's end is searched for

static unsigned new_number(void) {
	run.activity++;
	if (run.replies == MAX_REPLIES) return 0;
	run.fates[++run.replies] = FATE_PENDING;
	return run.replies;
}

static void set_fate(unsigned number, enum fate fate) {
	run.activity++;
	if (!number) return;
	CHECK(run.fates[number] == FATE_PENDING, "a request ends twice");
	run.fates[number] = fate;
}

static void answer(shim_exchange *exchange, unsigned number, const char *status, size_t count, bool keep_alive) {
	char head[200];
	const bool keep = shim_exchange_keep_alive(exchange) && keep_alive;
	const bool is_head = shim_exchange_method(exchange) == SHIM_METHOD_HEAD;
	const int length = snprintf(head, sizeof head, "HTTP/1.1 %s\r\nX-Number: %u\r\n%s%sContent-Length: %zu\r\n\r\n",
		status, number, keep ? "" : "Connection: close\r\n", is_head ? "X-Head: 1\r\n" : "", count);
	shim_exchange_send(exchange, head, (size_t)length, filler, is_head ? 0 : count, NULL, 0);
	set_fate(number, FATE_ANSWERED);
	shim_exchange_finish(exchange, keep);
}

static void wait_with(shim_exchange *exchange, unsigned number, bool is_stream) {
	struct pending *self = calloc(1, sizeof *self);
	if (!self) abort();
	*self = (struct pending){ run.pending, exchange, number, 3, is_stream };
	run.pending = self;
	shim_exchange_set_context(exchange, self);
}

void forget(struct pending *self) {
	struct pending **link = &run.pending;
	while (*link && *link != self) link = &(*link)->next;
	if (!*link) {
		report("a callback with a context that has ended");
		return;
	}
	*link = self->next;
	free(self);
}

/// Goes on with the exchange that waits longest.
void answer_pending(void) {
	struct pending *self = run.pending;
	while (self && self->next) self = self->next;
	if (!self) return;
	run.activity++;
	shim_exchange *exchange = self->exchange;
	const unsigned number = self->number;
	if (self->is_stream && self->chunks_left-- > 0) {
		shim_exchange_send(exchange, "5\r\n", 3, filler, 5, "\r\n", 2);
		return;
	}
	const bool is_stream = self->is_stream;
	shim_exchange_set_context(exchange, NULL);
	forget(self);
	if (!is_stream) {
		answer(exchange, number, "200 OK", 5, true);
		return;
	}
	shim_exchange_send(exchange, "0\r\n\r\n", 5, NULL, 0, NULL, 0);
	set_fate(number, FATE_ANSWERED);
	shim_exchange_finish(exchange, shim_exchange_keep_alive(exchange));
}

static void begin_stream(shim_exchange *exchange, unsigned number) {
	char head[200];
	const int length = snprintf(head, sizeof head,
		"HTTP/1.1 200 OK\r\nX-Number: %u\r\n%sTransfer-Encoding: chunked\r\n\r\n", number,
		shim_exchange_keep_alive(exchange) ? "" : "Connection: close\r\n");
	shim_exchange_send(exchange, head, (size_t)length, NULL, 0, NULL, 0);
	wait_with(exchange, number, true);
}

static uint64_t hash(uint64_t state, const void *bytes, size_t count) { // FNV-1a
	for (size_t i = 0; i < count; i++) state = (state ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return state;
}

uint64_t request_hash(
	shim_method method, const void *target, size_t target_count, const void *body, size_t body_count) {
	uint64_t state = hash(UINT64_C(0xcbf29ce484222325), &method, sizeof method);
	state = hash(state, target, target_count);
	return hash(hash(state, &body_count, sizeof body_count), body, body_count);
}

/// Checks all that can be read from an exchange, and takes its body.
static uint64_t read_request(shim_exchange *exchange, shim_body **body) {
	size_t path_count = 0, query_count = 0;
	const char *path = shim_exchange_path(exchange, &path_count);
	const char *query = shim_exchange_query(exchange, &query_count);
	CHECK(path_count > 0 && path[0] == '/', "a path without a slash");
	CHECK(!memchr(path, '?', path_count) && !memchr(path, 0, path_count), "a path with a query, or with a NUL");
	CHECK(!query || query == path + path_count + 1, "a query that does not follow the path");
	const shim_method method = shim_exchange_method(exchange);
	CHECK(method >= SHIM_METHOD_GET && method <= SHIM_METHOD_DELETE, "a request without a method");
	CHECK(method != SHIM_METHOD_DELETE || run.limits.accepts_delete, "a DELETE that is not accepted");
	const char *host = shim_exchange_header(exchange, "host", 0);
	CHECK(host || shim_exchange_is_http10(exchange), "a request without a Host");
	CHECK(!shim_exchange_header(exchange, "Host", 1), "a request with two Hosts");
	CHECK(!shim_exchange_header(exchange, "Content-Length", 0), "a field about the framing");
	CHECK(shim_exchange_peer(exchange), "a request without a peer");
	const size_t count = shim_exchange_body_count(exchange);
	CHECK(count <= run.limits.max_body_bytes, "a body beyond the limit");
	*body = shim_exchange_take_body(exchange);
	CHECK((count > 0) == (*body != NULL), "a body without bytes, or the reverse");
	const size_t target_count = query ? path_count + 1 + query_count : path_count;
	if (!*body) return request_hash(method, path, target_count, NULL, 0);
	CHECK(shim_body_count(*body) == count, "a body of two lengths");
	uint8_t *copy = malloc(count);
	if (!copy) abort();
	shim_body_copy(*body, copy);
	const uint64_t state = request_hash(method, path, target_count, copy, count);
	free(copy);
	return state;
}

/// Keeps a body until the end of the run, or frees it.
static void keep_or_free(shim_body *body, bool keep) {
	if (!body) return;
	if (keep && run.body_count < MAX_BODIES) run.bodies[run.body_count++] = body;
	else shim_body_free(body);
}

static void on_requested(void *context, shim_exchange *exchange) {
	(void)context;
	shim_body *body = NULL;
	const uint64_t state = read_request(exchange, &body);
	if (run.request_count < MAX_REPLIES) run.requests[run.request_count++] = state;
	const unsigned number = new_number();
	size_t count = 0;
	const char *path = shim_exchange_path(exchange, &count);
	const char first = !number ? 0 : run.is_compared ? 'k' : count > 1 ? path[1] : 0;
	keep_or_free(body, first == 'k' && !run.is_compared);
	const bool has_chunks = !shim_exchange_is_http10(exchange) && shim_exchange_method(exchange) != SHIM_METHOD_HEAD;
	switch (first) {
	case 'l': wait_with(exchange, number, false); break;
	case 'h': // a request that takes memory while it waits
		if (shim_exchange_hold(exchange, count * 256)) wait_with(exchange, number, false);
		else answer(exchange, number, "503 Service Unavailable", 6, true);
		break;
	case 's':
		if (has_chunks) begin_stream(exchange, number);
		else answer(exchange, number, "200 OK", 1, true);
		break;
	case 'c':
		run.is_calm = false;
		set_fate(number, FATE_CUT);
		shim_exchange_send(exchange, "HTTP/1.1 200 OK\r\n", 17, NULL, 0, NULL, 0);
		shim_exchange_cut(exchange, count > 2);
		break;
	case 'b': answer(exchange, number, "200 OK", BIG, true); break;
	case 'w':
		shim_exchange_set_write_timeout(exchange, SECOND / 100);
		answer(exchange, number, "200 OK", BIG, true);
		break;
	case 'f': answer(exchange, number, "200 OK", 2, false); break;
	default: answer(exchange, number, "200 OK", 3, true); break;
	}
}

static bool on_refused(void *context, shim_exchange *exchange) {
	(void)context;
	run.activity++;
	const shim_method method = shim_exchange_method(exchange);
	CHECK(method == SHIM_METHOD_POST || method == SHIM_METHOD_DELETE, "a request is judged that has no body");
	if (run.is_compared || !shim_exchange_header(exchange, "X-Refuse", 0)) return false;
	answer(exchange, new_number(), "403 Forbidden", 1, true);
	return true;
}

static void on_rejected(void *context, shim_exchange *exchange, shim_reject reason) {
	(void)context;
	CHECK(reason >= SHIM_REJECT_MALFORMED && reason <= SHIM_REJECT_TOO_SLOW, "a rejection without a reason");
	CHECK(!shim_exchange_keep_alive(exchange), "a connection goes on after a rejection");
	CHECK(shim_exchange_body_count(exchange) == 0, "a rejected request has a body");
	run.was_rejected = true;
	answer(exchange, new_number(), "400 Bad Request", 4, true);
}

static void on_gone(void *context) {
	struct pending *self = context;
	const unsigned number = self->number;
	run.is_calm = false; // it is a reply that does not arrive
	forget(self);
	set_fate(number, FATE_GONE);
}

static void on_drained(void *context) {
	run.activity++;
	const struct pending *each = run.pending;
	while (each && each != context) each = each->next;
	CHECK(each, "drained, with a context that has ended");
}

static void on_accept_failed(void *context, int error) {
	(void)context;
	(void)error;
}

static void on_accept_recovered(void *context) { (void)context; }

static void on_dropped(void *context, const shim_exchange *exchange, size_t taken, int64_t interval) {
	(void)context;
	CHECK(interval > 0 && taken < SHIM_MIN_PACE_BYTES, "a client is dropped that takes enough");
	CHECK(shim_exchange_peer(exchange), "a dropped client without an address");
	run.activity++;
	run.is_calm = false;
}

static void on_emptied(void *context) {
	(void)context;
	run.activity++;
}

const shim_server_callbacks function_callbacks = { on_refused, on_requested, on_rejected, on_gone, on_drained,
	on_accept_failed, on_accept_recovered, on_dropped, on_emptied, NULL };
