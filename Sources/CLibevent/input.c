#include "input.h"
#include "request_line.h"

#include <event2/keyvalq_struct.h>
#include <string.h>

static struct input_step step(enum input_event event, size_t used) { return (struct input_step){ event, used, 0 }; }

static struct input_step rejected(int reason) { return (struct input_step){ INPUT_REJECTED, 0, (shim_reject)reason }; }

bool input_has_body(const struct shim_exchange *exchange) {
	return exchange->head.chunked || exchange->head.content_length;
}

size_t input_body_bytes(const struct shim_exchange *exchange, size_t count) {
	return exchange->head.chunked || count < exchange->body_left ? count : (size_t)exchange->body_left;
}

// ---- heads

/// What evhttp allocates for each header field, besides its bytes: a struct evkeyval, and what malloc adds to each of
/// three blocks.
enum { FIELD_BYTES = sizeof(struct evkeyval) + 3 * 32 };

/// Checks a complete head, and adds its canonical form to evhttp's input.
static int take_head(struct shim_exchange *exchange, const shim_server_limits *limits, struct evbuffer *parser_input,
	const uint8_t *bytes, size_t count) {
	struct evbuffer_iovec room;
	if (evbuffer_reserve_space(parser_input, (ev_ssize_t)(count + REQUEST_CANONICAL_EXTRA), &room, 1) < 1)
		return SHIM_REJECT_BUFFERS_FULL;
	struct request_head *head = &exchange->head;
	struct canonical_head canonical = { .bytes = room.iov_base };
	const int reason = request_validate(bytes, count, head, &canonical);
	// The method is objected to last: all else is as it should be, and the reply may depend on the target.
	if (reason && reason != SHIM_REJECT_METHOD) return reason;
	static const char delete[] = "DELETE /";
	if (reason == SHIM_REJECT_METHOD && limits->accepts_delete && memcmp(bytes, delete, sizeof delete - 1) == 0)
		head->method = SHIM_METHOD_DELETE;
	if (!exchange_set_target(exchange, (const char *)bytes + canonical.target, canonical.target_count))
		return SHIM_REJECT_BUFFERS_FULL;
	if (head->method == SHIM_METHOD_NONE) return SHIM_REJECT_METHOD;
	if (head->content_length > limits->max_body_bytes) return SHIM_REJECT_BODY_TOO_LARGE;
	room.iov_len = canonical.count;
	evbuffer_commit_space(parser_input, &room, 1);
	exchange->head_count = (uint32_t)count + (uint32_t)(head->fields * FIELD_BYTES);
	exchange->body_left = head->content_length;
	exchange->decoder = (struct chunked_decoder){ 0 };
	return 0;
}

/// The most empty lines before a request that are skipped: others would have us read for nothing. Source: RFC
/// 9112, 2.2, which asks for one.
enum { MAX_EMPTY_LINES = 16 };

/// Skips empty lines before a request.
static struct input_step skip_empty_lines(struct shim_exchange *exchange, const uint8_t *bytes, size_t count) {
	size_t at = 0;
	while (at + 2 <= count && bytes[at] == '\r' && bytes[at + 1] == '\n') {
		if (++exchange->empty_lines > MAX_EMPTY_LINES) return rejected(SHIM_REJECT_MALFORMED);
		at += 2;
	}
	if (!at && count >= 2) return rejected(SHIM_REJECT_MALFORMED);
	return step(INPUT_NEEDS_MORE, at);
}

/// Rejects a head before its end. The method decides whether the reply has a body.
static struct input_step rejected_early(
	struct shim_exchange *exchange, shim_reject reason, const uint8_t *bytes, size_t count) {
	exchange->head.method = request_method(bytes, count);
	return rejected((int)reason);
}

/// What is too long in a head of more than `count` bytes. Source: RFC 9112, 3; RFC 6585, 5.
static shim_reject too_long_part(const uint8_t *bytes, size_t count) {
	if (memchr(bytes, '\n', count)) return SHIM_REJECT_HEAD_TOO_LARGE;
	const uint8_t *target = memchr(bytes, ' ', count);
	if (!target || memchr(target + 1, ' ', (size_t)(bytes + count - target) - 1)) return SHIM_REJECT_HEAD_TOO_LARGE;
	return SHIM_REJECT_TARGET_TOO_LONG;
}

