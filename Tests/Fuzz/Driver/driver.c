/// What libFuzzer calls for the targets in C. PROMPTD_FUZZ_TARGET names the target. Built by scripts/fuzz.
#include "../C/include/CFuzzChecks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static const struct {
	const char *name;
	const char *(*check)(const uint8_t *, size_t);
} targets[] = { { "chunked", fuzz_chunked }, { "head", fuzz_head }, { "shim", fuzz_shim } };

static const char *(*check)(const uint8_t *, size_t);

int LLVMFuzzerInitialize(int *count, char ***arguments) {
	(void)count;
	(void)arguments;
	const char *wanted = getenv("PROMPTD_FUZZ_TARGET");
	for (size_t i = 0; wanted && i < sizeof targets / sizeof *targets; i++)
		if (strcmp(targets[i].name, wanted) == 0) check = targets[i].check;
	if (check) return 0;
	fprintf(stderr, "PROMPTD_FUZZ_TARGET does not name a target.\n");
	exit(64);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
	const char *finding = check(bytes, count);
	if (!finding) return 0;
	fprintf(stderr, "finding: %s\n", finding);
	abort();
}
