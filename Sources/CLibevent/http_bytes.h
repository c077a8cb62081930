/// Classes of bytes in HTTP's grammar. Internal to the shim.
#ifndef SHIM_HTTP_BYTES_H
#define SHIM_HTTP_BYTES_H

#include <stdbool.h>
#include <stdint.h>

/// The bytes of a token, one bit each. Source: RFC 9110, 5.6.2.
static const uint64_t SHIM_TOKEN_BYTES[4] = {
	// ! # $ % & ' * + - . 0-9
	UINT64_C(0x03ff6cfa00000000),
	// A-Z ^ _ ` a-z | ~
	UINT64_C(0x57ffffffc7fffffe),
	0,
	0,
};

static inline bool is_token_byte(uint8_t byte) { return SHIM_TOKEN_BYTES[byte >> 6] >> (byte & 63) & 1; }

/// The bytes of a host's name, besides an escape such as %20. Source: RFC 3986, 3.2.2: unreserved and sub-delims.
static const uint64_t SHIM_HOST_BYTES[4] = {
	// ! $ & ' ( ) * + , - . 0-9 ; =
	UINT64_C(0x2bff7fd200000000),
	// A-Z _ a-z ~
	UINT64_C(0x47fffffe87fffffe),
	0,
	0,
};

static inline bool is_host_byte(uint8_t byte) { return SHIM_HOST_BYTES[byte >> 6] >> (byte & 63) & 1; }

static inline bool is_letter(uint8_t byte) { return (byte | 32) >= 'a' && (byte | 32) <= 'z'; }

static inline bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

/// The value of a hexadecimal digit; -1 if it is none.
static inline int hex_value(uint8_t byte) {
	if (is_digit(byte)) return byte - '0';
	if ((byte | 32) >= 'a' && (byte | 32) <= 'f') return (byte | 32) - 'a' + 10;
	return -1;
}

/// Whether the byte is a control character other than a tab, which no field value may contain. RFC 9110, 5.5.
static inline bool is_control_byte(uint8_t byte) { return (byte < ' ' && byte != '\t') || byte == 127; }

#endif
