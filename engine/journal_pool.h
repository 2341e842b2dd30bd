/* journal_pool.h - which segments there are, and the thread that makes them ahead and uses settled ones again.
 *
 *   [retired] <- in use, oldest .. current | spares -> [made]        numbers grow to the right, without gaps
 *
 * The committer moves the bar, the pool's thread works at both ends. Only it renames files and makes new ones. */
#ifndef ENGINE_JOURNAL_POOL_H
#define ENGINE_JOURNAL_POOL_H

#include "journal.h"
#include "journal_scan.h"

struct pool;

struct pool_segment {
    uint64_t number;
    uint32_t size;
    int fd;
};

/* Takes over what the scan found (at least one segment) and starts the thread. Opens the current segment and the
 * spares. `options` must outlive the pool. */
enum varve_status pool_start(const struct journal_options *options, const struct scan_result *found,
                             uint64_t settled_position, struct pool **ret_pool, struct pool_segment *ret_current,
                             struct varve_error *error);
void pool_stop(struct pool *pool); /* NULL allowed; closes every descriptor handed out */

/* Committer: leave the current segment for the next one with `room` bytes behind its header. Waits while one is being
 * made. DISK_FULL: there is none and none can be made for now. IO: the thread has met a fault, there will be none. */
enum varve_status pool_take(struct pool *pool, uint64_t room, struct pool_segment *ret_current,
                            struct varve_error *error);

/* Committer: the current segment's newest frame is synced; it ends with this position, at this offset. */
void pool_note_frame(struct pool *pool, uint64_t last_position, uint64_t end_offset);

/* Settler: segments whose records are all at or below this position may be used again. */
void pool_recycle(struct pool *pool, uint64_t settled_position);

void pool_get_stats(struct pool *pool, struct journal_stats *ret_stats);

#endif
