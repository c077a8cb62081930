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

bool address_key_is_same(struct address_key left, struct address_key right) {
	return left.prefix == right.prefix && left.family == right.family;
}

static bool is_free(const struct address_entry *entry) { return !entry->connections && !entry->bytes; }

/// The index where the search for a key begins.
static size_t home_of(const struct address_table *self, struct address_key key) {
	const __uint128_t product = (__uint128_t)(key.prefix ^ self->seed[0]) * ((self->seed[1] + key.family) | 1);
	return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & (self->capacity - 1);
}

/// The key's entry, or the free entry where it belongs. There always is one, because the table is at most half full.
static struct address_entry *find(const struct address_table *self, struct address_key key) {
	size_t at = home_of(self, key);
	while (!is_free(&self->entries[at]) && !address_key_is_same(self->entries[at].key, key))
		at = (at + 1) & (self->capacity - 1);
	return &self->entries[at];
}

/// Returns false, and changes nothing, if there is no memory.
static bool resize(struct address_table *self, size_t capacity) {
	const struct address_table old = *self;
	struct address_entry *entries = calloc(capacity, sizeof *entries);
	if (!entries) return false;
	self->capacity = capacity;
	self->entries = entries;
	for (size_t i = 0; i < old.capacity; i++)
		if (!is_free(&old.entries[i])) *find(self, old.entries[i].key) = old.entries[i];
	free(old.entries);
	return true;
}

/// The key's entry, or a free one for it. NULL if there is no memory.
static struct address_entry *find_or_make(struct address_table *self, struct address_key key) {
	if (!self->capacity) {
		if (getrandom(self->seed, sizeof self->seed, GRND_NONBLOCK) < 0)
			self->seed[0] = (uintptr_t)self; // early at boot
		if (!resize(self, MIN_CAPACITY)) return NULL;
	} else if (self->used * 2 >= self->capacity && !resize(self, self->capacity * 2)) {
		return NULL;
	}
	return find(self, key);
}

/// Frees an entry, and moves up the entries behind it that a search would otherwise no longer reach.
static void remove_entry(struct address_table *self, struct address_entry *entry) {
	const size_t mask = self->capacity - 1;
	size_t hole = (size_t)(entry - self->entries);
	for (size_t at = (hole + 1) & mask; !is_free(&self->entries[at]); at = (at + 1) & mask) {
		const size_t distance = (at - home_of(self, self->entries[at].key)) & mask;
		if (distance < ((at - hole) & mask)) continue;
		self->entries[hole] = self->entries[at];
		hole = at;
	}
	self->entries[hole] = (struct address_entry){ 0 };
}

/// Must be called after an entry's counts have changed. `was_free`: before the change.
static void update(struct address_table *self, struct address_entry *entry, bool was_free) {
	if (was_free == is_free(entry)) return;
	if (was_free) {
		self->used++;
		return;
	}
	remove_entry(self, entry);
	if (--self->used == 0) {
		free(self->entries);
		*self = (struct address_table){ 0 };
	} else if (self->capacity > MIN_CAPACITY && self->used * 8 < self->capacity) {
		resize(self, self->capacity / 2);
	}
}

bool address_table_add(struct address_table *self, struct address_key key, size_t limit) {
	struct address_entry *entry = find_or_make(self, key);
	if (!entry || entry->connections >= limit) return false;
	const bool was_free = is_free(entry);
	entry->key = key;
	entry->connections++;
	update(self, entry, was_free);
	return true;
}

void address_table_remove(struct address_table *self, struct address_key key) {
	struct address_entry *entry = find(self, key);
	if (!entry->connections) abort(); // it was never added, which is a bug in the shim
	entry->connections--;
	update(self, entry, false);
}

size_t address_table_connections(const struct address_table *self, struct address_key key) {
	return self->capacity ? find(self, key)->connections : 0;
}

bool address_table_change_bytes(struct address_table *self, struct address_key key, size_t before, size_t after) {
	if (!key.family) return false;
	struct address_entry *entry = before ? find(self, key) : find_or_make(self, key); // fewer bytes need no memory
	if (!entry) return false;
	if (entry->bytes < before) abort(); // they were never counted, which is a bug in the shim
	const bool was_free = is_free(entry);
	entry->key = key;
	entry->bytes += after - before;
	update(self, entry, was_free);
	return true;
}

size_t address_table_bytes(const struct address_table *self, struct address_key key) {
	return self->capacity ? find(self, key)->bytes : 0;
}
