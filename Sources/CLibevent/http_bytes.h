/// Classes of bytes in HTTP's grammar. Internal to the shim.
#ifndef SHIM_HTTP_BYTES_H
#define SHIM_HTTP_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/// RFC 9110, 5.6.2.
static inline bool is_token_byte(uint8_t byte) {
	const uint8_t lower = byte | 32;
	return (byte >= '0' && byte <= '9') || (lower >= 'a' && lower <= 'z') ||
		   (byte && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

/// A byte that no field value may have: a control character other than a tab. RFC 9110, 5.5.
static inline bool is_control_byte(uint8_t byte) { return (byte < ' ' && byte != '\t') || byte == 127; }

#endif
