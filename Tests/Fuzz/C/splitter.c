#include "splitter.h"

size_t splitter_next(struct splitter *self, size_t left) {
	if (self->state == 0) return left;
	if (self->state == 1) return left ? 1 : 0;
	self->state = self->state * 1664525 + 1013904223; // Knuth, The Art of Computer Programming, 3.3.4
	if (self->state < 2) self->state = 2;
	const size_t size = self->state >> 24 & 64 ? (self->state >> 16 & 127) + 1 : (self->state >> 16 & 7) + 1;
	return size < left ? size : left;
}
