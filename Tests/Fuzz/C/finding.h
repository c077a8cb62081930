/// What a check has found. Internal to the checks.
#ifndef FUZZ_FINDING_H
#define FUZZ_FINDING_H

/// Writes a finding, and returns it. It is valid until the next one is written.
__attribute__((format(printf, 1, 2))) const char *finding(const char *format, ...);

#endif
