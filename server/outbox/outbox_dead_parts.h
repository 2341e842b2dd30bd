/* outbox_dead_parts.h - how dead letters lie in memory: streams sorted by name, positions ascending in each. For
 * outbox_dead*.c. */
#ifndef SERVER_OUTBOX_DEAD_PARTS_H
#define SERVER_OUTBOX_DEAD_PARTS_H

#include <pthread.h>

#include "outbox_dead.h"

struct dead_stream {
    uint64_t *positions;       /* those from `begin` to `end` are set aside */
    size_t begin, end, capacity;
    size_t reserved;           /* positions that are about to come */
    uint64_t log_version;      /* of the first event that tells of what is here */
    uint64_t blocked_from;     /* the first that was parked, so that later ones wait; 0: skipped ones only */
    uint64_t gap;              /* the last that was skipped; 0: something was published since */

    uint64_t version_of, version; /* of the event at a position; 0: not known of any */
    uint64_t told_of;          /* the position that the following is about; 0: nothing is known of any */
    uint32_t attempts;
    int64_t first_attempt_us, last_attempt_us;
    char *texts;               /* code, then error; NULL: no memory was to be had */
    uint16_t code_size, error_size;

    uint16_t name_size;
    char name[];
};
struct outbox_dead {
    pthread_mutex_t lock;
    struct dead_stream **streams;  /* by name */
    size_t count, capacity;
    struct dead_stream **reserved; /* of streams that are not among them yet */
    size_t reserved_count, reserved_capacity;
};

void dead_lock(const struct outbox_dead *dead);
void dead_unlock(const struct outbox_dead *dead);
/* The first whose name is not below `name`, or (with `above`) is above it: an index, `count` when there is none. */
size_t dead_seek(const struct outbox_dead *dead, struct varve_view name, bool above);
struct dead_stream *dead_get(const struct outbox_dead *dead, struct varve_view name); /* NULL: none */
static inline size_t dead_waiting_count(const struct dead_stream *stream)
{
    return stream->end - stream->begin;
}
static inline struct varve_view dead_name(const struct dead_stream *stream)
{
    return varve_view_of(stream->name, stream->name_size);
}
/* The index of the first position that is not below this one. */
size_t dead_place(const struct dead_stream *stream, uint64_t position);
bool dead_holds(const struct dead_stream *stream, uint64_t position);

#endif
