#include "connection.h"

/// Sets the deadline of a body that is arriving.
static void set_upload_deadline(struct connection *self) {
	const shim_server_limits *limits = &self->group->limits;
	int64_t deadline = limits->body_timeout ? self->last_request + limits->body_timeout : 0;
	const int64_t next = limits->read_timeout ? self->exchange.paced + limits->read_timeout : 0;
	if (next && (!deadline || next < deadline)) deadline = next;
	shim_timer_set(&self->watch.deadline, deadline);
}

void connection_begin_upload(struct connection *self) {
	self->exchange.paced = shim_loop_now(self->group->loop);
	self->exchange.paced_count = self->exchange.body_count;
	set_upload_deadline(self);
}

void connection_check_upload(struct connection *self) {
	if (self->exchange.body_count - self->exchange.paced_count >= SHIM_MIN_UPLOAD_BYTES) connection_begin_upload(self);
}
