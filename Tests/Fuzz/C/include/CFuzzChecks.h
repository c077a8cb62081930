/// Checks of the C shim on any bytes: scripts/fuzz calls them with generated inputs, the tests with the corpus.
#ifndef CFUZZCHECKS_H
#define CFUZZCHECKS_H

#include <stddef.h>
#include "libfuzzer.h"
#include <stdint.h>

#pragma clang assume_nonnull begin

// Each function returns NULL if all is well, otherwise a sentence about what is wrong. It is valid until the next call.
// Only one thread at a time may call them.

/// The chunk decoder against a simple reference, whole and in pieces. The first byte decides how the rest is split.
const char *_Nullable fuzz_chunked(const uint8_t *bytes, size_t count);

/// The request validator against evhttp, and against a simple reference. The bytes are those of a connection.
const char *_Nullable fuzz_head(const uint8_t *bytes, size_t count);

/// A whole server, with clients that send the bytes over sockets. See fuzz_shim.c for the form of the input.
const char *_Nullable fuzz_shim(const uint8_t *bytes, size_t count);

#pragma clang assume_nonnull end

#endif
