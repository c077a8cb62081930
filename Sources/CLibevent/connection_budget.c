#include "connection.h"

#include <sys/ioctl.h>

// ---- slots

#define WAITING_TIME INT64_C(1000000000) // nanoseconds

/// How little is lost when a connection that waits for its client ends, the least last.
enum waiting {
	WAITING_NOT,   ///< it does not wait for its client, or has no slot
	WAITING_REPLY, ///< the client does not take its reply, or more requests of a long pipeline follow
	WAITING_BODY,  ///< a body has arrived in part
	WAITING_IDLE,  ///< no more than a part of a head has arrived
};

static enum waiting waiting_of(const struct connection *self) {
	if (self->slot.kind != SLOT_ORDINARY && self->slot.kind != SLOT_RESERVED) return WAITING_NOT;
	if (self->state == CONNECTION_LINGERING) return WAITING_IDLE;
	if (self->state != CONNECTION_OPEN || self->pumping) return WAITING_NOT;
	switch (self->exchange.state) {
	case EXCHANGE_IDLE:
	case EXCHANGE_HEAD: return self->deferred ? WAITING_REPLY : WAITING_IDLE;
	case EXCHANGE_BODY: return self->deferred ? WAITING_REPLY : WAITING_BODY;
	case EXCHANGE_PENDING:
	case EXCHANGE_SENDING: return reply_overflow(&self->reply) ? WAITING_REPLY : WAITING_NOT;
	}
	return WAITING_NOT;
}

/// Whether bytes of the client have arrived that have not been read.
static bool has_arrived(const struct connection *self) {
	int count = 0; // bytes
	return queued_event_waits(&self->watch.readable) || (ioctl(self->fd, FIONREAD, &count) == 0 && count > 0);
}

/// Whether the client has just sent what the connection waits for.
static bool is_about_to_go_on(const struct connection *self) {
	return self->state == CONNECTION_OPEN && waiting_of(self) != WAITING_REPLY && has_arrived(self);
}

static void give_up(struct connection *self) {
	const bool has_reply = waiting_of(self) == WAITING_REPLY;
	const bool was_idle = self->exchange.state == EXCHANGE_IDLE && self->last_request;
	self->references++;
	if (self->state == CONNECTION_OPEN && !was_idle && !has_reply)
		connection_reject(self, SHIM_REJECT_TOO_MANY_CONNECTIONS);
	connection_end(self, has_reply ? END_RESET : END_CLOSE);
	connection_release(self);
}

/// A search for a connection that makes room for another.
struct slot_search {
	const struct connection *newcomer;
	bool takes_reserved; ///< the newcomer has no reserved slot, and none is free
	bool is_silent;      ///< the newcomer has sent nothing yet
	size_t least;        ///< an address must have more connections than this to make room at once
	int64_t now;
	struct connection *found;
	uint64_t merit; ///< of the one that was found
};

/// How good it is to end `each`; 0: it stays.
///
/// At once, one makes room for an address that has fewer connections; and one in the reserve, which has not sent its
/// request, for one that has sent something. Otherwise, it has waited for a second.
static uint64_t merit_of(const struct slot_search *search, const struct connection *each) {
	const enum waiting waiting = waiting_of(each);
	if (each == search->newcomer || waiting == WAITING_NOT) return 0;
	const bool is_reserved = each->slot.kind == SLOT_RESERVED;
	if (is_reserved && !search->takes_reserved) return 0;
	const size_t count = connection_limits_of_same_address(&each->group->slots, &each->slot);
	const bool has_waited = (waiting == WAITING_IDLE || (is_reserved && waiting == WAITING_BODY)) &&
							search->now - each->waits_since >= WAITING_TIME;
	const bool is_mute = is_reserved && !each->last_request && !search->is_silent;
	if (!has_waited && !is_mute && count <= search->least) return 0;
	return (uint64_t)has_waited << 62 | (uint64_t)!is_reserved << 61 | (uint64_t)(count > search->least) << 60 |
		   (uint64_t)count << 2 | waiting;
}

void connection_make_slot(struct connection *newcomer) {
	enum { MOST_LOOKED_AT = 64 };
	struct connection_group *group = newcomer->group;
	if (!connection_limits_are_full(&group->slots)) return;
	connection_limits_find_address(&newcomer->slot, newcomer->fd);
	struct slot_search search = {
		.newcomer = newcomer,
		.takes_reserved = newcomer->slot.kind != SLOT_RESERVED &&
						  group->slots.taken[SLOT_RESERVED] >= group->slots.reserved,
		.is_silent = !newcomer->pumping && !has_arrived(newcomer),
		.least = connection_limits_of_same_address(&group->slots, &newcomer->slot) + !newcomer->slot.is_counted,
		.now = shim_loop_now(group->loop),
	};
	for (int i = 0; i < MOST_LOOKED_AT; i++) {
		struct connection *each = group->hand ? group->hand : group->connections;
		if (!each) break;
		group->hand = each->next;
		const uint64_t merit = merit_of(&search, each);
		if (merit <= search.merit || is_about_to_go_on(each)) continue;
		search.merit = merit;
		search.found = each;
	}
	if (search.found) give_up(search.found);
}

// ---- bytes

