/// How many connections each client address has. Internal to the shim.
#ifndef SHIM_ADDRESS_TABLE_H
#define SHIM_ADDRESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/// What counts as one address: an IPv4 address, mapped into IPv6 or not, or an IPv6 /64, which is what one client is
/// given.
struct address_key {
	uint64_t prefix;
	uint32_t family; ///< AF_INET or AF_INET6; 0: no address
};

struct address_entry {
	struct address_key key;
	uint32_t count; ///< 0: the entry is free
};

/// A hash table of addresses that have connections. All zero at the start; without addresses it has no memory.
///
/// Its seed is random: nobody can choose addresses that fall on one entry. Adding and removing take the same time
/// however many addresses there are, except when the table grows or shrinks.
struct address_table {
	struct address_entry *entries;
	size_t capacity, used; ///< capacity is a power of 2, and at least twice `used`
	uint64_t seed[2];
};

/// What `address` counts as. Family 0 for one that is neither IPv4 nor IPv6.
struct address_key address_key_of(const struct sockaddr *address);

/// Counts one more connection of `key`. False, and nothing is counted, when it has `limit` of them.
bool address_table_add(struct address_table *self, struct address_key key, size_t limit);

/// Counts one connection of `key` less. It must have been added.
void address_table_remove(struct address_table *self, struct address_key key);

#endif
