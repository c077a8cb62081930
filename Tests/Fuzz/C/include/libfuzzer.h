/// The entry of libFuzzer, for a program that has a main function of its own.
#ifndef LIBFUZZER_H
#define LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

/// Calls `check` with generated inputs until the limits in the arguments are reached. Removes its own arguments.
/// Source: https://llvm.org/docs/LibFuzzer.html, "Using libFuzzer as a library".
int LLVMFuzzerRunDriver(int *_Nonnull count, char *_Nullable *_Nonnull *_Nonnull arguments,
	int (*_Nonnull check)(const uint8_t *_Nullable bytes, size_t count));

#endif
