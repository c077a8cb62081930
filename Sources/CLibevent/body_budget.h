/// Counts the bytes of all bodies that a server holds. Internal to the shim.
#ifndef SHIM_BODY_BUDGET_H
#define SHIM_BODY_BUDGET_H

#include <stdatomic.h>
#include <stddef.h>

/// The number of body bytes. Each byte counts until its body is freed, on any thread. The budget can therefore outlive
/// its server: it is freed with its last reference.
struct body_budget {
	atomic_size_t bytes;
	atomic_size_t references;
};

/// Makes a budget with one reference. NULL if there is no memory.
struct body_budget *body_budget_new(void);
void body_budget_retain(struct body_budget *self);
void body_budget_release(struct body_budget *self);

void body_budget_add(struct body_budget *self, size_t count);
void body_budget_subtract(struct body_budget *self, size_t count);
size_t body_budget_bytes(const struct body_budget *self);

#endif
