/* append.h - one append on its way from the caller to the committer and back: everything in one piece of memory, made
 * and checked on the caller's thread, so that the committer allocates nothing. */
#ifndef ENGINE_APPEND_H
#define ENGINE_APPEND_H

#include "saga.h"
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
/* What is more to tell of a stream that is a saga's. */
struct append_saga {
    enum varve_saga_action action;
    bool begins_type;             /* the first of its type that this append begins */
    struct saga_row row;          /* the committer's: before the append */
};

struct varve_append {
    struct varve_store *store;
    struct varve_append *next;    /* in the queue, then in the group */
    varve_append_done done;
    void *user;
    bool client_ids;              /* some event has an id of the client's choice */
    bool is_change;               /* of a stream: streams[0] is "$$x", streams[1] is x */
    uint32_t stream_count, event_count;
    uint32_t sagas_from, saga_count; /* these of the streams are sagas'; those behind them are the server's own */
    uint64_t records_size;        /* the sum of the records */
    size_t memory_size;
    struct append_stream *streams;
    struct append_event *events;
    uint8_t *records;
    struct varve_append_result *results;
    struct varve_conflict *conflicts;
    struct append_saga *sagas;
    struct varve_append_outcome outcome;
};

static inline uint8_t *append_record(const struct varve_append *append, uint32_t event)
{
    return append->records + append->events[event].offset;
}
static inline bool append_is_saga(const struct varve_append *append, uint32_t stream)
{
    return stream - append->sagas_from < append->saga_count; /* Wraps below, to more than any count. */
}
static inline struct append_saga *append_saga(const struct varve_append *append, uint32_t stream)
{
    return &append->sagas[stream - append->sagas_from];
}

/* An append of what was checked (append_check.h); its sagas, if any, are for the caller to fill in. NO_MEMORY, IO. */
enum varve_status append_make(struct varve_store *store, const struct varve_append_request *request,
                              uint64_t records_size, uint32_t saga_count, struct varve_append **ret_append,
                              struct varve_error *error);

#endif
