#include "byte_budget.h"

#include <stdlib.h>

struct byte_budget *byte_budget_new(size_t limit) {
	struct byte_budget *self = calloc(1, sizeof *self);
	if (!self) return NULL;
	self->limit = limit;
	atomic_init(&self->references, 1);
	return self;
}

void byte_budget_retain(struct byte_budget *self) {
	atomic_fetch_add_explicit(&self->references, 1, memory_order_relaxed);
}

void byte_budget_release(struct byte_budget *self) {
	if (atomic_fetch_sub_explicit(&self->references, 1, memory_order_acq_rel) == 1) free(self);
}

void byte_budget_add(struct byte_budget *self, size_t count) {
	atomic_fetch_add_explicit(&self->bytes, count, memory_order_relaxed);
}

void byte_budget_subtract(struct byte_budget *self, size_t count) {
	atomic_fetch_sub_explicit(&self->bytes, count, memory_order_relaxed);
}

size_t byte_budget_bytes(const struct byte_budget *self) {
	return atomic_load_explicit(&self->bytes, memory_order_relaxed);
}

bool byte_budget_has_room(const struct byte_budget *self, size_t count) {
	const size_t bytes = byte_budget_bytes(self);
	return bytes <= self->limit && count <= self->limit - bytes;
}
