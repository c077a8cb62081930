/// Turns a connection's bytes into a request. Internal to the shim.
#ifndef SHIM_INPUT_H
#define SHIM_INPUT_H

#include "exchange.h"

enum input_event {
	INPUT_NEEDS_MORE, ///< the bytes are consumed, or the rest is a partial head
	INPUT_HEAD,       ///< the head is complete and accepted; a body may follow
	INPUT_COMPLETE,   ///< the body is complete
	INPUT_REJECTED,   ///< the request is rejected: see `reason`
};

struct input_step {
	enum input_event event;
	size_t used;        ///< bytes that were consumed
	shim_reject reason; ///< for INPUT_REJECTED
};

/// Consumes as much as it can of `bytes`. They begin where the last call stopped; there is at least one.
///
/// For a head, it fills `exchange->head`, stores the target, and adds the canonical head to `parser_input`. The caller
/// changes the exchange's state: to EXCHANGE_HEAD if a part of a head is left, to EXCHANGE_BODY after INPUT_HEAD with a
/// body.
struct input_step input_next(struct shim_exchange *exchange, const shim_server_limits *limits,
	struct evbuffer *parser_input, const uint8_t *bytes, size_t count);

/// Whether the head announces a body.
bool input_has_body(const struct shim_exchange *exchange);

/// The most bytes that the body can take of the next `count`.
size_t input_body_bytes(const struct shim_exchange *exchange, size_t count);

#endif
