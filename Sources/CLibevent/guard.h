/// A look at a request's raw bytes before evhttp gets them.
///
/// evhttp 2.1.12 accepts much that RFC 9112 forbids (two Content-Lengths, bare LF, NUL, `+2` as a chunk size, …), and
/// leaves some of it waiting for ever. What passes here is well-formed, and is framed in the one way that nobody can
/// read differently. Pure functions: no socket, no allocation.
#ifndef SHIM_GUARD_H
#define SHIM_GUARD_H

#include "shim_server.h"

enum { GUARD_MAX_FIELDS = 128 };

/// What the shim itself needs to know of a head.
struct guard_head {
	shim_method method;
	bool http10;
	bool keep_alive;
	bool chunked;
	bool expect_continue;
	uint64_t content_length;          ///< 0 when there is none
	size_t encoding_at, encoding_end; ///< the line of Transfer-Encoding, if chunked
};

enum guard_scan { GUARD_INCOMPLETE, GUARD_COMPLETE, GUARD_BAD };

/// Looks for the end of the head in `bytes`, which begin with its first line. `*scanned` is 0 at first and lets a later
/// call with more bytes go on where this one stopped; once complete it is the head's length, the empty line included.
enum guard_scan guard_find_end(const uint8_t *bytes, size_t count, size_t *scanned);

/// Checks a complete head. Returns 0 and fills `*head`, or why it is refused.
int guard_check_head(const uint8_t *bytes, size_t count, struct guard_head *head);

/// Where the decoder of a chunked body (RFC 9112, 7.1) stands. All zero at the start.
struct guard_chunks {
	uint64_t left; ///< bytes of this chunk's data, or its size so far
	uint32_t digits;
	uint32_t skipped; ///< bytes of extensions and trailers: bounded
	uint8_t state;
};

enum guard_step { GUARD_DATA, GUARD_MORE, GUARD_END, GUARD_BAD_CHUNK };

/// Decodes the next part of a chunked body: `*used` bytes were looked at. With GUARD_DATA, `*data` of them, the last
/// ones, are body bytes; GUARD_MORE wants more input, GUARD_END is the end of the body.
enum guard_step guard_next_chunk(
	struct guard_chunks *self, const uint8_t *bytes, size_t count, size_t *used, size_t *data);

#endif
