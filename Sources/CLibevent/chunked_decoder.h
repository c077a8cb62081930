/// Decodes a chunked body (RFC 9112, 7.1). Internal to the shim. Pure functions: no socket, no allocation.
#ifndef SHIM_CHUNKED_DECODER_H
#define SHIM_CHUNKED_DECODER_H

#include <stddef.h>
#include <stdint.h>

enum {
	/// The most bytes of extensions and trailers in one body, taken together.
	CHUNKED_MAX_SKIPPED_BYTES = 4096,
	/// The most hexadecimal digits in a chunk size.
	CHUNKED_MAX_DIGITS = 15,
};

/// The state of a decoder. All zero at the start.
struct chunked_decoder {
	uint64_t left;    ///< bytes left of this chunk's data, or its size as read so far
	uint32_t digits;  ///< digits of this chunk's size read so far
	uint32_t skipped; ///< bytes of extensions and trailers so far
	uint8_t state;
};

enum chunked_step { CHUNKED_DATA, CHUNKED_NEEDS_MORE, CHUNKED_END, CHUNKED_MALFORMED };

/// Decodes the next part of a body, and sets `*used` to the number of bytes it consumed. With CHUNKED_DATA, the last
/// `*data` of them are body bytes. CHUNKED_NEEDS_MORE asks for more input. CHUNKED_END is the end of the body.
enum chunked_step chunked_decoder_next(
	struct chunked_decoder *self, const uint8_t *bytes, size_t count, size_t *used, size_t *data);

#endif
