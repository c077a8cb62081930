#include "connection.h"

// ---- slots

#define IDLE_TIME INT64_C(1000000000) // nanoseconds

static bool is_idle(const struct connection *self, int64_t now) {
	const int64_t timeout = self->group->limits.idle_timeout, deadline = self->watch.deadline.deadline;
	return self->state == CONNECTION_OPEN && self->slot.kind == SLOT_ORDINARY &&
		   self->exchange.state == EXCHANGE_IDLE && !self->pumping && !self->deferred &&
		   !queued_event_waits(&self->watch.readable) && deadline && now - (deadline - timeout) >= IDLE_TIME;
}

void connection_make_slot(struct connection_group *group) {
	enum { MOST_LOOKED_AT = 64 };
	if (!connection_limits_are_full(&group->slots)) return;
	const int64_t now = shim_loop_now(group->loop);
	for (int i = 0; i < MOST_LOOKED_AT; i++) {
		struct connection *each = group->hand ? group->hand : group->connections;
		if (!each) return;
		group->hand = each->next;
		if (!is_idle(each, now)) continue;
		connection_end(each, END_CLOSE);
		return;
	}
}

// ---- bytes

void connection_count(struct connection *self) {
	const size_t held = self->input.capacity + reply_overflow(&self->reply);
	const uint32_t counted = held > SHIM_UNCOUNTED_BYTES ? (uint32_t)(held - SHIM_UNCOUNTED_BYTES) : 0;
	if (counted > self->counted) byte_budget_add(self->group->budget, counted - self->counted);
	else if (counted < self->counted) byte_budget_subtract(self->group->budget, self->counted - counted);
	self->counted = counted;
}

/// When the budget is full, an upload that has not sent SHIM_MIN_UPLOAD_BYTES in this time, in nanoseconds, makes room
/// for others.
#define DAWDLING INT64_C(250000000)

static bool is_uploading(const struct connection *self) {
	return self->state == CONNECTION_OPEN && self->exchange.state == EXCHANGE_BODY && !self->pumping &&
		   self->exchange.body_count;
}

/// The connection whose body makes room for `newcomer`, which would hold `need` bytes. NULL: none.
static struct connection *find_victim(const struct connection *newcomer, size_t need) {
	const struct connection_group *group = newcomer->group;
	struct connection *largest = NULL, *slowest = NULL;
	for (struct connection *each = group->connections; each; each = each->next) {
		if (each == newcomer || !is_uploading(each)) continue;
		if (!largest || each->exchange.body_count > largest->exchange.body_count) largest = each;
		if (!slowest || each->exchange.paced < slowest->exchange.paced) slowest = each;
	}
	if (!largest) return NULL;
	if (largest->exchange.body_count / 2 >= need) return largest;
	return shim_loop_now(group->loop) - slowest->exchange.paced >= DAWDLING ? slowest : NULL;
}

void connection_make_room(struct connection *self, size_t count) {
	struct connection_group *group = self->group;
	const uint32_t turn = group->loop->queues.turn;
	const size_t need = self->exchange.body_count + count;
	while (!byte_budget_has_room(group->budget, count)) {
		// The search is long. In one turn, it is repeated only for a body of half the length, which may find more.
		if (group->full_turn == turn && need > group->full_need / 2) return;
		struct connection *victim = find_victim(self, need);
		if (victim) {
			connection_reject(victim, SHIM_REJECT_BUFFERS_FULL);
			continue;
		}
		group->full_turn = turn;
		group->full_need = need;
		return;
	}
}
