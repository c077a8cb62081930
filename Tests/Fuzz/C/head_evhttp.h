/// Compares the request validator with evhttp. Internal to the checks.
#ifndef FUZZ_HEAD_EVHTTP_H
#define FUZZ_HEAD_EVHTTP_H

#include "../../../Sources/CLibevent/request_validator.h"

/// Has evhttp read a canonical head, and compares what it finds. NULL: it is the same.
const char *compare_with_evhttp(const struct canonical_head *canonical, shim_method method);

#endif
