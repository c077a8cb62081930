#define _GNU_SOURCE // memmem
#include "finding.h"
#include "head_evhttp.h"
#include "include/CFuzzChecks.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/// What a simple reader finds in a head.
struct reference {
	int lengths, encodings, hosts;
	uint64_t length;
	bool close, keep_alive, expects;
	struct text authority; ///< of a target in absolute form; it counts instead of Host
};

static bool has_option(struct text list, const char *option) {
	while (list.count)
		if (text_is(text_trimmed(text_take_until(&list, ",")), option)) return true;
	return false;
}

/// Whether a Connection field has another option than `close` and `keep-alive`. Then it is kept.
static bool names_field(struct text list) {
	while (list.count) {
		const struct text option = text_trimmed(text_take_until(&list, ","));
		if (option.count && !text_is(option, "close") && !text_is(option, "keep-alive")) return true;
	}
	return false;
}

/// Compares a field, or records it. The fields in `canonical` must be the same, in the same order.
static const char *read_field(struct text line, struct reference *self, struct text *canonical) {
	struct text value = line;
	const struct text name = text_take_until(&value, ":");
	if (name.count == line.count) return "a field without a colon is accepted";
	for (size_t i = 0; i < name.count; i++)
		if (name.bytes[i] <= ' ' || name.bytes[i] >= 127 || strchr("\"(),/;<=>?@[\\]{}", name.bytes[i]))
			return "a field's name has a byte that is not of a token";
	if (name.count == 0) return "a field without a name is accepted";
	value = text_trimmed(value);
	for (size_t i = 0; i < value.count; i++)
		if ((value.bytes[i] < ' ' && value.bytes[i] != '\t') || value.bytes[i] == 127)
			return "a field's value has a control character";
	if (text_is(name, "content-length")) {
		self->lengths++;
		if (value.count == 0 || value.count > 18) return "a Content-Length without digits, or with too many";
		for (size_t i = 0; i < value.count; i++) {
			if (value.bytes[i] < '0' || value.bytes[i] > '9') return "a Content-Length that is no number";
			self->length = self->length * 10 + (uint64_t)(value.bytes[i] - '0');
		}
		return NULL;
	}
	if (text_is(name, "transfer-encoding")) {
		self->encodings++;
		return text_is(value, "chunked") ? NULL : "a Transfer-Encoding that is not chunked";
	}
	if (text_is(name, "connection")) {
		self->close = self->close || has_option(value, "close");
		self->keep_alive = self->keep_alive || has_option(value, "keep-alive");
		if (!names_field(value)) return NULL;
	}
	if (text_is(name, "expect")) {
		self->expects = self->expects || has_option(value, "100-continue");
		return NULL;
	}
	if (text_is(name, "host")) {
		self->hosts++;
		if (self->authority.count) value = self->authority; // RFC 9112, 3.2.2
	}
	struct text kept = text_take_until(canonical, "\r\n");
	const struct text kept_name = text_take_until(&kept, ": ");
	const bool is_same = kept_name.count == name.count && !memcmp(kept_name.bytes, name.bytes, name.count) &&
						 kept.count == value.count && !memcmp(kept.bytes, value.bytes, value.count);
	return is_same ? NULL : finding("the field '%.*s' is lost or changed", (int)name.count, name.bytes);
}

/// Compares the target with the one that the request line has, in origin form. Source: RFC 9112, 3.2.
static const char *compare_target(struct text head, struct text target, const struct canonical_head *canonical,
	shim_method method, struct text *authority) {
	if (canonical->target > head.count || canonical->target_count > head.count - canonical->target)
		return "the target lies outside the head";
	const struct text found = { head.bytes + canonical->target, canonical->target_count };
	if (text_is(target, "*")) {
		return method == SHIM_METHOD_OPTIONS && found.count == 0 ? NULL : "another target than *";
	}
	if (target.bytes[0] != '/') {
		struct text scheme = target;
		text_take_until(&scheme, "://");
		target = scheme;
		while (target.count && target.bytes[0] != '/' && target.bytes[0] != '?') target.bytes++, target.count--;
		*authority = (struct text){ scheme.bytes, scheme.count - target.count };
		if (authority->count == 0) return "an absolute target without a host";
	}
	const bool is_same = found.count == target.count && !memcmp(found.bytes, target.bytes, found.count);
	return is_same ? NULL : "another target than in the request line";
}

