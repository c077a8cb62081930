#include "connection.h"

// ---- slots

#define WAITING_TIME INT64_C(1000000000) // nanoseconds

/// Whether the connection has a slot that another could use, and waits for its client.
static bool waits_for_client(const struct connection *self) {
	const bool is_reserved = self->slot.kind == SLOT_RESERVED;
	const enum exchange_state state = self->exchange.state;
	const bool is_open = self->state == CONNECTION_OPEN && !self->pumping && !self->deferred;
	const bool waits = self->state == CONNECTION_LINGERING ||
					   (is_open && (state == EXCHANGE_IDLE || state == EXCHANGE_HEAD ||
									   (is_reserved && state == EXCHANGE_BODY)));
	return waits && (is_reserved || self->slot.kind == SLOT_ORDINARY) && !queued_event_waits(&self->watch.readable);
}

static void give_up(struct connection *self) {
	const bool was_idle = self->exchange.state == EXCHANGE_IDLE && self->last_request;
	self->references++;
	if (self->state == CONNECTION_OPEN && !was_idle) connection_reject(self, SHIM_REJECT_TOO_MANY_CONNECTIONS);
	connection_end(self, END_CLOSE);
	connection_release(self);
}

/// The connection that makes room for `newcomer`. NULL: none was found soon.
static struct connection *find_slot(struct connection_group *group, const struct connection *newcomer) {
	enum { MOST_LOOKED_AT = 64 };
	const int64_t now = shim_loop_now(group->loop);
	struct connection *found = NULL;
	size_t most = connection_limits_of_same_address(&group->slots, &newcomer->slot) + 1;
	for (int i = 0; i < MOST_LOOKED_AT; i++) {
		struct connection *each = group->hand ? group->hand : group->connections;
		if (!each) break;
		group->hand = each->next;
		if (each == newcomer || !waits_for_client(each)) continue;
		if (now - each->waits_since >= WAITING_TIME) return each;
		const size_t count = connection_limits_of_same_address(&group->slots, &each->slot);
		if (count <= most) continue;
		most = count;
		found = each;
	}
	return found;
}

void connection_make_slot(struct connection *newcomer) {
	struct connection_group *group = newcomer->group;
	if (!connection_limits_are_full(&group->slots)) return;
	connection_limits_find_address(&newcomer->slot, newcomer->fd);
	struct connection *found = find_slot(group, newcomer);
	if (found) give_up(found);
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
