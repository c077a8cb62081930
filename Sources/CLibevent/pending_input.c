#include "pending_input.h"

#include <stdlib.h>
#include <string.h>

void pending_input_append(struct pending_input *self, const uint8_t *bytes, size_t count) {
	if (self->count + count > self->capacity) {
		self->capacity = (self->count + count) * 2;
		self->bytes = realloc(self->bytes, self->capacity);
		if (!self->bytes) abort();
	}
	memcpy(self->bytes + self->count, bytes, count);
	self->count += count;
}

void pending_input_consume(struct pending_input *self, size_t count) {
	self->count -= count;
	if (self->count) {
		memmove(self->bytes, self->bytes + count, self->count);
	} else {
		free(self->bytes);
		*self = (struct pending_input){ 0 };
	}
}
