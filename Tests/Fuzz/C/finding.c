#include "finding.h"

#include <stdarg.h>
#include <stdio.h>

const char *finding(const char *format, ...) {
	static char text[400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	return text;
}
