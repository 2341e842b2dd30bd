/* outbox_message.h - an event as Kafka gets it: key, value, headers. */
#ifndef SERVER_OUTBOX_MESSAGE_H
#define SERVER_OUTBOX_MESSAGE_H

#include "outbox_arena.h"
#include "outbox_route.h"

enum { OUTBOX_MAX_HEADERS = 24 };

struct outbox_header {
    const char *name;
    struct varve_view value;
};
struct outbox_message {
    const char *topic;                  /* in the arena */
    int32_t partition;                  /* set by who knows the topic's partitions: murmur2 of the key, as Java's */
    struct varve_view key;
    struct varve_view value;            /* data NULL: a tombstone */
    const struct outbox_header *headers; /* in the arena */
    size_t header_count;                /* at most OUTBOX_MAX_HEADERS */
    int64_t timestamp_ms;               /* of the commit */
    uint64_t position;                  /* of the event; */
    struct varve_view type, source;     /* likewise, where it was read from; absent in copies of dead letters */
    size_t size;                        /* what it weighs: key, value, headers, and 512 bytes for the rest */
};

/* Marks that not every message has. */
struct outbox_marks {
    uint64_t replay;     /* number of the replay this is sent for again: header `v-replay`; 0: none */
    uint64_t gap_after;  /* position of the event of the same stream that was skipped before it: header `v-gap-after`;
                          * 0: none */
};

/* `record` is the event's record as stored (its sum goes into no header, but its data is not copied needlessly);
 * everything in *ret points into the event, the configuration or the arena. NO_MEMORY; EVENT_TOO_LARGE (with a
 * sentence): above config->max_message_bytes, which only a dead letter can mean. */
enum varve_status outbox_message_make(const struct outbox_config *config, const struct outbox_routing *routing,
                                      const struct varve_event *event, const struct outbox_marks *marks,
                                      struct outbox_arena *arena, struct outbox_message *ret,
                                      struct varve_error *error);

/* A copy for the dead-letter topic: the value cut at max_message_bytes, with headers that say what went wrong
 * (v-error-code, v-error, v-attempts, v-topic). */
enum varve_status outbox_message_make_dead(const struct outbox_config *config, const struct varve_event *event,
                                           const struct varve_dead_letter *dead, struct outbox_arena *arena,
                                           struct outbox_message *ret, struct varve_error *error);

#endif
