#include "body_budget.h"

#include <stdlib.h>

struct body_budget *body_budget_new(void) {
	struct body_budget *self = calloc(1, sizeof *self);
	if (self) atomic_init(&self->references, 1);
	return self;
}

void body_budget_retain(struct body_budget *self) {
	atomic_fetch_add_explicit(&self->references, 1, memory_order_relaxed);
}

void body_budget_release(struct body_budget *self) {
	if (atomic_fetch_sub_explicit(&self->references, 1, memory_order_acq_rel) == 1) free(self);
}

void body_budget_add(struct body_budget *self, size_t count) {
	atomic_fetch_add_explicit(&self->bytes, count, memory_order_relaxed);
}

void body_budget_subtract(struct body_budget *self, size_t count) {
	atomic_fetch_sub_explicit(&self->bytes, count, memory_order_relaxed);
}

size_t body_budget_bytes(const struct body_budget *self) {
	return atomic_load_explicit(&self->bytes, memory_order_relaxed);
}
