/// The parts of the C shim that are internal to it and pure functions: for tests.
#ifndef CLIBEVENT_INTERNALS_H
#define CLIBEVENT_INTERNALS_H

#include "../../../Sources/CLibevent/chunked_decoder.h"
#include "../../../Sources/CLibevent/request_validator.h"

#endif
