#include "chunked_decoder.h"

#include "http_bytes.h"

/// The part of the body that the next byte belongs to.
enum {
	CHUNK_SIZE,
	CHUNK_SPACE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	TRAILER_START,
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	LAST_LF,
};

static bool chunk_size_byte(struct chunked_decoder *self, uint8_t byte) {
	const int value = hex_value(byte);
	if (value >= 0) {
		self->left = self->left * 16 + (unsigned)value;
		return ++self->digits <= CHUNKED_MAX_DIGITS;
	}
	if (self->digits == 0) return false;
	if (byte == '\r') self->state = CHUNK_SIZE_LF;
	else if (byte == ';') self->state = CHUNK_EXTENSION;
	else if (byte == ' ' || byte == '\t') self->state = CHUNK_SPACE;
	else return false;
	return true;
}

/// Skips a byte of an extension or a trailer. Only the line end matters. The number of skipped bytes is limited over
/// the whole body.
static bool skipped_byte(struct chunked_decoder *self, uint8_t byte, uint8_t after_line) {
	if (byte == '\r') self->state = after_line;
	else if (is_control_byte(byte)) return false;
	return ++self->skipped <= CHUNKED_MAX_SKIPPED_BYTES;
}

/// Consumes one byte of framing. False: it is malformed.
static bool framing_byte(struct chunked_decoder *self, uint8_t byte) {
	switch (self->state) {
	case CHUNK_SIZE: return chunk_size_byte(self, byte);
	case CHUNK_SPACE: // RFC 9112, 7.1.1: only before an extension
		if (byte == ';') self->state = CHUNK_EXTENSION;
		else if (byte != ' ' && byte != '\t') return false;
		return skipped_byte(self, byte, CHUNK_SIZE_LF);
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
		self->state = TRAILER_NAME;
		return is_token_byte(byte) && skipped_byte(self, byte, TRAILER_LF);
	case TRAILER_NAME: // RFC 9112, 5.1
		if (byte == ':') self->state = TRAILER_VALUE;
		else if (!is_token_byte(byte)) return false;
		return skipped_byte(self, byte, TRAILER_LF);
	case TRAILER_VALUE: return skipped_byte(self, byte, TRAILER_LF);
	case TRAILER_LF: self->state = TRAILER_START; return byte == '\n';
	default: return false;
	}
}

enum chunked_step chunked_decoder_next(
	struct chunked_decoder *self, const uint8_t *bytes, size_t count, size_t *used, size_t *data) {
	size_t at = 0;
	*data = 0;
	for (; at < count; at++) {
		if (self->state == CHUNK_DATA) {
			*data = count - at < self->left ? count - at : (size_t)self->left;
			*used = at + *data;
			self->left -= *data;
			if (!self->left) self->state = CHUNK_DATA_CR;
			return CHUNKED_DATA;
		}
		if (self->state == LAST_LF) {
			*used = at + 1;
			return bytes[at] == '\n' ? CHUNKED_END : CHUNKED_MALFORMED;
		}
		if (!framing_byte(self, bytes[at])) return CHUNKED_MALFORMED;
	}
	*used = at;
	return CHUNKED_NEEDS_MORE;
}
