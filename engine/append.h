/* append.h - one append on its way from the caller to the committer and back: everything in one piece of memory, made
 * and checked on the caller's thread, so that the committer allocates nothing. */
#ifndef ENGINE_APPEND_H
#define ENGINE_APPEND_H

#include "store_parts.h"

struct append_stream {
    struct varve_view name;       /* in the append's own memory */
    int64_t expected;
    uint32_t event_count;         /* 0: only checked */
    uint32_t first_event;         /* index of its first event */
    struct stream_state state;    /* the committer's: before the append, then as it grows */
};
struct append_event {
    uint32_t stream;
    uint32_t size;
    uint64_t offset;              /* of its record in `records` */
    struct varve_uuid correlation_id;
};

struct varve_append {
    struct varve_store *store;
    struct varve_append *next;    /* in the queue, then in the group */
    varve_append_done done;
    void *user;
    bool client_ids;              /* some event has an id of the client's choice */
    bool is_change;               /* of a stream: streams[0] is "$$x", streams[1] is x */
    uint32_t stream_count, event_count;
    uint64_t records_size;        /* the sum of the records */
    size_t memory_size;
    struct append_stream *streams;
    struct append_event *events;
    uint8_t *records;
    struct varve_append_result *results;
    struct varve_conflict *conflicts;
    struct varve_append_outcome outcome;
};

static inline uint8_t *append_record(const struct varve_append *append, uint32_t event)
{
    return append->records + append->events[event].offset;
}

#endif
