#define _GNU_SOURCE // memmem
#include "shim_run.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *find(const uint8_t *bytes, size_t count, const char *text) {
	return memmem(bytes, count, text, strlen(text));
}

/// The number after `name` in a head; -1 if it is not there.
static long number_in(const uint8_t *head, size_t count, const char *name) {
	const uint8_t *found = find(head, count, name);
	return found ? strtol((const char *)found + strlen(name), NULL, 10) : -1;
}

/// The length of the body at the start of `bytes`; -1 if not all of it is there.
static long body_length(const uint8_t *head, size_t head_count, const uint8_t *bytes, size_t count) {
	if (find(head, head_count, "X-Head")) return 0;
	if (find(head, head_count, "chunked")) {
		const uint8_t *end = find(bytes, count, "0\r\n\r\n"); // the data has no digits
		return end ? (long)(end - bytes) + 5 : -1;
	}
	const long length = number_in(head, head_count, "Content-Length: ");
	return length >= 0 && (size_t)length <= count ? length : -1;
}

/// Checks what a client has received: whole replies with growing numbers. Returns how many.
static unsigned check_replies(const struct client *self, uint8_t *seen) {
	unsigned replies = 0;
	long last = 0;
	bool is_over = false;
	for (size_t at = 0; at < self->count;) {
		const uint8_t *head = self->received + at;
		const uint8_t *end = find(head, self->count - at, "\r\n\r\n");
		if (!end) {
			CHECK(!run.is_calm, "a reply without its end");
			return replies;
		}
		const size_t head_count = (size_t)(end - head) + 4;
		at += head_count;
		if (memcmp(head, "HTTP/1.1 100 ", 13) == 0) continue;
		const long number = number_in(head, head_count, "X-Number: ");
		if (memcmp(head, "HTTP/1.1 ", 9) != 0 || number < 0) {
			report("a reply in the middle of another one");
			return replies;
		}
		CHECK(!is_over, "a reply after the last one");
		is_over = find(head, head_count, "Connection: close");
		const long length = body_length(head, head_count, head + head_count, self->count - at);
		if (length < 0) {
			CHECK(!run.is_calm, "a reply that is cut off");
			return replies;
		}
		at += (size_t)length;
		if (number == 0) continue; // beyond those that are counted
		CHECK(number > last && number <= MAX_REPLIES, "a reply out of its order");
		CHECK(run.fates[number] == FATE_ANSWERED, "a reply that nobody has sent");
		CHECK(!seen[number]++, "a reply that arrives twice");
		last = number;
		replies++;
	}
	return replies;
}

void check_all_replies(void) {
	uint8_t seen[MAX_REPLIES + 1] = { 0 };
	unsigned arrived = 0, answered = 0;
	for (int i = 0; i < CLIENTS; i++) arrived += check_replies(&run.clients[i], seen);
	for (unsigned number = 1; number <= run.replies; number++) {
		CHECK(run.fates[number] != FATE_PENDING, "a request without an end");
		if (run.fates[number] == FATE_ANSWERED) answered++;
	}
	CHECK(arrived <= answered, "more replies than answers");
	if (run.is_calm && arrived != answered) report(finding("%u replies were sent, and %u arrived", answered, arrived));
}
