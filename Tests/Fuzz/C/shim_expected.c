#include "shim_run.h"
#include "text.h"

#include "../../../Sources/CLibevent/chunked_decoder.h"
#include "../../../Sources/CLibevent/request_validator.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_EMPTY_LINES = 16 };

/// What a client's bytes have, read one after another.
struct expected {
	const uint8_t *bytes;
	size_t count;
	unsigned requests;
	bool is_rejected;
};

static void consume(struct expected *self, size_t count) {
	self->bytes += count;
	self->count -= count;
}

/// Reads the body after `head` into `body`. Returns whether it is complete; if not, it may be rejected.
static bool read_body(struct expected *self, const struct request_head *head, uint8_t *body, size_t *count) {
	const size_t most = (size_t)run.limits.max_body_bytes;
	*count = 0;
	if (!head->chunked) {
		*count = head->content_length < self->count ? (size_t)head->content_length : self->count;
		memcpy(body, self->bytes, *count);
		consume(self, *count);
		return *count == head->content_length;
	}
	struct chunked_decoder decoder = { 0 };
	while (self->count) {
		size_t used = 0, data = 0;
		const enum chunked_step step = chunked_decoder_next(&decoder, self->bytes, self->count, &used, &data);
		self->is_rejected = step == CHUNKED_MALFORMED || (step == CHUNKED_DATA && *count + data + decoder.left > most);
		if (self->is_rejected) return false;
		if (step == CHUNKED_DATA) memcpy(body + *count, self->bytes + used - data, data);
		if (step == CHUNKED_DATA) *count += data;
		consume(self, used);
		if (step == CHUNKED_END) return true;
	}
	return false;
}

/// Compares the request with the one that the function got.
static void check_request(
	struct expected *self, shim_method method, struct text target, const uint8_t *body, size_t count) {
	static char path[64 * 1024] = "/"; // longer than any head
	const size_t slash = target.count && target.bytes[0] == '/' ? 0 : 1;
	if (self->requests >= MAX_REPLIES) return;
	memcpy(path + slash, target.bytes, target.count);
	const uint64_t hash = request_hash(method, path, slash + target.count, body, count);
	CHECK(self->requests < run.request_count, "a request that the function does not get");
	CHECK(run.requests[self->requests] == hash, "another request than was sent");
	self->requests++;
}

/// Reads one request. Returns whether another one may follow.
static bool next(struct expected *self) {
	size_t lines = 0, length = 0;
	while (self->count >= 2 && memcmp(self->bytes, "\r\n", 2) == 0 && lines++ <= MOST_EMPTY_LINES) consume(self, 2);
	if (!self->count || (self->count == 1 && self->bytes[0] == '\r')) {
		self->is_rejected = lines > MOST_EMPTY_LINES;
		return false;
	}
	const enum head_end end = request_find_end(self->bytes, self->count, &length);
	const bool is_long = (end == HEAD_END_FOUND ? length : self->count) > run.limits.max_header_bytes;
	self->is_rejected = lines > MOST_EMPTY_LINES || self->bytes[0] == '\r' || end == HEAD_END_MALFORMED || is_long;
	if (self->is_rejected || end != HEAD_END_FOUND) return false;
	struct request_head head;
	struct canonical_head canonical = { .bytes = malloc(length + REQUEST_CANONICAL_EXTRA) };
	uint8_t *body = malloc(self->count);
	if (!canonical.bytes || !body) abort();
	const struct text first = { self->bytes, self->count };
	int reason = request_validate(self->bytes, length, &head, &canonical);
	static const char delete[] = "DELETE /";
	if (reason == SHIM_REJECT_METHOD && run.limits.accepts_delete && !memcmp(self->bytes, delete, sizeof delete - 1)) {
		head.method = SHIM_METHOD_DELETE;
		reason = 0;
	}
	self->is_rejected = reason || head.content_length > run.limits.max_body_bytes;
	free(canonical.bytes);
	consume(self, length);
	size_t body_count = 0;
	// The body of a HEAD request is not read, and nothing after it.
	const bool is_last = head.method == SHIM_METHOD_HEAD && (head.chunked || head.content_length);
	const bool is_complete = !self->is_rejected && (is_last || read_body(self, &head, body, &body_count));
	if (is_complete) {
		const struct text target = { first.bytes + canonical.target, canonical.target_count };
		check_request(self, head.method, target, body, body_count);
	}
	free(body);
	return is_complete && head.keep_alive && !is_last;
}

void check_requests(void) {
	if (run.limits.max_buffered_bytes < (1 << 20)) return; // what finds no room depends on how the bytes are split
	struct expected self = { run.sent, run.sent_count, 0, false };
	while (self.count && !run.finding && next(&self)) continue;
	CHECK(run.request_count == self.requests, "more requests than were sent");
	CHECK(run.was_rejected == self.is_rejected, "rejected without a reason, or the reverse");
}
