#include "exchange.h"

#include <stdlib.h>
#include <string.h>

struct shim_body {
	struct byte_buffer bytes;
	struct byte_budget *budget;
};

shim_body *shim_exchange_take_body(shim_exchange *self) {
	if (!self->request || !self->body_count) return NULL;
	struct shim_body *body = malloc(sizeof *body);
	if (!body) return NULL;
	*body = (struct shim_body){ self->body, self->budget };
	byte_budget_retain(body->budget);
	self->taken = self->body_count;
	self->body = (struct byte_buffer){ 0 };
	self->body_count = 0; // the budget counts these bytes until the body is freed
	return body;
}

size_t shim_body_count(const shim_body *self) { return byte_buffer_count(&self->bytes); }

void shim_body_copy(const shim_body *self, void *bytes) {
	memcpy(bytes, byte_buffer_bytes(&self->bytes), byte_buffer_count(&self->bytes));
}

void shim_body_free(shim_body *self) {
	byte_budget_subtract(self->budget, byte_buffer_count(&self->bytes));
	byte_buffer_free(&self->bytes);
	byte_budget_release(self->budget);
	free(self);
}