/// What counts of `bytes`: the first ones are free.
static size_t beyond_free(size_t bytes) { return bytes > SHIM_UNCOUNTED_BYTES ? bytes - SHIM_UNCOUNTED_BYTES : 0; }

static void set_counted(struct connection *self, size_t counted) {
	if (counted > self->counted) byte_budget_add(self->group->budget, counted - self->counted);
	else if (counted < self->counted) byte_budget_subtract(self->group->budget, self->counted - counted);
	self->counted = counted;
}

/// If there is no memory for the table, the share does not grow.
static void set_share(struct connection *self, size_t share) {
	struct connection_limits *slots = &self->group->slots;
	if (share == self->share) return;
	connection_limits_find_address(&self->slot, self->fd);
	if (address_table_change_bytes(&slots->addresses, self->slot.address, self->share, share)) self->share = share;
}

void connection_count(struct connection *self) {
	const struct shim_exchange *exchange = &self->exchange;
	const size_t buffers = self->input.capacity + reply_capacity(&self->reply) + exchange->head_count + exchange->held;
	set_counted(self, beyond_free(buffers));
	set_share(self, beyond_free(buffers + exchange->body_count + exchange->taken));
}

void connection_clear_exchange(struct connection *self) {
	exchange_clear(&self->exchange);
	if (self->share) connection_count(self);
}

/// How many times what is free one client may hold. One client alone can hold four fifths of the budget.
enum { SHARE_OF_FREE = 4 };

static bool share_has_room(const struct connection *self, size_t count) {
	if (self->share + count <= SHIM_UNCOUNTED_BYTES) return true;
	struct connection_limits *slots = &self->group->slots;
	const struct byte_budget *budget = self->group->budget;
	const size_t all = address_table_bytes(&slots->addresses, self->slot.address);
	if (all <= self->share) return true; // the client has nothing else
	const size_t bytes = byte_budget_bytes(budget) + count;
	return bytes <= budget->limit && (all + count) / SHARE_OF_FREE <= budget->limit - bytes;
}

bool connection_has_room(struct connection *self, size_t count) {
	if (self->share + count > SHIM_UNCOUNTED_BYTES) connection_limits_find_address(&self->slot, self->fd);
	return byte_budget_has_room(self->group->budget, count) && share_has_room(self, count);
}

bool shim_exchange_hold(shim_exchange *exchange, size_t count) {
	struct connection *self = (struct connection *)exchange;
	const size_t before = exchange->held + exchange->taken;
	const size_t buffers = self->input.capacity + reply_capacity(&self->reply) + exchange->head_count + count;
	if (count > before && beyond_free(buffers) && !connection_make_room(self, count - before)) return false;
	exchange->held = count;
	exchange->taken = 0;
	connection_count(self);
	return true;
}

/// When the budget is full, an upload that has not sent SHIM_MIN_UPLOAD_BYTES in this time, in nanoseconds, makes room
/// for others.
#define DAWDLING INT64_C(250000000)

static bool is_uploading(const struct connection *self) {
	return self->state == CONNECTION_OPEN && self->exchange.state == EXCHANGE_BODY && !self->pumping &&
		   self->exchange.body_count;
}

static bool is_same_client(const struct connection *self, const struct connection *other) {
	return address_key_is_same(self->slot.address, other->slot.address);
}

/// The connection whose body makes room for `newcomer`, which would hold `need` bytes. NULL: none.
static struct connection *find_victim(const struct connection *newcomer, size_t need, bool of_same_client) {
	const struct connection_group *group = newcomer->group;
	struct connection *largest = NULL, *slowest = NULL;
	for (struct connection *each = group->connections; each; each = each->next) {
		if (each == newcomer || !is_uploading(each)) continue;
		if (of_same_client && !is_same_client(each, newcomer)) continue;
		if (!largest || each->exchange.body_count > largest->exchange.body_count) largest = each;
		if (!slowest || each->exchange.paced < slowest->exchange.paced) slowest = each;
	}
	if (!largest) return NULL;
	if (largest->exchange.body_count / 2 >= need) return largest;
	return shim_loop_now(group->loop) - slowest->exchange.paced >= DAWDLING ? slowest : NULL;
}

/// Whether a search would find nothing, because one has in this turn.
static bool has_failed(
	const struct failed_search *failed, const struct connection *newcomer, size_t need, bool of_same_client) {
	if (failed->turn != newcomer->group->loop->queues.turn || need <= failed->need / 2) return false;
	return !of_same_client || address_key_is_same(failed->client, newcomer->slot.address);
}

bool connection_make_room(struct connection *self, size_t count) {
	struct connection_group *group = self->group;
	const size_t need = self->exchange.body_count + self->exchange.held + count;
	while (!connection_has_room(self, count)) {
		const bool of_same_client = byte_budget_has_room(group->budget, count);
		struct failed_search *failed = &group->failed[of_same_client];
		if (has_failed(failed, self, need, of_same_client)) return false;
		struct connection *victim = find_victim(self, need, of_same_client);
		if (!victim) {
			*failed = (struct failed_search){ group->loop->queues.turn, self->slot.address, need };
			return false;
		}
		connection_reject(victim, SHIM_REJECT_BUFFERS_FULL);
	}
	return true;
}
