#include "exchange.h"

#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void exchange_clear(struct shim_exchange *self) {
	self->request = NULL;
	self->context = NULL;
	self->write_timeout = 0;
	self->mark = 0;
	byte_buffer_free(&self->body);
	byte_budget_subtract(self->budget, self->body_count);
	self->body_count = self->taken = self->held = self->head_count = 0;
}

bool exchange_set_target(struct shim_exchange *self, const char *bytes, size_t count) {
	enum { LEAST_CAPACITY = 24 }; // what malloc gives at least
	enum { KEPT_CAPACITY = 256 }; // an idle connection does not keep more
	const size_t slash = count && bytes[0] == '/' ? 0 : 1;
	count += slash;
	if (count >= self->target_capacity || self->target_capacity > KEPT_CAPACITY) {
		free(self->target);
		self->has_target = false;
		self->target_capacity = count < LEAST_CAPACITY ? LEAST_CAPACITY : count + 1;
		self->target = malloc(self->target_capacity);
		if (!self->target) {
			self->target_capacity = 0;
			return false;
		}
	}
	self->target[0] = '/';
	memcpy(self->target + slash, bytes, count - slash);
	self->target[count] = 0;
	self->has_target = true;
	return true;
}

static void forget_credential(struct shim_exchange *self) {
	struct credential *old = self->credential;
	if (!old) return;
	explicit_bzero(old->bytes, old->count);
	free(old);
	self->credential = NULL;
}

void exchange_free(struct shim_exchange *self) {
	exchange_clear(self);
	forget_credential(self);
	free(self->target);
	self->target = NULL;
	self->has_target = false;
}

bool exchange_takes_input(const struct shim_exchange *self) {
	switch (self->state) {
	case EXCHANGE_IDLE:
	case EXCHANGE_HEAD:
	case EXCHANGE_BODY: return true;
	case EXCHANGE_PENDING:
	case EXCHANGE_SENDING: return false;
	}
	return false;
}

// ---- what the function can read from a request

void shim_exchange_set_context(shim_exchange *self, void *context) { self->context = context; }

void shim_exchange_set_mark(shim_exchange *self, uint32_t mark) { self->mark = mark; }

uint32_t shim_exchange_mark(const shim_exchange *self) { return self->mark; }

void shim_exchange_note_credential(shim_exchange *self, const void *credential, size_t count, uint64_t number) {
	enum { MOST_BYTES = 256 };
	forget_credential(self);
	if (count > MOST_BYTES) return;
	struct credential *new = malloc(sizeof *new + count);
	if (!new) return;
	new->number = number;
	new->count = count;
	if (count > 0) memcpy(new->bytes, credential, count);
	self->credential = new;
}

uint64_t shim_exchange_credential(const shim_exchange *self, const void *credential, size_t count) {
	const struct credential *noted = self->credential;
	if (!noted || noted->count != count) return 0;
	const uint8_t *bytes = credential;
	uint8_t difference = 0;
	for (size_t i = 0; i < count; i++) difference |= bytes[i] ^ noted->bytes[i];
	return difference ? 0 : noted->number;
}

shim_method shim_exchange_method(const shim_exchange *self) { return self->head.method; }

const char *shim_exchange_path(const shim_exchange *self, size_t *count) {
	const char *target = self->has_target ? self->target : "/";
	*count = strcspn(target, "?");
	return target;
}

const char *shim_exchange_query(const shim_exchange *self, size_t *count) {
	size_t path = 0;
	const char *rest = shim_exchange_path(self, &path) + path;
	if (*rest != '?') return NULL;
	*count = strlen(rest + 1);
	return rest + 1;
}

const char *shim_exchange_header(const shim_exchange *self, const char *name, size_t index) {
	if (!self->request) return NULL;
	const struct evkeyval *field = evhttp_request_get_input_headers(self->request)->tqh_first;
	for (; field; field = field->next.tqe_next) {
		// Upper and lower case of a letter differ in one bit: most fields need no other look.
		if ((*field->key ^ *name) & ~0x20) continue;
		if (!strcasecmp(field->key, name) && index-- == 0) return field->value;
	}
	return NULL;
}

bool shim_exchange_next_field(const shim_exchange *self, const void **cursor, const char **name, const char **value) {
	if (!self->request) return false;
	const struct evkeyval *last = *cursor;
	const struct evkeyval *field = last ? last->next.tqe_next
										: evhttp_request_get_input_headers(self->request)->tqh_first;
	if (!field) return false;
	*cursor = field;
	*name = field->key;
	*value = field->value;
	return true;
}

bool shim_exchange_keep_alive(const shim_exchange *self) { return self->verdict == VERDICT_KEEP; }

bool shim_exchange_is_http10(const shim_exchange *self) { return self->head.http10; }

size_t shim_exchange_body_count(const shim_exchange *self) { return self->request ? self->body_count : 0; }
