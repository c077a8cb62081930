/// Bytes of a connection that came too early. Internal to the shim.
#ifndef SHIM_PENDING_INPUT_H
#define SHIM_PENDING_INPUT_H

#include <stddef.h>
#include <stdint.h>

/// The part of a head, or the next requests behind one that is pending. All zero when there are none.
struct pending_input {
	uint8_t *bytes;
	size_t count, capacity;
};

void pending_input_append(struct pending_input *self, const uint8_t *bytes, size_t count);

/// Removes the first `count` bytes. Without bytes it has no memory.
void pending_input_consume(struct pending_input *self, size_t count);

#endif
