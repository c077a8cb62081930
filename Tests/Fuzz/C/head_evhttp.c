#include "head_evhttp.h"

#include "../../../Sources/CLibevent/parser.h"
#include "finding.h"
#include "text.h"
#include <event2/event.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// ---- a connection that evhttp takes for a client's

/// Opens a socket that listens on a new address in the abstract namespace of unix(7), which needs no port.
static int listen_locally(void) {
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const struct sockaddr_un address = { .sun_family = AF_UNIX };
	// Without a path, the kernel chooses an address. Source: unix(7), "Autobind feature".
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address.sun_family) < 0 || listen(fd, 16) < 0) {
		if (fd >= 0) close(fd);
		return -1;
	}
	return fd;
}

/// Connects to the socket that `listener` listens on. -1: it failed.
static int connect_locally(int listener) {
	struct sockaddr_un address;
	socklen_t length = sizeof address;
	if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) return -1;
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, length) == 0) return fd;
	if (fd >= 0) close(fd);
	return -1;
}

/// evhttp's side of a connection, as the shim uses it, which reads one head after another.
static struct {
	struct event_base *base;
	struct evhttp *http;
	int listener;
	struct parser parser;
	struct parser *parsing;
} evhttp;

static struct bufferevent *on_accept(struct event_base *base, void *context) {
	(void)context;
	return parser_begin(&evhttp.parser, base) ? evhttp.parser.bev : NULL;
}

/// Makes a connection of evhttp's, unless there is one. Its socket is not needed.
static bool have_parser(void) {
	if (!evhttp.base) {
		evhttp.base = event_base_new();
		evhttp.http = evhttp_new(evhttp.base);
		evhttp_set_bevcb(evhttp.http, on_accept, NULL);
		parser_set_up(evhttp.http, &evhttp.parsing);
		evhttp.listener = listen_locally();
		if (evhttp.listener < 0 || evhttp_accept_socket(evhttp.http, evhttp.listener) < 0) return false;
	}
	if (evhttp.parser.evcon) return true;
	const int client = connect_locally(evhttp.listener);
	if (client < 0) return false;
	event_base_loop(evhttp.base, EVLOOP_ONCE);
	close(client);
	const int fd = parser_take_socket(&evhttp.parser);
	if (fd >= 0) close(fd);
	return evhttp.parser.evcon;
}

// ---- the comparison

const char *compare_with_evhttp(const struct canonical_head *canonical, shim_method method) {
	static const enum evhttp_cmd_type commands[] = { [SHIM_METHOD_GET] = EVHTTP_REQ_GET,
		[SHIM_METHOD_HEAD] = EVHTTP_REQ_HEAD,
		[SHIM_METHOD_POST] = EVHTTP_REQ_POST,
		[SHIM_METHOD_OPTIONS] = EVHTTP_REQ_OPTIONS };
	if (!have_parser()) abort();
	evbuffer_add(parser_input(&evhttp.parser), canonical->bytes, canonical->count);
	struct evhttp_request *request = parser_parse(&evhttp.parser, &evhttp.parsing);
	if (!request) {
		parser_free(&evhttp.parser);
		return "evhttp rejects what the validator accepts";
	}
	const char *result = NULL;
	if (evhttp_request_get_command(request) != commands[method]) result = "evhttp reads another method";
	else if (strcmp(evhttp_request_get_uri(request), "/") != 0) result = "evhttp reads another target";
	struct text rest = { canonical->bytes, canonical->count };
	text_take_until(&rest, "\r\n");
	const struct evkeyval *field = evhttp_request_get_input_headers(request)->tqh_first;
	for (; field && !result; field = field->next.tqe_next) {
		struct text line = text_take_until(&rest, "\r\n");
		const struct text name = text_take_until(&line, ": ");
		if (strlen(field->key) != name.count || memcmp(field->key, name.bytes, name.count) != 0)
			result = finding("evhttp reads the name '%s' instead of '%.*s'", field->key, (int)name.count, name.bytes);
		else if (strlen(field->value) != line.count || memcmp(field->value, line.bytes, line.count) != 0)
			result = finding(
				"evhttp reads '%s: %s' instead of '%.*s'", field->key, field->value, (int)line.count, line.bytes);
	}
	if (!result && (rest.count != 2 || memcmp(rest.bytes, "\r\n", 2) != 0)) result = "evhttp reads fewer fields";
	if (!result && evbuffer_get_length(parser_input(&evhttp.parser))) result = "evhttp leaves a part of the head";
	if (result) parser_free(&evhttp.parser);
	else if (!parser_complete(&evhttp.parser)) result = "evhttp does not continue after the request";
	return result;
}
