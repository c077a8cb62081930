/// The first line of a request. Internal to the shim.
#ifndef SHIM_REQUEST_LINE_H
#define SHIM_REQUEST_LINE_H

#include "head_text.h"

/// The method at the start of a head that may be incomplete or malformed; SHIM_METHOD_NONE if it is another one, or not
/// all of it is there.
shim_method request_method(const uint8_t *bytes, size_t count);

/// Checks `method SP target SP version`, and writes its canonical form. Returns 0, or the reason for the rejection (a
/// `shim_reject`). `*authority` is that of a target in absolute form, otherwise unchanged. Source: RFC 9112, 3.
int request_line_check(
	struct text line, struct request_head *head, struct text *authority, struct canonical_head *canonical);

#endif
