#define _GNU_SOURCE // memmem
#include "text.h"

#include <string.h>
#include <strings.h>

bool text_is(struct text text, const char *word) {
	return text.count == strlen(word) && strncasecmp((const char *)text.bytes, word, text.count) == 0;
}

static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\t'; }

struct text text_trimmed(struct text text) {
	while (text.count && is_space(text.bytes[0])) text.bytes++, text.count--;
	while (text.count && is_space(text.bytes[text.count - 1])) text.count--;
	return text;
}

struct text text_take_until(struct text *rest, const char *end) {
	const uint8_t *found = memmem(rest->bytes, rest->count, end, strlen(end));
	const size_t count = found ? (size_t)(found - rest->bytes) : rest->count;
	const size_t used = found ? count + strlen(end) : count;
	const struct text text = { rest->bytes, count };
	rest->bytes += used;
	rest->count -= used;
	return text;
}
