/// evhttp's side of a connection: it parses canonical heads into header fields. Internal to the shim.
#ifndef SHIM_PARSER_H
#define SHIM_PARSER_H

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdbool.h>

/// evhttp's connection and its bufferevent, which have the same lifetime. Both are NULL when evhttp has closed its
/// side.
struct parser {
	struct evhttp_connection *evcon;
	struct bufferevent *bev;
	/// The request that evhttp has parsed and whose reply it waits for; NULL otherwise. Freed with the connection, or
	/// by `parser_complete`.
	struct evhttp_request *request;
};

/// Makes evhttp hand each parsed request to `*parsing`, the parser that is working at that time.
void parser_set_up(struct evhttp *http, struct parser **parsing);

/// Creates the bufferevent that evhttp will use for a new connection. Returns false if there is no memory.
bool parser_begin(struct parser *self, struct event_base *base);

/// Takes the socket from evhttp before anything was read. Returns the socket, or -1 if evhttp ran out of memory and has
/// freed everything.
int parser_take_socket(struct parser *self);

/// The buffer for the canonical head of the next request.
struct evbuffer *parser_input(const struct parser *self);

/// Makes evhttp parse the head in its input. Returns the request; NULL if evhttp rejected it.
struct evhttp_request *parser_parse(struct parser *self, struct parser **parsing);

/// Tells evhttp that the reply is sent, so that it gets ready for the next request. False: evhttp has closed its side
/// instead.
bool parser_complete(struct parser *self);

/// The client's numeric address, as evhttp read it. Valid as long as the connection.
const char *parser_peer(const struct parser *self);

/// Undoes `parser_begin`, if evhttp did not get the bufferevent.
void parser_give_up(struct parser *self);

/// Frees evhttp's side and its request. evhttp shuts down the sending side of the socket.
void parser_free(struct parser *self);

#endif
