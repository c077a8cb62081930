/// The clients of the shim's check: sockets that send, read and leave as the input says.
#include "shim_run.h"
#include "splitter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { QUIET_TURNS = 3, MOST_TURNS = 20000, REPLY_BYTES = 4 * 1024 * 1024 };

static void receive(struct client *self) {
	static uint8_t bytes[256 * 1024];
	if (self->fd < 0 || self->is_deaf) return;
	ssize_t count;
	while ((count = recv(self->fd, bytes, sizeof bytes, 0)) > 0) {
		run.activity++;
		if (self->count + (size_t)count > REPLY_BYTES) {
			self->is_deaf = true;
			run.is_calm = false;
			return;
		}
		self->received = realloc(self->received, self->count + (size_t)count);
		if (!self->received) abort();
		memcpy(self->received + self->count, bytes, (size_t)count);
		self->count += (size_t)count;
	}
	if (count == 0 && !self->has_ended) {
		self->has_ended = true;
		run.activity++;
	}
}

static void send_more(struct client *self) {
	if (self->fd < 0 || !self->unsent_count) return;
	const ssize_t count = send(self->fd, self->unsent, self->unsent_count, MSG_NOSIGNAL);
	if (count < 0 && errno == EAGAIN) return;
	run.activity++;
	const size_t used = count < 0 ? self->unsent_count : (size_t)count; // the server has closed: nobody needs the rest
	self->unsent_count -= used;
	memmove(self->unsent, self->unsent + used, self->unsent_count);
}

static void turn(void) {
	for (int i = 0; i < CLIENTS; i++) send_more(&run.clients[i]);
	shim_loop_run(shim_run_loop);
	for (int i = 0; i < CLIENTS; i++) receive(&run.clients[i]);
	const size_t most = run.limits.max_connections + run.limits.reserved_connections +
						shim_lingering_connections(run.limits.max_connections);
	CHECK(shim_server_connection_count(run.server) <= most, "more connections than the limits allow");
}

void turn_until_quiet(void) {
	unsigned quiet = 0;
	for (int turns = 0; quiet < QUIET_TURNS; turns++) {
		if (turns == MOST_TURNS) {
			report("the loop does not come to rest");
			return;
		}
		const unsigned before = run.activity;
		turn();
		quiet = run.activity == before ? quiet + 1 : 0;
	}
}

static void connect_client(struct client *self) {
	if (self->fd >= 0 || self->has_ended) return;
	self->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (self->fd < 0) abort();
	if (connect(self->fd, (const struct sockaddr *)&run.address, run.address_length) == 0) return;
	CHECK(run.has_stopped_listening, "a client cannot connect");
	close(self->fd);
	self->fd = -1;
	self->has_ended = true;
}

void close_client(struct client *self) {
	if (self->fd >= 0) close(self->fd);
	self->fd = -1;
	self->has_ended = true;
	self->unsent_count = 0;
}

static void send_bytes(const uint8_t *bytes, size_t count) {
	struct client *self = run.client;
	if (run.is_compared) {
		memcpy(run.sent + run.sent_count, bytes, count);
		run.sent_count += count;
	}
	connect_client(self);
	if (self->fd < 0 || !count) return;
	self->unsent = realloc(self->unsent, self->unsent_count + count);
	if (!self->unsent) abort();
	memcpy(self->unsent + self->unsent_count, bytes, count);
	self->unsent_count += count;
	turn();
}

void step_clock(void) {
	run.is_calm = false;
	if (shim_loop_step_clock(shim_run_loop, shim_loop_now(shim_run_loop) + 60 * SECOND)) run.activity++;
	turn();
	turn();
}

static void run_command(uint8_t command) {
	struct client *client = run.client;
	switch (command) {
	case 0: turn(); break;
	case 1: step_clock(); break;
	case 2:
		if (client->fd >= 0 && !client->unsent_count) shutdown(client->fd, SHUT_WR);
		turn();
		break;
	case 3:
		run.is_calm = false;
		close_client(client);
		turn();
		break;
	case 4:
		answer_pending();
		turn();
		break;
	case 5: client->is_deaf = !client->is_deaf; break;
	case 6:
		run.is_calm = false;
		shim_server_close_idle(run.server, SECOND);
		turn();
		break;
	case 7:
		run.is_calm = false;
		run.has_stopped_listening = true;
		shim_server_stop_listening(run.server);
		break;
	case 8:
	case 9:
	case 10:
	case 11: run.client = &run.clients[command - 8]; break;
	case 12:
		run.is_calm = false;
		shim_server_cut_all(run.server);
		turn();
		break;
	default: turn_until_quiet(); break;
	}
}

/// Sends an input, in pieces.
void send_input(const uint8_t *bytes, size_t count, uint32_t seed) {
	struct splitter splitter = { seed };
	uint8_t *piece = malloc(count + 1);
	if (!piece) abort();
	for (size_t at = 0; at < count && !run.finding;) {
		const size_t most = splitter_next(&splitter, count - at);
		size_t size = 0;
		int command = -1;
		while (at < count && size < most && command < 0) {
			if (bytes[at] != 0xFF || at + 1 == count) piece[size++] = bytes[at++];
			else if (bytes[at + 1] == 0xFF) piece[size++] = 0xFF, at += 2;
			else command = bytes[at + 1], at += 2;
		}
		send_bytes(piece, size);
		if (command >= 0 && !run.is_compared) run_command((uint8_t)command);
	}
	free(piece);
}
