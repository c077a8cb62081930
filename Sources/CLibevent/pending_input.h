/// Bytes of a connection that arrived before they can be handled. Internal to the shim.
#ifndef SHIM_PENDING_INPUT_H
#define SHIM_PENDING_INPUT_H

#include <stddef.h>
#include <stdint.h>

/// The most bytes of pending input behind a request. Above it, the socket is not read.
enum { PENDING_INPUT_LIMIT = 64 * 1024 };

/// A partial head, or the requests that arrived behind a pending one. All zero when empty.
struct pending_input {
	uint8_t *bytes;
	size_t count, capacity;
};

void pending_input_append(struct pending_input *self, const uint8_t *bytes, size_t count);

/// Removes the first `count` bytes. Frees the memory when no bytes are left.
void pending_input_consume(struct pending_input *self, size_t count);

#endif
