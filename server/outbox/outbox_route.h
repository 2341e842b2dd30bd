/* outbox_route.h - where an event goes: routes and filters, first match. Pure; any thread. */
#ifndef SERVER_OUTBOX_ROUTE_H
#define SERVER_OUTBOX_ROUTE_H

#include "outbox_config.h"

enum { OUTBOX_MAX_TOPIC = 249 }; /* bytes; [a-zA-Z0-9._-], neither "." nor ".." */

enum outbox_verdict {
    OUTBOX_SEND,
    OUTBOX_FILTERED,   /* on purpose; counted by reason */
    OUTBOX_UNROUTABLE, /* a dead letter: the template gives no topic name that Kafka allows */
};
enum outbox_filter_reason {
    OUTBOX_FILTER_SYSTEM,           /* a stream of the server's own */
    OUTBOX_FILTER_NO_ROUTE,
    OUTBOX_FILTER_DROPPED,          /* a route says so */
    OUTBOX_FILTER_TYPE_NOT_ALLOWED,
    OUTBOX_FILTER_FIELD_MISSING,
    OUTBOX_FILTER_OTHER_PRIORITY,
    OUTBOX_FILTER_REASONS,
};
const char *outbox_filter_reason_name(enum outbox_filter_reason reason); /* "no_route"; outbox_route_words.c */

struct outbox_routing {
    enum outbox_verdict verdict;
    enum outbox_filter_reason reason;   /* FILTERED */
    const struct outbox_route *route;   /* SEND; lives in the configuration */
    char topic[OUTBOX_MAX_TOPIC + 1];   /* SEND */
    struct varve_view key;              /* SEND; points into the event, or into key_text */
    char key_text[37];
    char why[200];                      /* UNROUTABLE: a sentence */
};
/* Needs no more of the event than varve_record_decode() gives. Quick for events that no metadata route looks at. */
enum outbox_verdict outbox_route(const struct outbox_config *config, const struct varve_event *event,
                                 struct outbox_routing *ret);

/* Could events of one stream come into two topics, or two partitions, by these routes? Then their order holds for each
 * of them only: a sentence for the log at the start, into `why`. */
bool outbox_routes_split_streams(const struct outbox_config *config, char *why, size_t room);

bool outbox_glob_match(const char *glob, struct varve_view text); /* * any bytes, ? one character; linear time */

#endif
