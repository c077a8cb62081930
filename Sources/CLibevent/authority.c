#include "authority.h"
#include "http_bytes.h"

/// Whether `text` is an IP literal between brackets, without a check of the address. Source: RFC 3986, 3.2.2.
static bool is_literal(struct text text) {
	for (size_t i = 0; i < text.count; i++) {
		if (!is_host_byte(text.bytes[i]) && text.bytes[i] != ':' && text.bytes[i] != '%') return false;
	}
	return text.count > 1;
}

/// Whether `text` is a host's name or IPv4 address. Source: RFC 3986, 3.2.2.
static bool is_name(struct text text) {
	for (size_t i = 0; i < text.count; i++) {
		if (is_host_byte(text.bytes[i])) continue;
		if (text.bytes[i] != '%' || text.count - i < 3) return false;
		if (hex_value(text.bytes[i + 1]) < 0 || hex_value(text.bytes[i + 2]) < 0) return false;
		i += 2;
	}
	return true;
}

bool is_authority(struct text text) {
	size_t digits = text.count;
	while (digits && is_digit(text.bytes[digits - 1])) digits--;
	if (digits && text.bytes[digits - 1] == ':') text.count = digits - 1;
	if (!text.count || text.bytes[0] != '[') return is_name(text);
	return text.bytes[text.count - 1] == ']' && is_literal((struct text){ text.bytes + 1, text.count - 2 });
}
