#include "request_validator.h"
#include "authority.h"
#include "http_bytes.h"
#include "request_line.h"

enum head_end request_find_end(const uint8_t *bytes, size_t count, size_t *scanned) {
	if (count && !is_token_byte(bytes[0])) return HEAD_END_MALFORMED; // TLS or noise: no need to wait for a line
	size_t at = *scanned;
	while (at < count) {
		const uint8_t *end = memchr(bytes + at, '\n', count - at);
		if (!end) {
			at = count;
			break;
		}
		const size_t line_end = (size_t)(end - bytes);
		if (line_end == 0 || bytes[line_end - 1] != '\r') return HEAD_END_MALFORMED; // RFC 9112, 2.2: no bare LF
		at = line_end + 1;
		if (line_end >= 3 && bytes[line_end - 2] == '\n') {
			*scanned = at;
			return HEAD_END_FOUND;
		}
	}
	*scanned = at;
	return HEAD_END_MISSING;
}

// ---- fields

/// How often each field that matters here has been seen, and what Connection said.
struct seen_fields {
	struct text authority; ///< of a target in absolute form; it counts instead of Host
	int length, encoding, host, all;
	bool close, keep_alive;
};

/// Takes the next member of the list in `rest`, without the spaces around it. Members may be empty. Source: RFC
/// 9110, 5.6.1.
static struct text next_member(struct text *rest) {
	const uint8_t *comma = memchr(rest->bytes, ',', rest->count);
	const struct text member = { rest->bytes, comma ? (size_t)(comma - rest->bytes) : rest->count };
	const size_t used = comma ? member.count + 1 : member.count;
	rest->bytes += used;
	rest->count -= used;
	return trimmed(member);
}

/// RFC 9110, 8.6.
static int check_content_length(struct text value, struct request_head *head) {
	if (value.count == 0 || value.count > 18) return SHIM_REJECT_MALFORMED;
	uint64_t length = 0;
	for (size_t i = 0; i < value.count; i++) {
		if (!is_digit(value.bytes[i])) return SHIM_REJECT_MALFORMED;
		length = length * 10 + (uint64_t)(value.bytes[i] - '0');
	}
	head->content_length = length;
	return 0;
}

/// Records each member of the Connection list. Returns whether one may be the name of a field, which a proxy does not
/// pass on. Source: RFC 9110, 7.6.1.
static bool note_connection(struct text value, struct seen_fields *seen) {
	bool names_field = false;
	while (value.count) {
		const struct text option = next_member(&value);
		if (equals(option, "close")) seen->close = true;
		else if (equals(option, "keep-alive")) seen->keep_alive = true;
		else if (option.count) names_field = true;
	}
	return names_field;
}

/// Takes `chunked` alone: not even an empty member beside it, which others may read differently. Source: RFC 9112, 6.1
/// and 6.3.
static int check_transfer_encoding(struct text value, struct request_head *head) {
	head->chunked = equals(value, "chunked");
	if (head->chunked) return 0;
	if (!value.count || value.bytes[value.count - 1] == ',') return SHIM_REJECT_MALFORMED;
	struct text last = { 0 };
	while (value.count) {
		if (last.count && equals(last, "chunked")) return SHIM_REJECT_MALFORMED; // it is not the last, or comes twice
		last = next_member(&value);
		for (size_t i = 0; i < last.count; i++)
			if (!is_token_byte(last.bytes[i])) return SHIM_REJECT_MALFORMED;
		if (!last.count) return SHIM_REJECT_MALFORMED;
	}
	return equals(last, "chunked") ? SHIM_REJECT_CODING : SHIM_REJECT_MALFORMED;
}

/// Source: RFC 9110, 10.1.1.
static int check_expect(struct text value, struct request_head *head) {
	if (head->http10) return 0; // it must be ignored
	while (value.count) {
		const struct text expectation = next_member(&value);
		if (!expectation.count) continue;
		if (!equals(expectation, "100-continue")) return SHIM_REJECT_EXPECTATION;
		head->expect_continue = true;
	}
	return 0;
}

/// Records a field, or copies it to the canonical head. Returns 0, or the reason for the rejection.
static int note_field(struct text name, struct text value, struct request_head *head, struct seen_fields *seen,
	struct canonical_head *canonical) {
	if (equals(name, "content-length")) {
		if (seen->length++) return SHIM_REJECT_MALFORMED;
		return check_content_length(value, head);
	}
	if (equals(name, "transfer-encoding")) {
		if (seen->encoding++) return SHIM_REJECT_MALFORMED;
		return check_transfer_encoding(value, head);
	}
	if (equals(name, "connection")) {
		if (note_connection(value, seen)) put_field(canonical, name, value);
		return 0;
	}
	if (equals(name, "expect")) return check_expect(value, head);
	if (equals(name, "host")) {
		if (seen->host++ || !is_authority(value)) return SHIM_REJECT_MALFORMED; // RFC 9112, 3.2
		if (seen->authority.count) value = seen->authority;                     // RFC 9112, 3.2.2
	}
	put_field(canonical, name, value);
	return 0;
}

/// `name ":" value`. Source: RFC 9112, 5.
static int check_field(
	struct text line, struct request_head *head, struct seen_fields *seen, struct canonical_head *canonical) {
	if (++seen->all > REQUEST_MAX_FIELDS) return SHIM_REJECT_HEAD_TOO_LARGE;
	size_t at = 0;
	while (at < line.count && is_token_byte(line.bytes[at])) at++;
	// A space before the colon and a folded line are rejected here too. Source: RFC 9112, 5.1 and 5.2.
	if (at == 0 || at == line.count || line.bytes[at] != ':') return SHIM_REJECT_MALFORMED;
	const struct text name = { line.bytes, at };
	const struct text value = trimmed((struct text){ line.bytes + at + 1, line.count - at - 1 });
	for (size_t i = 0; i < value.count; i++)
		if (is_control_byte(value.bytes[i])) return SHIM_REJECT_MALFORMED;
	return note_field(name, value, head, seen, canonical);
}

int request_validate(const uint8_t *bytes, size_t count, struct request_head *head, struct canonical_head *canonical) {
	*head = (struct request_head){ 0 };
	struct seen_fields seen = { 0 };
	*canonical = (struct canonical_head){ .bytes = canonical->bytes };
	for (size_t at = 0; at + 2 < count;) {
		const uint8_t *end = memchr(bytes + at, '\n', count - at); // not NULL: each line ends with one
		const struct text line = { bytes + at, (size_t)(end - bytes) - 1 - at };
		const int rejected = at == 0 ? request_line_check(line, head, &seen.authority, canonical)
									 : check_field(line, head, &seen, canonical);
		if (rejected) return rejected;
		at = (size_t)(end - bytes) + 1;
	}
	if (seen.encoding && (seen.length || head->http10)) return SHIM_REJECT_MALFORMED; // RFC 9112, 6.1
	if (!seen.host && !head->http10) return SHIM_REJECT_MALFORMED;                    // RFC 9112, 3.2
	head->fields = (uint8_t)seen.all;
	head->keep_alive = !seen.close && (!head->http10 || seen.keep_alive); // RFC 9112, 9.3
	static const char host[] = "Host";
	if (!seen.host && seen.authority.count)
		put_field(canonical, (struct text){ (const uint8_t *)host, sizeof host - 1 }, seen.authority);
	put(canonical, "\r\n", 2);
	return head->method == SHIM_METHOD_NONE ? SHIM_REJECT_METHOD : 0;
}
