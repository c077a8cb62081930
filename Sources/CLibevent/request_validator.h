/// Checks a request's head before evhttp gets it, and writes the form of it that evhttp gets. Internal to the shim.
///
/// evhttp 2.1.12 accepts much that RFC 9112 forbids (two Content-Lengths, bare LF, NUL, …). What passes here is
/// well-formed and has one meaning. evhttp gets a canonical head: no field that decides about framing or the
/// connection, and values without white space around them. So there is one reading of a request, this one.
/// Pure functions: no socket, no allocation.
#ifndef SHIM_REQUEST_VALIDATOR_H
#define SHIM_REQUEST_VALIDATOR_H

#include "shim_server.h"

enum {
	REQUEST_MAX_FIELDS = 128,
	/// Bytes by which a canonical head may be longer than the original: the request line, and a space in each field.
	REQUEST_CANONICAL_EXTRA = REQUEST_MAX_FIELDS + 32,
};

/// A request's head, as far as the shim itself looks at it.
struct request_head {
	shim_method method;
	bool http10;
	bool keep_alive;
	bool chunked;
	bool expect_continue;
	uint64_t content_length; ///< 0 when there is none
	/// The target's place in the bytes, in origin form: from its path on. A count of 0 stands for `/`.
	/// Source: RFC 9112, 3.2.1 and 3.2.2.
	size_t target, target_count;
	size_t canonical_count; ///< bytes of the canonical head
};

/// The result of a search for the end of a head.
enum head_end { HEAD_END_MISSING, HEAD_END_FOUND, HEAD_END_MALFORMED };

/// Searches for the end of the head in `bytes`, which begin with its first line. `*scanned` is 0 at first, and lets a
/// later call with more bytes go on where this one stopped; once found it is the head's length, the empty line
/// included.
enum head_end request_find_end(const uint8_t *bytes, size_t count, size_t *scanned);

/// Checks a complete head. Returns 0, or why it is rejected (a `shim_reject`).
///
/// Fills `*head`, and writes the canonical head to `canonical`, which has room for `count + REQUEST_CANONICAL_EXTRA`.
int request_validate(const uint8_t *bytes, size_t count, struct request_head *head, uint8_t *canonical);

#endif
