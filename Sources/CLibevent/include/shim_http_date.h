#ifndef SHIM_HTTP_DATE_H
#define SHIM_HTTP_DATE_H

#include <stdint.h>

#pragma clang assume_nonnull begin

/// The seconds from now to the date `text`, or 0 if it is past; -1 if it is no date. Source: RFC 9110, 5.6.7:
/// IMF-fixdate, the form that senders must use.
int64_t shim_seconds_to_date(const char *text);

#pragma clang assume_nonnull end

#endif
