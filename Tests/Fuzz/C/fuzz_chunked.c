#include "finding.h"
#include "include/CFuzzChecks.h"
#include "splitter.h"

#include "../../../Sources/CLibevent/chunked_decoder.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/// What became of a body.
struct outcome {
	enum chunked_step step; ///< CHUNKED_NEEDS_MORE: the bytes ended before the body
	size_t used;            ///< bytes up to the end; only of a body that ended
	size_t count;           ///< bytes of data
	uint8_t *data;
};

static int hex(uint8_t byte) {
	const char *digit = byte ? strchr("00112233445566778899aAbBcCdDeEfF", byte) : NULL;
	return digit ? (int)(digit - "00112233445566778899aAbBcCdDeEfF") / 2 : -1;
}

static bool is_control(uint8_t byte) { return (byte < 32 && byte != '\t') || byte == 127; }

static bool is_token(uint8_t byte) { return byte > 32 && byte < 127 && !strchr("\"(),/:;<=>?@[\\]{}", byte); }

/// Where a reader stands in the bytes.
struct reference {
	const uint8_t *bytes;
	size_t count, at, skipped;
};

/// Skips a line up to its CR, and the CR. Returns whether it could; otherwise `*step` says why not.
static bool skip_line(struct reference *self, bool is_field, enum chunked_step *step) {
	bool in_name = is_field;
	for (const size_t start = self->at;; self->at++) {
		*step = CHUNKED_NEEDS_MORE;
		if (self->at == self->count) return false;
		const uint8_t byte = self->bytes[self->at];
		const bool is_end = byte == '\r';
		const bool is_colon = in_name && byte == ':' && self->at > start;
		*step = CHUNKED_MALFORMED;
		if (in_name && !is_token(byte) && !is_colon) return false;
		if (!is_end && is_control(byte)) return false;
		if (++self->skipped > CHUNKED_MAX_SKIPPED_BYTES) return false;
		if (is_colon) in_name = false;
		if (is_end) break;
	}
	self->at++;
	return true;
}

static bool expect(struct reference *self, uint8_t wanted, enum chunked_step *step) {
	*step = self->at == self->count ? CHUNKED_NEEDS_MORE : CHUNKED_MALFORMED;
	return self->at < self->count && self->bytes[self->at++] == wanted;
}

/// Reads a body from its start to its end. Source: RFC 9112, 7.1.
static enum chunked_step read_body(struct reference *self, struct outcome *outcome) {
	enum chunked_step step;
	while (true) {
		uint64_t size = 0;
		int digits = 0;
		for (; self->at < self->count && hex(self->bytes[self->at]) >= 0; self->at++, digits++) {
			if (digits == CHUNKED_MAX_DIGITS) return CHUNKED_MALFORMED;
			size = size * 16 + (uint64_t)hex(self->bytes[self->at]);
		}
		if (self->at == self->count) return CHUNKED_NEEDS_MORE;
		if (digits == 0) return CHUNKED_MALFORMED;
		bool is_first = true; // the first space is not counted
		for (; self->at < self->count && (self->bytes[self->at] == ' ' || self->bytes[self->at] == '\t'); self->at++)
			if (!is_first && ++self->skipped > CHUNKED_MAX_SKIPPED_BYTES) return CHUNKED_MALFORMED;
			else is_first = false;
		if (self->at == self->count) return CHUNKED_NEEDS_MORE;
		if (self->bytes[self->at] == ';') {
			if (!is_first && ++self->skipped > CHUNKED_MAX_SKIPPED_BYTES) return CHUNKED_MALFORMED;
			self->at++;
			if (!skip_line(self, false, &step)) return step;
		} else if (!is_first || !expect(self, '\r', &step)) {
			return is_first ? step : CHUNKED_MALFORMED;
		}
		if (!expect(self, '\n', &step)) return step;
		if (size == 0) break;
		const size_t left = self->count - self->at, part = size < left ? (size_t)size : left;
		memcpy(outcome->data + outcome->count, self->bytes + self->at, part);
		outcome->count += part;
		self->at += part;
		if (!expect(self, '\r', &step) || !expect(self, '\n', &step)) return step;
	}
	while (self->at == self->count || self->bytes[self->at] != '\r') {
		if (self->at == self->count) return CHUNKED_NEEDS_MORE;
		if (!skip_line(self, true, &step) || !expect(self, '\n', &step)) return step;
	}
	self->at++;
	if (!expect(self, '\n', &step)) return step;
	outcome->used = self->at;
	return CHUNKED_END;
}

/// Decodes a body in pieces, each from memory of just its size.
static const char *decode(const uint8_t *bytes, size_t count, uint32_t seed, struct outcome *outcome) {
	struct chunked_decoder decoder = { 0 };
	struct splitter splitter = { seed };
	for (size_t at = 0; at < count;) {
		const size_t size = splitter_next(&splitter, count - at);
		uint8_t *piece = malloc(size);
		if (!piece) abort();
		memcpy(piece, bytes + at, size);
		enum chunked_step step = CHUNKED_NEEDS_MORE;
		size_t position = 0, used = 0, data = 0;
		while (position < size) {
			step = chunked_decoder_next(&decoder, piece + position, size - position, &used, &data);
			if (step == CHUNKED_MALFORMED) break;
			if (used == 0 || used > size - position || data > used) {
				free(piece);
				return finding("used %zu and data %zu of %zu bytes", used, data, size - position);
			}
			if (step == CHUNKED_DATA) {
				if (data == 0) {
					free(piece);
					return "data without bytes";
				}
				memcpy(outcome->data + outcome->count, piece + position + used - data, data);
				outcome->count += data;
			}
			position += used;
			if (step == CHUNKED_END) break;
		}
		free(piece);
		at += position;
		if (step == CHUNKED_MALFORMED || step == CHUNKED_END) {
			outcome->step = step;
			if (step == CHUNKED_END) outcome->used = at;
			return NULL;
		}
	}
	outcome->step = CHUNKED_NEEDS_MORE;
	return NULL;
}

static const char *compare(const struct outcome *wanted, const struct outcome *found, uint32_t seed) {
	if (found->step != wanted->step)
		return finding("split by %u: step %d instead of %d", seed, found->step, wanted->step);
	if (found->used != wanted->used)
		return finding("split by %u: ends after %zu instead of %zu bytes", seed, found->used, wanted->used);
	if (found->count != wanted->count || memcmp(found->data, wanted->data, found->count) != 0)
		return finding("split by %u: other data, %zu instead of %zu bytes", seed, found->count, wanted->count);
	return NULL;
}

const char *fuzz_chunked(const uint8_t *bytes, size_t count) {
	if (count == 0) return NULL;
	// Byte by byte only if there are few: each piece is memory of its own.
	const uint32_t seeds[] = { 0, (uint32_t)bytes[0] + 2, count <= 512 ? 1 : 2 };
	bytes++;
	count--;
	struct outcome wanted = { .data = malloc(count + 1) };
	struct outcome found = { .data = malloc(count + 1) };
	if (!wanted.data || !found.data) abort();
	struct reference reference = { bytes, count, 0, 0 };
	wanted.step = read_body(&reference, &wanted);
	const char *result = NULL;
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds && !result; i++) {
		found.count = found.used = 0;
		result = decode(bytes, count, seeds[i], &found);
		if (!result) result = compare(&wanted, &found, seeds[i]);
	}
	free(wanted.data);
	free(found.data);
	return result;
}
