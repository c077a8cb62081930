#include "parser.h"

#include <event2/event.h>
#include <string.h>
#include <strings.h>

/// Called when evhttp has parsed a request.
static void on_request(struct evhttp_request *request, void *context) {
	struct parser **parsing = context;
	(*parsing)->request = request;
}

/// Called when evhttp frees its connection, for any reason. The socket stays open, because the bufferevent no longer
/// has it.
static void on_closed(struct evhttp_connection *evcon, void *context) {
	(void)evcon;
	struct parser *self = context;
	*self = (struct parser){ 0 };
}

void parser_set_up(struct evhttp *http, struct parser **parsing) {
	evhttp_set_gencb(http, on_request, parsing);
	// evhttp gets no method that the shim has not accepted.
	evhttp_set_allowed_methods(
		http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
}

bool parser_begin(struct parser *self, struct event_base *base) {
	// With close-on-free, evhttp never closes the socket itself. After setfd(-1), only the shim closes it.
	*self = (struct parser){ .bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE) };
	if (self->bev) bufferevent_incref(self->bev);
	return self->bev;
}

void parser_give_up(struct parser *self) {
	bufferevent_free(self->bev);
	bufferevent_decref(self->bev);
	self->bev = NULL;
}

int parser_take_socket(struct parser *self) {
	struct bufferevent *bev = self->bev;
	void *evcon = NULL; // the argument of evhttp's callbacks
	bufferevent_getcb(bev, NULL, NULL, NULL, &evcon);
	const int fd = bufferevent_getfd(bev);
	if (!evcon) { // evhttp ran out of memory: before it took the bufferevent, or later
		if (fd < 0) bufferevent_free(bev);
		bufferevent_decref(bev);
		self->bev = NULL;
		return -1;
	}
	bufferevent_setfd(bev, -1);
	evhttp_connection_set_closecb(evcon, on_closed, self);
	self->evcon = evcon;
	bufferevent_decref(bev);
	return fd;
}

struct evbuffer *parser_input(const struct parser *self) {
	return bufferevent_get_input(self->bev);
}

struct evhttp_request *parser_parse(struct parser *self, struct parser **parsing) {
	*parsing = self;
	bufferevent_trigger(self->bev, EV_READ, BEV_TRIG_IGNORE_WATERMARKS);
	*parsing = NULL;
	return self->request;
}

bool parser_complete(struct parser *self) {
	struct evhttp_request *request = self->request;
	self->request = NULL;
	evhttp_send_reply_end(request); // its output is empty, so it gets ready for the next request at once
	return self->evcon != NULL;
}

const char *parser_peer(const struct parser *self) {
	char *address = NULL;
	ev_uint16_t port = 0;
	if (self->evcon) evhttp_connection_get_peer(self->evcon, &address, &port);
	if (!address) return "";
	const bool is_mapped = strncasecmp(address, "::ffff:", 7) == 0 && strchr(address, '.'); // a socket of both families
	return is_mapped ? address + 7 : address;
}

void parser_free(struct parser *self) {
	if (self->evcon) evhttp_connection_free(self->evcon); // `on_closed` empties the parser
}
