#define _GNU_SOURCE // strptime, timegm
#include "shim_http_date.h"

#include <time.h>

int64_t shim_seconds_to_date(const char *text) {
	struct tm parts = { 0 };
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
	if (!end || *end) return -1;
	const time_t date = timegm(&parts), now = time(NULL);
	return date > now ? date - now : 0;
}
