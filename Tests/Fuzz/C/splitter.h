/// Cuts bytes into pieces, as reads from a socket would. Internal to the checks.
#ifndef FUZZ_SPLITTER_H
#define FUZZ_SPLITTER_H

#include <stddef.h>
#include <stdint.h>

/// Sizes of pieces that follow from a seed.
struct splitter {
	uint32_t state;
};

/// The size of the next piece of `left` bytes, at least 1. With the seed 0, everything is one piece; with 1, each byte.
size_t splitter_next(struct splitter *self, size_t left);

#endif
