/// Counts the connections of each client address, and the bytes that they make the server hold. Internal to the shim.
#ifndef SHIM_ADDRESS_TABLE_H
#define SHIM_ADDRESS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/// What counts as one address: an IPv4 address, also if it is mapped into IPv6, or an IPv6 /64, the usual range of one
/// client.
struct address_key {
	uint64_t prefix;
	uint32_t family; ///< AF_INET or AF_INET6; 0: no address
};

struct address_entry {
	struct address_key key;
	uint32_t connections; ///< the entry is free if there are none, and no bytes
	size_t bytes;
};

/// A hash table of the addresses that have connections or bytes. All zero at the start; it uses no memory while it is
/// empty.
///
/// Its seed is random, so an attacker cannot choose addresses that collide. The time to add or remove does not depend
/// on the number of addresses, except when the table grows or shrinks.
struct address_table {
	struct address_entry *entries;
	size_t capacity, used; ///< capacity is a power of 2, and at least twice `used`
	uint64_t seed[2];
};

/// The key that `address` counts under. Its family is 0 for an address that is neither IPv4 nor IPv6.
struct address_key address_key_of(const struct sockaddr *address);

bool address_key_is_same(struct address_key left, struct address_key right);

/// Counts one more connection of `key`. Returns false, and counts nothing, if `key` already has `limit` connections, or
/// if there is no memory.
bool address_table_add(struct address_table *self, struct address_key key, size_t limit);

/// Counts one connection of `key` less. The connection must have been added.
void address_table_remove(struct address_table *self, struct address_key key);

/// The connections of `key`.
size_t address_table_connections(const struct address_table *self, struct address_key key);

/// Replaces `before` bytes of `key`, which must have been counted, by `after`. Returns false, and changes nothing, if
/// there is no memory or no address.
bool address_table_change_bytes(struct address_table *self, struct address_key key, size_t before, size_t after);

/// The bytes of `key`.
size_t address_table_bytes(const struct address_table *self, struct address_key key);

#endif
