/* outbox_topic.h - names of topics, and the templates that give them. Pure. */
#ifndef SERVER_OUTBOX_TOPIC_H
#define SERVER_OUTBOX_TOPIC_H

#include "outbox_route.h"

/* What Kafka allows, and is not Kafka's own: 1-249 of [a-zA-Z0-9._-], neither "." nor "..", not beginning with "__". */
bool outbox_topic_is_allowed(struct varve_view name);

/* Can this template give a name at all? False: *ret_why is a static sentence. */
bool outbox_topic_check_template(const char *template_, const char **ret_why);
/* Does the template name this variable ("type")? */
bool outbox_topic_depends_on(const char *template_, const char *variable);

/* The template with the event's words in it. False: `why` says which word is missing or not allowed. */
bool outbox_topic_expand(const char *template_, const struct varve_event *event, char ret[OUTBOX_MAX_TOPIC + 1],
                         char *why, size_t room);

#endif