static struct input_step next_of_head(struct shim_exchange *exchange, const shim_server_limits *limits,
	struct evbuffer *parser_input, const uint8_t *bytes, size_t count) {
	if (exchange->scanned == 0 && bytes[0] == '\r') return skip_empty_lines(exchange, bytes, count);
	// Bytes beyond the limit are not looked at, so that the answer is the same however the bytes arrive.
	const size_t visible = count < limits->max_header_bytes ? count : limits->max_header_bytes;
	switch (request_find_end(bytes, visible, &exchange->scanned)) {
	case HEAD_END_MALFORMED: return rejected_early(exchange, SHIM_REJECT_MALFORMED, bytes, visible);
	case HEAD_END_FOUND: {
		const size_t length = exchange->scanned;
		exchange->scanned = 0;
		exchange->empty_lines = 0;
		const int reason = take_head(exchange, limits, parser_input, bytes, length);
		return reason ? rejected(reason) : step(INPUT_HEAD, length);
	}
	case HEAD_END_MISSING: break;
	}
	if (count == visible) return step(INPUT_NEEDS_MORE, 0);
	return rejected_early(exchange, too_long_part(bytes, visible), bytes, visible);
}

// ---- bodies

/// Adds bytes to the body. Returns 0, or the reason for the rejection.
static int add_to_body(
	struct shim_exchange *exchange, const shim_server_limits *limits, const uint8_t *bytes, size_t count) {
	if (exchange->body_count + count > limits->max_body_bytes) return SHIM_REJECT_BODY_TOO_LARGE;
	if (!byte_budget_has_room(exchange->budget, count)) return SHIM_REJECT_BUFFERS_FULL;
	if (!byte_buffer_append(&exchange->body, bytes, count, (size_t)exchange->head.content_length))
		return SHIM_REJECT_BUFFERS_FULL;
	exchange->body_count += count;
	byte_budget_add(exchange->budget, count);
	return 0;
}

static struct input_step next_of_chunked_body(
	struct shim_exchange *exchange, const shim_server_limits *limits, const uint8_t *bytes, size_t count) {
	size_t at = 0, used = 0, data = 0;
	while (at < count) {
		switch (chunked_decoder_next(&exchange->decoder, bytes + at, count - at, &used, &data)) {
		case CHUNKED_MALFORMED: return rejected(SHIM_REJECT_MALFORMED);
		case CHUNKED_NEEDS_MORE: return step(INPUT_NEEDS_MORE, count);
		case CHUNKED_END: return step(INPUT_COMPLETE, at + used);
		case CHUNKED_DATA: {
			if (exchange->body_count + data + exchange->decoder.left > limits->max_body_bytes)
				return rejected(SHIM_REJECT_BODY_TOO_LARGE);
			const int reason = add_to_body(exchange, limits, bytes + at + used - data, data);
			if (reason) return rejected(reason);
			at += used;
		}
		}
	}
	return step(INPUT_NEEDS_MORE, at);
}

static struct input_step next_of_body(
	struct shim_exchange *exchange, const shim_server_limits *limits, const uint8_t *bytes, size_t count) {
	if (exchange->head.chunked) return next_of_chunked_body(exchange, limits, bytes, count);
	const size_t part = count < exchange->body_left ? count : (size_t)exchange->body_left;
	const int reason = add_to_body(exchange, limits, bytes, part);
	if (reason) return rejected(reason);
	exchange->body_left -= part;
	return step(exchange->body_left ? INPUT_NEEDS_MORE : INPUT_COMPLETE, part);
}

struct input_step input_next(struct shim_exchange *exchange, const shim_server_limits *limits,
	struct evbuffer *parser_input, const uint8_t *bytes, size_t count) {
	if (exchange->state == EXCHANGE_BODY) return next_of_body(exchange, limits, bytes, count);
	return next_of_head(exchange, limits, parser_input, bytes, count);
}
