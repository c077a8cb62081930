/// What the function can ask of a request.
#include "connection.h"
#include <event2/keyvalq_struct.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct shim_body {
	struct evbuffer *bytes;
	struct body_account *account;
	size_t count;
};

void shim_exchange_set_context(shim_exchange *self, void *context) { self->context = context; }

shim_method shim_exchange_method(const shim_exchange *self) {
	return self->request ? self->head.method : SHIM_METHOD_NONE;
}

const char *shim_exchange_path(const shim_exchange *self, size_t *count) {
	const char *target = self->request ? evhttp_request_get_uri(self->request) : "";
	if (target[0] != '/') { // absolute form, RFC 9112, 3.2.2: the authority is ours whatever it says
		const char *authority = strstr(target, "://");
		const char *path = authority ? strpbrk(authority + 3, "/?") : NULL;
		target = path && *path == '/' ? path : "/";
	}
	*count = strcspn(target, "?#");
	return target;
}

const char *shim_exchange_header(const shim_exchange *self, const char *name) {
	return self->request ? evhttp_find_header(evhttp_request_get_input_headers(self->request), name) : NULL;
}

const char *shim_exchange_header_at(const shim_exchange *self, const char *name, size_t index) {
	if (!self->request) return NULL;
	const struct evkeyval *field = evhttp_request_get_input_headers(self->request)->tqh_first;
	for (; field; field = field->next.tqe_next) {
		if (!strcasecmp(field->key, name) && index-- == 0) return field->value;
	}
	return NULL;
}

const char *shim_exchange_peer(const shim_exchange *self) {
	char *address = NULL;
	ev_uint16_t port = 0;
	if (self->evcon) evhttp_connection_get_peer(self->evcon, &address, &port);
	if (!address) return "";
	const bool mapped = strncasecmp(address, "::ffff:", 7) == 0 && strchr(address, '.'); // a socket of both families
	return mapped ? address + 7 : address;
}

bool shim_exchange_keep_alive(const shim_exchange *self) { return !self->close_after; }

bool shim_exchange_is_http10(const shim_exchange *self) { return self->head.http10; }

size_t shim_exchange_body_count(const shim_exchange *self) { return self->request ? self->body_count : 0; }

shim_body *shim_exchange_take_body(shim_exchange *self) {
	if (!self->request || !self->body_count) return NULL;
	struct shim_body *body = malloc(sizeof *body);
	struct evbuffer *bytes = body ? evbuffer_new() : NULL;
	if (!bytes) {
		free(body);
		return NULL;
	}
	evbuffer_add_buffer(bytes, evhttp_request_get_input_buffer(self->request)); // moves its chains: no byte is copied
	*body = (struct shim_body){ bytes, self->server->account, self->body_count };
	account_retain(body->account);
	self->body_count = 0; // the account goes on with the body
	return body;
}

size_t shim_body_count(const shim_body *self) { return evbuffer_get_length(self->bytes); }

void shim_body_copy(const shim_body *self, void *bytes) {
	evbuffer_copyout(self->bytes, bytes, evbuffer_get_length(self->bytes));
}

void shim_body_free(shim_body *self) {
	evbuffer_free(self->bytes);
	account_release(self->account, self->count);
	free(self);
}
