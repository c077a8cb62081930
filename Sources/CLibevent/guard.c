#include "guard.h"

#include <string.h>
#include <strings.h>

/// RFC 9110, 5.6.2.
static bool is_token_byte(uint8_t byte) {
	return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z') ||
		   (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

enum guard_scan guard_find_end(const uint8_t *bytes, size_t count, size_t *scanned) {
	if (count && !is_token_byte(bytes[0])) return GUARD_BAD; // TLS, or noise: no need to wait for a line
	size_t at = *scanned;
	while (at < count) {
		const uint8_t *end = memchr(bytes + at, '\n', count - at);
		if (!end) {
			at = count;
			break;
		}
		const size_t line_end = (size_t)(end - bytes);
		if (line_end == 0 || bytes[line_end - 1] != '\r') return GUARD_BAD;
		at = line_end + 1;
		if (line_end >= 3 && bytes[line_end - 2] == '\n') {
			*scanned = at;
			return GUARD_COMPLETE;
		}
	}
	*scanned = at;
	return GUARD_INCOMPLETE;
}

struct text {
	const uint8_t *bytes;
	size_t count;
};

static bool equals(struct text text, const char *word) {
	return text.count == strlen(word) && strncasecmp((const char *)text.bytes, word, text.count) == 0;
}

static struct text trimmed(struct text text) {
	while (text.count && (text.bytes[0] == ' ' || text.bytes[0] == '\t')) text.bytes++, text.count--;
	while (text.count && (text.bytes[text.count - 1] == ' ' || text.bytes[text.count - 1] == '\t')) text.count--;
	return text;
}

static int check_version(struct text version, struct guard_head *head) {
	if (version.count != 8 || memcmp(version.bytes, "HTTP/", 5) != 0 || version.bytes[6] != '.')
		return SHIM_REJECT_MALFORMED;
	const uint8_t major = version.bytes[5], minor = version.bytes[7];
	if (major < '0' || major > '9' || minor < '0' || minor > '9') return SHIM_REJECT_MALFORMED;
	if (major != '1' || minor > '1') return SHIM_REJECT_VERSION;
	head->http10 = minor == '0';
	return 0;
}

/// How often each field that matters has been seen, and what Connection said.
struct seen {
	int length, encoding, host, connection, fields;
	bool close, keep_alive;
};

/// `method SP target SP version`, RFC 9112, 3.
static int check_request_line(struct text line, struct guard_head *head, struct seen *seen, bool *known_method) {
	size_t at = 0;
	while (at < line.count && is_token_byte(line.bytes[at])) at++;
	const struct text method = { line.bytes, at };
	if (at == 0 || at == line.count || line.bytes[at] != ' ') return SHIM_REJECT_MALFORMED;
	const size_t target = ++at;
	while (at < line.count && line.bytes[at] > ' ' && line.bytes[at] != 127) at++;
	if (at == target || at == line.count || line.bytes[at] != ' ') return SHIM_REJECT_MALFORMED;
	const int refused = check_version((struct text){ line.bytes + at + 1, line.count - at - 1 }, head);
	if (refused) return refused;
	if (line.bytes[target] != '/') seen->close = true; // evhttp closes after an absolute target
	*known_method = true;
	if (method.count == 3 && memcmp(method.bytes, "GET", 3) == 0) head->method = SHIM_METHOD_GET;
	else if (method.count == 4 && memcmp(method.bytes, "POST", 4) == 0) head->method = SHIM_METHOD_POST;
	else if (method.count == 4 && memcmp(method.bytes, "HEAD", 4) == 0) head->method = SHIM_METHOD_HEAD;
	else *known_method = false;
	return 0;
}

static int check_content_length(struct text value, struct guard_head *head) {
	if (value.count == 0 || value.count > 18) return SHIM_REJECT_MALFORMED;
	uint64_t length = 0;
	for (size_t i = 0; i < value.count; i++) {
		if (value.bytes[i] < '0' || value.bytes[i] > '9') return SHIM_REJECT_MALFORMED;
		length = length * 10 + (value.bytes[i] - '0');
	}
	head->content_length = length;
	return 0;
}

/// Each member of Connection's list, RFC 9110, 7.6.1.
static void note_connection(struct text value, struct seen *seen) {
	// evhttp looks for keep-alive only there, and would close what we had promised to keep.
	if (!seen->connection++ && value.count >= 10 && equals((struct text){ value.bytes, 10 }, "keep-alive"))
		seen->keep_alive = true;
	while (value.count) {
		const uint8_t *comma = memchr(value.bytes, ',', value.count);
		const size_t count = comma ? (size_t)(comma - value.bytes) : value.count;
		if (equals(trimmed((struct text){ value.bytes, count }), "close")) seen->close = true;
		const size_t used = comma ? count + 1 : count;
		value.bytes += used;
		value.count -= used;
	}
}

static int check_field(struct text line, struct guard_head *head, struct seen *seen) {
	if (++seen->fields > GUARD_MAX_FIELDS) return SHIM_REJECT_HEAD_TOO_LARGE;
	size_t at = 0;
	while (at < line.count && is_token_byte(line.bytes[at])) at++;
	if (at == 0 || at == line.count || line.bytes[at] != ':') return SHIM_REJECT_MALFORMED; // obs-fold ends here too
	const struct text name = { line.bytes, at };
	const struct text value = trimmed((struct text){ line.bytes + at + 1, line.count - at - 1 });
	for (size_t i = 0; i < value.count; i++)
		if ((value.bytes[i] < ' ' && value.bytes[i] != '\t') || value.bytes[i] == 127) return SHIM_REJECT_MALFORMED;
	if (equals(name, "content-length")) {
		if (seen->length++) return SHIM_REJECT_MALFORMED;
		return check_content_length(value, head);
	}
	if (equals(name, "transfer-encoding")) {
		if (seen->encoding++ || !equals(value, "chunked")) return SHIM_REJECT_MALFORMED;
		head->chunked = true;
	} else if (equals(name, "host")) {
		seen->host++;
	} else if (equals(name, "connection")) {
		note_connection(value, seen);
	} else if (equals(name, "expect") && !head->http10) {
		if (!equals(value, "100-continue")) return SHIM_REJECT_EXPECTATION;
		head->expect_continue = true;
	}
	return 0;
}

int guard_check_head(const uint8_t *bytes, size_t count, struct guard_head *head) {
	*head = (struct guard_head){ 0 };
	struct seen seen = { 0 };
	bool known_method = false;
	for (size_t at = 0; at + 2 < count;) {
		const uint8_t *end = memchr(bytes + at, '\n', count - at); // there: the head is complete, each LF behind a CR
		const struct text line = { bytes + at, (size_t)(end - bytes) - 1 - at };
		const int refused = at == 0 ? check_request_line(line, head, &seen, &known_method)
									: check_field(line, head, &seen);
		if (refused) return refused;
		const size_t next = (size_t)(end - bytes) + 1;
		if (head->chunked && !head->encoding_end) {
			head->encoding_at = at;
			head->encoding_end = next;
		}
		at = next;
	}
	if (seen.encoding && (seen.length || head->http10)) return SHIM_REJECT_MALFORMED;
	if (seen.host > 1 || (seen.host == 0 && !head->http10)) return SHIM_REJECT_MALFORMED;
	head->keep_alive = !seen.close && (!head->http10 || seen.keep_alive); // RFC 9112, 9.3
	return known_method ? 0 : SHIM_REJECT_METHOD;
}

// ---- chunks

enum {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_LINE,
	TRAILER_LF,
	LAST_LF
};
enum { MAX_EXTENSION_BYTES = 4096, MAX_CHUNK_DIGITS = 15 };

static int hex_value(uint8_t byte) {
	if (byte >= '0' && byte <= '9') return byte - '0';
	if ((byte | 32) >= 'a' && (byte | 32) <= 'f') return (byte | 32) - 'a' + 10;
	return -1;
}

static bool chunk_size_byte(struct guard_chunks *self, uint8_t byte) {
	const int value = hex_value(byte);
	if (value >= 0) {
		self->left = self->left * 16 + (unsigned)value;
		return ++self->digits <= MAX_CHUNK_DIGITS;
	}
	if (self->digits == 0) return false;
	if (byte == '\r') self->state = CHUNK_SIZE_LF;
	else if (byte == ';') self->state = CHUNK_EXTENSION;
	else return false;
	return true;
}

/// Extensions and trailers: looked at only for their end, and bounded over the whole body.
static bool skipped_byte(struct guard_chunks *self, uint8_t byte, uint8_t after_line) {
	if (byte == '\r') self->state = after_line;
	else if ((byte < ' ' && byte != '\t') || byte == 127) return false;
	return ++self->skipped <= MAX_EXTENSION_BYTES;
}

/// One byte of framing. False: malformed.
static bool framing_byte(struct guard_chunks *self, uint8_t byte) {
	switch (self->state) {
	case CHUNK_SIZE: return chunk_size_byte(self, byte);
	case CHUNK_EXTENSION: return skipped_byte(self, byte, CHUNK_SIZE_LF);
	case CHUNK_SIZE_LF: self->state = self->left ? CHUNK_DATA : TRAILER_START; return byte == '\n';
	case CHUNK_DATA_CR: self->state = CHUNK_DATA_LF; return byte == '\r';
	case CHUNK_DATA_LF:
		self->state = CHUNK_SIZE;
		self->digits = 0;
		return byte == '\n';
	case TRAILER_START:
		if (byte == '\r') {
			self->state = LAST_LF;
			return true;
		}
		self->state = TRAILER_LINE;
		return is_token_byte(byte) && skipped_byte(self, byte, TRAILER_LF);
	case TRAILER_LINE: return skipped_byte(self, byte, TRAILER_LF);
	case TRAILER_LF: self->state = TRAILER_START; return byte == '\n';
	default: return false;
	}
}

enum guard_step guard_next_chunk(
	struct guard_chunks *self, const uint8_t *bytes, size_t count, size_t *used, size_t *data) {
	size_t at = 0;
	*data = 0;
	for (; at < count; at++) {
		if (self->state == CHUNK_DATA) {
			*data = count - at < self->left ? count - at : (size_t)self->left;
			*used = at + *data;
			self->left -= *data;
			if (!self->left) self->state = CHUNK_DATA_CR;
			return GUARD_DATA;
		}
		if (self->state == LAST_LF) {
			*used = at + 1;
			return bytes[at] == '\n' ? GUARD_END : GUARD_BAD_CHUNK;
		}
		if (!framing_byte(self, bytes[at])) return GUARD_BAD_CHUNK;
	}
	*used = at;
	return GUARD_MORE;
}
