#include "byte_buffer.h"

#include <stdlib.h>
#include <string.h>

/// A buffer with more memory than this gives back what it does not use.
enum { KEPT_CAPACITY = 64 * 1024 };

static void move_to_front(struct byte_buffer *self) {
	if (!self->start) return;
	memmove(self->memory, self->memory + self->start, byte_buffer_count(self));
	self->end -= self->start;
	self->start = 0;
}

static bool resize(struct byte_buffer *self, size_t capacity) {
	uint8_t *memory = realloc(self->memory, capacity);
	if (!memory) return false;
	self->memory = memory;
	self->capacity = capacity;
	return true;
}

bool byte_buffer_append(struct byte_buffer *self, const void *bytes, size_t count, size_t expected) {
	if (!count) return true;
	// Moving half of the memory or less costs no more than what was read before.
	if (count > self->capacity - self->end && self->start >= self->capacity / 2) move_to_front(self);
	const size_t needed = self->end + count;
	if (needed > self->capacity) {
		const size_t wanted = needed + needed / 2;
		const size_t capacity = expected >= needed && expected < wanted ? expected : wanted;
		if (!resize(self, capacity) && !resize(self, needed)) return false;
	}
	memcpy(self->memory + self->end, bytes, count);
	self->end += count;
	return true;
}

void byte_buffer_consume(struct byte_buffer *self, size_t count) {
	self->start += count;
	if (self->start == self->end) {
		byte_buffer_free(self);
	} else if (self->capacity > KEPT_CAPACITY && byte_buffer_count(self) < self->capacity / 4) {
		move_to_front(self);
		resize(self, self->capacity / 2);
	}
}

void byte_buffer_free(struct byte_buffer *self) {
	free(self->memory);
	*self = (struct byte_buffer){ 0 };
}
