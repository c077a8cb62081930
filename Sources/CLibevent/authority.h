/// The authority of a URI, as the Host field and a target in absolute form have it. Internal to the shim.
#ifndef SHIM_AUTHORITY_H
#define SHIM_AUTHORITY_H

#include "head_text.h"

/// Whether `text` is `host [":" port]`. The host may be empty, and so may the port. Source: RFC 9110, 4.2 and 7.2.
bool is_authority(struct text text);

#endif
