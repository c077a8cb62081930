/// The C shim around libevent: the only code of promptd that sees libevent's headers.
///
/// Rules for every function here:
/// - Only the loop's thread calls these functions, unless a comment says "any thread".
/// - Callbacks run on the loop's thread. They get the `context` that was registered with them.
/// - The shim copies the bytes it is given before the function returns. Bytes given to a callback are valid only until
///   the callback returns.
/// - Times are nanoseconds of CLOCK_MONOTONIC. A deadline or time limit of 0 means none.
#ifndef CLIBEVENT_H
#define CLIBEVENT_H

#include "shim_http_date.h"
#include "shim_loop.h"
#include "shim_memory.h"
#include "shim_server.h"
#include "shim_stream.h"
#include "shim_tls.h"

#endif
