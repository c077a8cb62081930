/// The C shim around libevent: the only code of promptd that sees libevent's headers.
///
/// Rules for all of it:
/// - One thread, the loop's, calls these functions, unless a comment says "any thread".
/// - Callbacks run on the loop's thread. They get the `context` that was registered with them.
/// - Bytes that are passed in are copied before the function returns; bytes that a callback gets are gone when it
/// returns.
/// - Times are nanoseconds of CLOCK_MONOTONIC; a deadline or time limit of 0 means none.
#ifndef CLIBEVENT_H
#define CLIBEVENT_H

#include "shim_loop.h"
#include "shim_memory.h"
#include "shim_server.h"
#include "shim_stream.h"

#endif
