/// Counts the bytes that the clients of a server make it hold. Internal to the shim.
#ifndef SHIM_BYTE_BUDGET_H
#define SHIM_BYTE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/// Each byte counts until it is freed, on any thread. The budget can therefore outlive its server: it is freed with its
/// last reference.
struct byte_budget {
	size_t limit;
	atomic_size_t bytes;
	atomic_size_t references;
};

/// Makes a budget with one reference. NULL if there is no memory.
struct byte_budget *byte_budget_new(size_t limit);
void byte_budget_retain(struct byte_budget *self);
void byte_budget_release(struct byte_budget *self);

void byte_budget_add(struct byte_budget *self, size_t count);
void byte_budget_subtract(struct byte_budget *self, size_t count);
size_t byte_budget_bytes(const struct byte_budget *self);

/// Whether `count` more bytes are within the limit.
bool byte_budget_has_room(const struct byte_budget *self, size_t count);

#endif
