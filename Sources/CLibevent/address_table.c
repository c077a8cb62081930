#include "address_table.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { MIN_CAPACITY = 16 };

struct address_key address_key_of(const struct sockaddr *address) {
	struct address_key key = { 0 };
	if (address->sa_family == AF_INET) {
		key = (struct address_key){ ((const struct sockaddr_in *)address)->sin_addr.s_addr, AF_INET };
	} else if (address->sa_family == AF_INET6) {
		const struct in6_addr *bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(bytes)) {
			uint32_t ipv4;
			memcpy(&ipv4, bytes->s6_addr + 12, sizeof ipv4);
			key = (struct address_key){ ipv4, AF_INET };
		} else {
			memcpy(&key.prefix, bytes->s6_addr, sizeof key.prefix);
			key.family = AF_INET6;
		}
	}
	return key;
}

static bool is_same(struct address_key left, struct address_key right) {
	return left.prefix == right.prefix && left.family == right.family;
}

/// The index where the search for a key begins.
static size_t home_of(const struct address_table *self, struct address_key key) {
	const __uint128_t product = (__uint128_t)(key.prefix ^ self->seed[0]) * ((self->seed[1] + key.family) | 1);
	return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & (self->capacity - 1);
}

/// The key's entry, or the free entry where it belongs. There always is one, because the table is at most half full.
static struct address_entry *find(struct address_table *self, struct address_key key) {
	size_t at = home_of(self, key);
	while (self->entries[at].count && !is_same(self->entries[at].key, key)) at = (at + 1) & (self->capacity - 1);
	return &self->entries[at];
}

static void resize(struct address_table *self, size_t capacity) {
	const struct address_table old = *self;
	self->capacity = capacity;
	self->entries = calloc(capacity, sizeof *self->entries);
	if (!self->entries) abort();
	for (size_t i = 0; i < old.capacity; i++)
		if (old.entries[i].count) *find(self, old.entries[i].key) = old.entries[i];
	free(old.entries);
}

bool address_table_add(struct address_table *self, struct address_key key, size_t limit) {
	if (!self->capacity) {
		if (getrandom(self->seed, sizeof self->seed, GRND_NONBLOCK) < 0)
			self->seed[0] = (uintptr_t)self; // early at boot
		resize(self, MIN_CAPACITY);
	} else if (self->used * 2 >= self->capacity) {
		resize(self, self->capacity * 2);
	}
	struct address_entry *entry = find(self, key);
	if (entry->count >= limit) return false;
	if (entry->count == 0) self->used++;
	entry->key = key;
	entry->count++;
	return true;
}

/// Frees an entry, and moves up the entries behind it that a search would otherwise no longer reach.
static void remove_entry(struct address_table *self, struct address_entry *entry) {
	const size_t mask = self->capacity - 1;
	size_t hole = (size_t)(entry - self->entries);
	for (size_t at = (hole + 1) & mask; self->entries[at].count; at = (at + 1) & mask) {
		const size_t distance = (at - home_of(self, self->entries[at].key)) & mask;
		if (distance < ((at - hole) & mask)) continue;
		self->entries[hole] = self->entries[at];
		hole = at;
	}
	self->entries[hole] = (struct address_entry){ 0 };
}

void address_table_remove(struct address_table *self, struct address_key key) {
	struct address_entry *entry = find(self, key);
	if (!entry->count) abort(); // it was never added, which is a bug in the shim
	if (--entry->count) return;
	remove_entry(self, entry);
	if (--self->used == 0) {
		free(self->entries);
		*self = (struct address_table){ 0 };
	} else if (self->capacity > MIN_CAPACITY && self->used * 8 < self->capacity) {
		resize(self, self->capacity / 2);
	}
}
