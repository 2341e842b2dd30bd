/* admission.h - may this append be stored, was it stored before, or what is in its way? And if it may: numbers for its
 * events, and their way into the frame and the tail. */
#ifndef ENGINE_ADMISSION_H
#define ENGINE_ADMISSION_H

#include "append.h"

enum verdict {
    ADMITTED, /* it is in the frame and in the tail, to be published after the sync */
    REFUSED,  /* outcome filled in: a conflict, a fault */
    REPLAYED, /* outcome filled in with the numbers of the first time */
    DEFERRED, /* it must be compared with events of this very group: commit that first, then ask again */
};

/* What the appends of one group share. */
struct group {
    struct varve_store *store;
    struct db_txn *txn;          /* opened when a stream is not in the tail; NULL before */
    int64_t recorded_at_us;
    uint64_t began_us;           /* monotonic */
    uint64_t first_position;     /* of the group */
    uint64_t event_count;
    uint64_t frame_bytes;        /* in the journal, about */
};

/* Under commit_lock. The frame has been begun with enough room. A VARVE_OK in the outcome holds only once the frame is
 * durable. */
enum verdict admit(struct group *group, struct varve_append *append);

#endif
