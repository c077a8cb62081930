/// One run of the shim's check: a whole server, its clients, and the function that answers. Internal to the checks.
#ifndef FUZZ_SHIM_RUN_H
#define FUZZ_SHIM_RUN_H

#include "finding.h"

#include "CLibevent.h"
#include <stdbool.h>
#include <sys/un.h>

enum { CLIENTS = 4, MAX_REPLIES = 1024, MAX_BODIES = 16, BIG = 300 * 1024 };
static const int64_t SECOND = 1000000000;

/// What happened to a request or a rejection, which has a number.
enum fate {
	FATE_NONE,
	FATE_PENDING,  ///< the function has it
	FATE_ANSWERED, ///< the function has finished it
	FATE_CUT,      ///< the function has cut it
	FATE_GONE,     ///< the shim said that the client has left
};

/// An exchange that the function answers later.
struct pending {
	struct pending *next;
	shim_exchange *exchange;
	unsigned number;
	unsigned chunks_left;
	bool is_stream;
};

struct client {
	int fd; ///< -1: not connected
	bool has_ended, is_deaf;
	uint8_t *received;
	size_t count;
	uint8_t *unsent;
	size_t unsent_count;
};

/// The state of a run. All zero at the start.
struct shim_run {
	shim_server *server;
	struct sockaddr_un address;
	socklen_t address_length;
	shim_server_limits limits;
	struct client clients[CLIENTS];
	struct client *client; ///< the one that sends now
	struct pending *pending;
	shim_body *bodies[MAX_BODIES];
	size_t body_count;
	enum fate fates[MAX_REPLIES + 1]; ///< by number, from 1
	unsigned replies;
	unsigned activity; ///< grows with everything that happens
	bool is_calm;      ///< no client closed, no time passed, nothing was cut: each reply arrives
	bool is_compared, has_stopped_listening;
	uint64_t requests[MAX_REPLIES]; ///< a hash of each request
	unsigned request_count;
	bool was_rejected;
	uint8_t *sent; ///< what is sent, in runs that are compared
	size_t sent_count;
	const char *finding;
};

extern struct shim_run run;

/// The loop of all runs. Its clock is manual.
extern shim_loop *shim_run_loop;

/// Notes a finding, unless there is one.
void report(const char *text);

#define CHECK(condition, text) ((condition) ? (void)0 : report(text))

// ---- shim_function.c: the function behind the server

extern const shim_server_callbacks function_callbacks;

/// A number that stands for a request.
uint64_t request_hash(shim_method method, const void *target, size_t target_count, const void *body, size_t body_count);

/// Goes on with the exchange that waits longest.
void answer_pending(void);

/// Takes a context from the exchanges that wait, and frees it.
void forget(struct pending *self);

// ---- shim_clients.c: the clients, in turns with the loop

/// Sends an input, in pieces, and carries out its commands.
void send_input(const uint8_t *bytes, size_t count, uint32_t seed);

/// Lets the loop run until nothing happens any more.
void turn_until_quiet(void);

/// Moves the clock to the next deadline.
void step_clock(void);

void close_client(struct client *self);

// ---- shim_expected.c

/// Compares the requests that the function got from one client with those that its bytes have.
void check_requests(void);

// ---- shim_replies.c

/// Checks what all clients have received.
void check_all_replies(void);

#endif
