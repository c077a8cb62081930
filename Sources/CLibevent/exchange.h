/// One request and its reply. Internal to the shim.
#ifndef SHIM_EXCHANGE_H
#define SHIM_EXCHANGE_H

#include "byte_budget.h"
#include "byte_buffer.h"
#include "chunked_decoder.h"
#include "request_validator.h"
#include "shim_server.h"
#include <event2/buffer.h>
#include <event2/http.h>

enum exchange_state {
	EXCHANGE_IDLE,    ///< no byte of a request has arrived
	EXCHANGE_HEAD,    ///< a part of the head has arrived
	EXCHANGE_BODY,    ///< the head has arrived; the body is still arriving
	EXCHANGE_PENDING, ///< the function has the request
	EXCHANGE_SENDING, ///< the reply is complete but not all sent
};

/// What happens to the connection after the reply.
enum exchange_verdict {
	VERDICT_KEEP,   ///< the next request
	VERDICT_CLOSE,  ///< it is closed
	VERDICT_LINGER, ///< it is closed once the peer has stopped sending, because it was rejected in the middle of a
					///< request
};

/// What a client has proved who it is with, and the number that the function has noted about that.
struct credential {
	uint64_t number;
	size_t count;
	uint8_t bytes[];
};

struct shim_exchange {
	enum exchange_state state;
	enum exchange_verdict verdict;
	struct request_head head;
	size_t scanned;      ///< how far the bytes of the head have been searched for its end
	uint8_t empty_lines; ///< before the head
	bool judged;         ///< whether the function has seen the head
	bool has_target;     ///< whether `target` is this request's
	uint32_t mark;       ///< what the function has noted about the request; 0: nothing
	char *target;        ///< origin form, NUL-terminated; between requests, the previous target
	size_t target_capacity;
	struct credential *credential; ///< that was noted last on the connection; may be NULL
	/// evhttp's request, for its header fields; NULL until the whole head has arrived.
	struct evhttp_request *request;
	struct chunked_decoder decoder;
	uint64_t body_left; ///< bytes still expected by Content-Length
	struct byte_buffer body;
	size_t body_count;   ///< the bytes of the body that have arrived, all of them in the budget
	size_t taken;        ///< the bytes of the body that the function has taken, until it says what it holds
	size_t held;         ///< what the function holds for this request, as it says
	uint32_t head_count; ///< what evhttp's request takes in memory
	size_t paced_count;  ///< the bytes of the body that had arrived at `paced`
	int64_t paced;       ///< when the client was last given time to send more
	struct byte_budget *budget;
	void *context;         ///< the function's; NULL: the function is not told when the client leaves
	int64_t write_timeout; ///< lowers the server's timeout for this request; 0: not set
};

/// Whether the request may count: it takes more memory than each connection may have without being counted.
static inline bool exchange_holds_much(const struct shim_exchange *self) {
	return self->head_count + self->body_count + self->taken + self->held > SHIM_UNCOUNTED_BYTES;
}

/// Whether the function gets the request with its body, and judges it before: a POST, or a DELETE.
static inline bool exchange_is_handled(const struct shim_exchange *self) {
	return self->head.method == SHIM_METHOD_POST || self->head.method == SHIM_METHOD_DELETE;
}

/// Frees what belongs to the request, and its body. The state does not change.
void exchange_clear(struct shim_exchange *self);

/// Stores the request's target, with a slash before it if it has none. Source: RFC 9112, 3.2.1. Reuses the memory of
/// the previous target if it is large enough. Returns false if there is no memory.
bool exchange_set_target(struct shim_exchange *self, const char *bytes, size_t count);

/// Frees the memory that is kept between requests.
void exchange_free(struct shim_exchange *self);

/// Whether input belongs to this request. If not, it waits as pending input.
bool exchange_takes_input(const struct shim_exchange *self);

#endif
