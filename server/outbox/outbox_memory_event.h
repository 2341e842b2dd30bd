/* outbox_memory_event.h - one thing that an outbox remembers, and its JSON. For outbox_memory*.c. */
#ifndef SERVER_OUTBOX_MEMORY_EVENT_H
#define SERVER_OUTBOX_MEMORY_EVENT_H

#include "json_fields.h"
#include "outbox_memory.h"

enum memory_kind {
    MEMORY_PUBLISHED, MEMORY_PARKED, MEMORY_WAITING, MEMORY_ATTEMPTED, MEMORY_RETRIED, MEMORY_DISCARDED,
    MEMORY_PAUSED, MEMORY_RESUMED, MEMORY_RESET, MEMORY_TOPICS, MEMORY_REPLAY, MEMORY_REPLAYED,
    MEMORY_KINDS,
};
enum { MEMORY_MAX_POSITIONS = 10000 }; /* of one WAITING; what is read may have any number */

/* Views belong to the caller, or to `json`. */
struct memory_event {
    enum memory_kind kind;
    struct varve_dead_letter letter; /* PARKED, ATTEMPTED; of WAITING, RETRIED, DISCARDED stream and position */
    const uint64_t *positions;       /* WAITING */
    size_t count;
    uint64_t position, generation;   /* PUBLISHED, PAUSED, RESUMED, RESET */
    uint64_t fold_from, topics_at, replays; /* PUBLISHED; topics_at UINT64_MAX: none */
    bool paused;                     /* PUBLISHED */
    uint64_t through;                /* RETRIED */
    struct outbox_replay replay;     /* REPLAY; of REPLAYED the number */
    uint64_t sent;                   /* REPLAYED */
    struct varve_view reason;        /* DISCARDED, PAUSED, RESUMED, RESET, REPLAY; may be absent */
    const json_t *topics;            /* TOPICS: an object of numbers above 0 */
    json_t *json;                    /* of one that was read: all of it */
    uint64_t *read_positions;
};

const char *memory_event_type(enum memory_kind kind); /* "$outbox.parked" */
bool memory_event_kind(struct varve_view type, enum memory_kind *ret); /* false: none of ours */

/* The event's data; free(data.data). data == NULL: no memory. Texts must be UTF-8. */
struct varve_view memory_event_encode(const struct memory_event *event);
/* CORRUPT: not what such an event is. End it with memory_event_end(). */
enum varve_status memory_event_decode(enum memory_kind kind, struct varve_view data, struct memory_event *ret,
                                      struct varve_error *error);
void memory_event_end(struct memory_event *event);

/* What others wrote as a text that can be written: at most `room` - 1 bytes, without what is not UTF-8 or not
 * printable. */
struct varve_view memory_clean_text(struct varve_view text, char *ret, size_t room);

#endif
