#define _GNU_SOURCE // memmem
#include "request_line.h"
#include "authority.h"
#include "http_bytes.h"

/// RFC 9112, 2.3.
static int check_version(struct text version, struct request_head *head) {
	if (version.count != 8 || memcmp(version.bytes, "HTTP/", 5) != 0 || version.bytes[6] != '.')
		return SHIM_REJECT_MALFORMED;
	const uint8_t major = version.bytes[5], minor = version.bytes[7];
	if (!is_digit(major) || !is_digit(minor)) return SHIM_REJECT_MALFORMED;
	if (major != '1' || minor > '1') return SHIM_REJECT_VERSION;
	head->http10 = minor == '0';
	return 0;
}

/// Source: RFC 3986, 3.1.
static bool is_scheme(struct text text) {
	for (size_t i = 0; i < text.count; i++) {
		const uint8_t byte = text.bytes[i];
		if (is_letter(byte)) continue;
		if (i == 0 || !(is_digit(byte) || byte == '+' || byte == '-' || byte == '.')) return false;
	}
	return text.count;
}

/// Finds the authority and the path in `scheme "://" authority path`. False: it has another form. Source: RFC
/// 9112, 3.2.2.
static bool check_absolute_target(struct text target, struct text *authority, size_t *path) {
	static const char mark[] = "://";
	const uint8_t *scheme_end = memmem(target.bytes, target.count, mark, sizeof mark - 1);
	if (!scheme_end || !is_scheme((struct text){ target.bytes, (size_t)(scheme_end - target.bytes) })) return false;
	const size_t start = (size_t)(scheme_end - target.bytes) + sizeof mark - 1;
	size_t end = start;
	while (end < target.count && target.bytes[end] != '/' && target.bytes[end] != '?') end++;
	*path = end;
	*authority = (struct text){ target.bytes + start, end - start };
	return end > start && target.bytes[start] != ':' && is_authority(*authority);
}

/// Checks the target, and records where its path begins, or its query if the path is empty, and the authority of an
/// absolute form. Every authority is treated as ours. Source: RFC 9112, 3.2.
static int check_target(struct text target, size_t at, const struct request_head *head, struct text *authority,
	struct canonical_head *canonical) {
	size_t path = 0;
	if (memchr(target.bytes, '#', target.count)) return SHIM_REJECT_MALFORMED;
	if (target.bytes[0] != '/') {
		if (head->method == SHIM_METHOD_NONE) return 0; // of CONNECT, for example; it is rejected anyway
		if (target.count == 1 && target.bytes[0] == '*')
			return head->method == SHIM_METHOD_OPTIONS ? 0 : SHIM_REJECT_MALFORMED;
		if (!check_absolute_target(target, authority, &path)) return SHIM_REJECT_MALFORMED;
	}
	canonical->target = at + path;
	canonical->target_count = target.count - path;
	return 0;
}

static shim_method known_method(struct text method) {
	if (method.count == 3 && memcmp(method.bytes, "GET", 3) == 0) return SHIM_METHOD_GET;
	if (method.count == 4 && memcmp(method.bytes, "POST", 4) == 0) return SHIM_METHOD_POST;
	if (method.count == 4 && memcmp(method.bytes, "HEAD", 4) == 0) return SHIM_METHOD_HEAD;
	if (method.count == 7 && memcmp(method.bytes, "OPTIONS", 7) == 0) return SHIM_METHOD_OPTIONS;
	return SHIM_METHOD_NONE;
}

shim_method request_method(const uint8_t *bytes, size_t count) {
	size_t at = 0;
	while (at < count && is_token_byte(bytes[at])) at++;
	return at < count && bytes[at] == ' ' ? known_method((struct text){ bytes, at }) : SHIM_METHOD_NONE;
}

int request_line_check(
	struct text line, struct request_head *head, struct text *authority, struct canonical_head *canonical) {
	size_t at = 0;
	while (at < line.count && is_token_byte(line.bytes[at])) at++;
	const struct text method = { line.bytes, at };
	if (at == 0 || at == line.count || line.bytes[at] != ' ') return SHIM_REJECT_MALFORMED;
	head->method = known_method(method);
	const size_t target = ++at;
	while (at < line.count && line.bytes[at] > ' ' && line.bytes[at] != 127) at++;
	if (at == target || at == line.count || line.bytes[at] != ' ') return SHIM_REJECT_MALFORMED;
	int rejected = check_version((struct text){ line.bytes + at + 1, line.count - at - 1 }, head);
	const struct text text = { line.bytes + target, at - target };
	if (!rejected) rejected = check_target(text, target, head, authority, canonical);
	if (rejected) return rejected;
	// The shim keeps the target. evhttp does not need it, and could interpret it differently.
	put(canonical, method.bytes, method.count);
	static const char rest[] = " / HTTP/1.1\r\n";
	put(canonical, rest, sizeof rest - 1);
	return 0;
}
