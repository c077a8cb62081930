/// A growable queue of bytes in one piece. Internal to the shim.
#ifndef SHIM_BYTE_BUFFER_H
#define SHIM_BYTE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// All zero when empty: an empty buffer has no memory.
struct byte_buffer {
	uint8_t *memory;
	size_t start, end, capacity; ///< the bytes are those from `start` to `end`
};

static inline size_t byte_buffer_count(const struct byte_buffer *self) { return self->end - self->start; }

static inline const uint8_t *byte_buffer_bytes(const struct byte_buffer *self) { return self->memory + self->start; }

/// Adds bytes at the end. `expected`: how many bytes the buffer will have at most, if that is known, otherwise 0; it
/// never gets more memory than for those. Returns false, and adds nothing, if there is no memory.
bool byte_buffer_append(struct byte_buffer *self, const void *bytes, size_t count, size_t expected);

/// Removes the first `count` bytes. Frees memory that is no longer needed.
void byte_buffer_consume(struct byte_buffer *self, size_t count);

/// Removes all bytes, and frees the memory.
void byte_buffer_free(struct byte_buffer *self);

#endif
