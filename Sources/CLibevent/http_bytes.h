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

/// Whether the byte is a control character other than a tab, which no field value may contain. RFC 9110, 5.5.
static inline bool is_control_byte(uint8_t byte) { return (byte < ' ' && byte != '\t') || byte == 127; }

#endif
