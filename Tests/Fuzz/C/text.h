/// A part of a head, which is not copied. Internal to the checks.
#ifndef FUZZ_TEXT_H
#define FUZZ_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	const uint8_t *bytes;
	size_t count;
};

/// Whether the text is `word`, in any case.
bool text_is(struct text text, const char *word);

/// The text without the spaces and tabs around it.
struct text text_trimmed(struct text text);

/// The text before `end`, which is removed from `rest` too. Without `end`, all of the rest.
struct text text_take_until(struct text *rest, const char *end);

#endif
