/* message_check.h - for tests of messages: an event, a route for it, and what came of them. */
#ifndef TESTS_OUTBOX_MESSAGE_CHECK_H
#define TESTS_OUTBOX_MESSAGE_CHECK_H

#include "server/outbox/outbox_message.h"

/* Everything an event can have: position 4711, version 17, recorded 2026-11-21T18:00:00.123456Z, JSON data. */
struct varve_event message_event(void);
/* Only what it must have: no data, no ids but its own, position 1. */
struct varve_event message_bare_event(void);

/* The message that this route ("-> format=raw") makes of the event; it lives until message_end(). */
struct outbox_message message_by(const char *route, const struct varve_event *event, const struct outbox_marks *marks);
void message_end(void);

/* All headers as "name=value" lines. */
const char *message_headers(const struct outbox_message *message);
struct varve_view message_header(const struct outbox_message *message, const char *name); /* data NULL: none */
void message_value_is(const struct outbox_message *message, const char *value); /* NULL: a tombstone */

#endif
