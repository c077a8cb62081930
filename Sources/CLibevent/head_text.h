/// Text in a request's head, and how the canonical head is written. Internal to the shim.
#ifndef SHIM_HEAD_TEXT_H
#define SHIM_HEAD_TEXT_H

#include "request_validator.h"

#include <string.h>

struct text {
	const uint8_t *bytes;
	size_t count;
};

/// Whether `text` equals `word` regardless of case. `word` must be in lower case. Independent of the locale.
static inline bool equals(struct text text, const char *word) {
	if (text.count != strlen(word)) return false;
	for (size_t i = 0; i < text.count; i++) {
		const uint8_t byte = text.bytes[i];
		if ((byte >= 'A' && byte <= 'Z' ? byte | 32 : byte) != word[i]) return false;
	}
	return true;
}

/// RFC 9110, 5.6.3.
static inline bool is_space(uint8_t byte) { return byte == ' ' || byte == '\t'; }

static inline struct text trimmed(struct text text) {
	while (text.count && is_space(text.bytes[0])) text.bytes++, text.count--;
	while (text.count && is_space(text.bytes[text.count - 1])) text.count--;
	return text;
}

static inline void put(struct canonical_head *output, const void *bytes, size_t count) {
	memcpy(output->bytes + output->count, bytes, count);
	output->count += count;
}

static inline void put_field(struct canonical_head *output, struct text name, struct text value) {
	put(output, name.bytes, name.count);
	put(output, ": ", 2);
	put(output, value.bytes, value.count);
	put(output, "\r\n", 2);
}

#endif