/// Reads the head in a simple way, and compares.
static const char *compare_with_reference(
	struct text all, const struct request_head *head, const struct canonical_head *canonical) {
	static const char *const names[] = { [SHIM_METHOD_GET] = "GET",
		[SHIM_METHOD_HEAD] = "HEAD",
		[SHIM_METHOD_POST] = "POST",
		[SHIM_METHOD_OPTIONS] = "OPTIONS" };
	struct text rest = all, line = text_take_until(&rest, "\r\n");
	const struct text method = text_take_until(&line, " "), target = text_take_until(&line, " ");
	if (head->method == SHIM_METHOD_NONE) return "accepted without a method";
	if (method.count != strlen(names[head->method]) || memcmp(method.bytes, names[head->method], method.count) != 0)
		return "another method than in the request line";
	if (!text_is(line, head->http10 ? "HTTP/1.0" : "HTTP/1.1")) return "another version than in the request line";
	struct reference reference = { 0 };
	const char *result = compare_target(all, target, canonical, head->method, &reference.authority);
	struct text kept = { canonical->bytes, canonical->count };
	const struct text first = text_take_until(&kept, "\r\n");
	while (rest.count > 2 && !result) result = read_field(text_take_until(&rest, "\r\n"), &reference, &kept);
	if (result) return result;
	if (!reference.hosts && reference.authority.count) {
		struct text host = text_take_until(&kept, "\r\n");
		const struct text name = text_take_until(&host, ": ");
		if (!text_is(name, "Host") || host.count != reference.authority.count ||
			memcmp(host.bytes, reference.authority.bytes, host.count) != 0)
			return "no Host, though the target has an authority";
	}
	if (first.count != method.count + strlen(" / HTTP/1.1")) return "another request line in the canonical head";
	if (rest.count != 2 || kept.count != 2) return "more or fewer fields in the canonical head";
	if (reference.lengths + reference.encodings > 1) return "more than one framing";
	if (head->chunked != (reference.encodings == 1)) return "chunked without a Transfer-Encoding, or the reverse";
	if (head->content_length != reference.length) return "another length than Content-Length";
	if (head->http10 && head->chunked) return "chunks in HTTP/1.0";
	if (reference.hosts > 1 || (reference.hosts == 0 && !head->http10)) return "no Host, or more than one";
	if (head->expect_continue != (reference.expects && !head->http10)) return "another expectation";
	const bool keep_alive = !reference.close && (!head->http10 || reference.keep_alive);
	return head->keep_alive == keep_alive ? NULL : "another opinion on keep-alive";
}

/// Validates a canonical head again: it must stay as it is. One from HTTP/1.0 may lack the Host that it then needs.
static const char *compare_with_itself(const struct canonical_head *canonical, const struct request_head *head) {
	struct request_head again;
	struct canonical_head copy = { .bytes = malloc(canonical->count + REQUEST_CANONICAL_EXTRA) };
	if (!copy.bytes) abort();
	const int rejected = request_validate(canonical->bytes, canonical->count, &again, &copy);
	const char *result = NULL;
	if (rejected) result = head->http10 ? NULL : "a canonical head is rejected";
	else if (copy.count != canonical->count || memcmp(copy.bytes, canonical->bytes, copy.count) != 0)
		result = "a canonical head is changed";
	else if (again.method != head->method || again.content_length || again.chunked || again.expect_continue)
		result = "a canonical head says something about the framing, or has another method";
	free(copy.bytes);
	return result;
}

/// Finds the end of the head byte by byte, and compares it with the end that was found at once.
static const char *compare_ends(const uint8_t *bytes, size_t count, enum head_end whole, size_t length) {
	enum head_end end = HEAD_END_MISSING;
	size_t scanned = 0;
	for (size_t part = 0; part <= count && end == HEAD_END_MISSING; part++)
		end = request_find_end(bytes, part, &scanned);
	if (end != whole) return finding("found byte by byte: %d, at once: %d", end, whole);
	return end == HEAD_END_FOUND && scanned != length ? "the head's end depends on how it is split" : NULL;
}

const char *fuzz_head(const uint8_t *bytes, size_t count) {
	size_t length = 0;
	const enum head_end end = request_find_end(bytes, count, &length);
	const char *result = compare_ends(bytes, count, end, length);
	if (result || end != HEAD_END_FOUND) return result;
	if (length < 4 || length > count || memcmp(bytes + length - 4, "\r\n\r\n", 4) != 0)
		return "another end than CRLFCRLF";
	if (memmem(bytes, length - 1, "\r\n\r\n", 4)) return "not the first end";
	struct request_head head;
	struct canonical_head canonical = { .bytes = malloc(length + REQUEST_CANONICAL_EXTRA) };
	uint8_t *copy = malloc(length);
	if (!canonical.bytes || !copy) abort();
	memcpy(copy, bytes, length);
	const int rejected = request_validate(copy, length, &head, &canonical);
	if (canonical.count > length + REQUEST_CANONICAL_EXTRA) result = "the canonical head is too long";
	else if (rejected < 0 || rejected > SHIM_REJECT_TOO_SLOW) result = "rejected without a reason";
	else if (!rejected) result = compare_with_reference((struct text){ copy, length }, &head, &canonical);
	if (!result && !rejected) result = compare_with_itself(&canonical, &head);
	if (!result && !rejected) result = compare_with_evhttp(&canonical, head.method);
	free(copy);
	free(canonical.bytes);
	return result;
}
