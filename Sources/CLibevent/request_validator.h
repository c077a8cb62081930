/// Checks a request's head before evhttp gets it, and writes the canonical form that evhttp gets. Internal to the shim.
///
/// evhttp 2.1.12 accepts much that RFC 9112 forbids (two Content-Lengths, bare LF, NUL, …). A head that passes here is
/// well-formed and has one meaning. The canonical head has no fields about framing or the connection, and no white
/// space around values. So only this code interprets a request.
/// Pure functions: no socket, no allocation.
#ifndef SHIM_REQUEST_VALIDATOR_H
#define SHIM_REQUEST_VALIDATOR_H

#include "shim_server.h"

enum {
	REQUEST_MAX_FIELDS = 128,
	/// The most bytes by which a canonical head may be longer than the original: the request line, a space in each
	/// field, and the name of a Host field whose value comes from the target.
	REQUEST_CANONICAL_EXTRA = REQUEST_MAX_FIELDS + 32,
};

/// The parts of a request's head that the shim itself uses.
struct request_head {
	shim_method method;
	bool http10;
	bool keep_alive;
	bool chunked;
	bool expect_continue;
	uint8_t fields;          ///< how many there are
	uint64_t content_length; ///< 0 if there is none
};

/// The head as evhttp gets it.
struct canonical_head {
	uint8_t *bytes;
	size_t count;
	/// The position of the target in the client's bytes, in origin form: it begins with the path. A count of 0 means
	/// `/`. Source: RFC 9112, 3.2.1 and 3.2.2.
	size_t target, target_count;
};

/// The result of a search for the end of a head.
enum head_end { HEAD_END_MISSING, HEAD_END_FOUND, HEAD_END_MALFORMED };

/// Searches for the end of the head in `bytes`, which begin with the first line of the head. `*scanned` must be 0 at
/// first; a later call with more bytes continues where this one stopped. Once the end is found, `*scanned` is the
/// length of the head, including the empty line.
enum head_end request_find_end(const uint8_t *bytes, size_t count, size_t *scanned);

/// Checks a complete head. Returns 0, or the reason for the rejection (a `shim_reject`).
///
/// Fills `*head` and `*canonical`, whose `bytes` must have room for `count + REQUEST_CANONICAL_EXTRA`.
int request_validate(const uint8_t *bytes, size_t count, struct request_head *head, struct canonical_head *canonical);

#endif
