#include "exchange.h"

#include <stdlib.h>

struct shim_body {
	struct evbuffer *bytes;
	struct byte_budget *budget;
	size_t count;
};

shim_body *shim_exchange_take_body(shim_exchange *self) {
	if (!self->request || !self->body) return NULL;
	struct shim_body *body = malloc(sizeof *body);
	if (!body) return NULL;
	*body = (struct shim_body){ self->body, self->budget, self->body_count };
	byte_budget_retain(body->budget);
	self->body = NULL;
	self->body_count = 0; // the budget counts these bytes until the body is freed
	return body;
}

size_t shim_body_count(const shim_body *self) { return self->count; }

void shim_body_copy(const shim_body *self, void *bytes) { evbuffer_copyout(self->bytes, bytes, self->count); }

void shim_body_free(shim_body *self) {
	evbuffer_free(self->bytes);
	byte_budget_subtract(self->budget, self->count);
	byte_budget_release(self->budget);
	free(self);
}
