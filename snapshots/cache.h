/* cache.h - the snapshot cache from the inside: the file, who may read it when, and what waits to be written.
 *
 * Readers hold `lock` for one look. A writer holds `write_lock`; it changes what readers see (`roots`, the file itself)
 * under `lock`, so that when it has the next roots in place nobody reads by the last ones: LMDB uses their pages again
 * one commit later. Locks are taken in the order write_lock, lock; queue_lock by itself. */
#ifndef SNAPSHOTS_CACHE_H
#define SNAPSHOTS_CACHE_H

#include <pthread.h>
#include <stdatomic.h>

#include "snapshot_file.h"

enum cache_work { CACHE_PUT, CACHE_DELETE };

/* Something to be written. Lives on the stack of who waits for it. */
struct cache_item {
    struct cache_item *next;
    enum cache_work work;
    const struct varve_snapshot *snapshot; /* put: with created_at_us; delete: its stream */
    uint32_t keep;
    int64_t from_version, until_version;   /* delete */

    bool done;
    enum varve_status status;
    struct varve_error error;
    uint32_t removed;
};

enum { CACHE_LEAVES = 1024 };
struct cache_leaves {                      /* of one commit: those that entries are taken from */
    struct cache_leaf {
        uint64_t page;                     /* 0: none */
        uint32_t taken_bytes;
        bool looked_around;
    } leaves[CACHE_LEAVES];
};

struct varve_snapshots {
    pthread_rwlock_t lock;
    struct snapshot_file file;
    struct varve_page_roots roots;
    uint64_t generation;                   /* of the file: how often it was opened anew */

    pthread_mutex_t write_lock;
    struct cache_leaves leaves;            /* of the commit under way */
    pthread_mutex_t queue_lock;
    struct cache_item *first, **last;      /* each of them is a thread that waits: that is the bound */

    atomic_uint_fast64_t hits, misses, puts, damaged;
};

/* cache.c: the file proved damaged while it was of this generation; makes it anew unless somebody has. */
void cache_discard(struct varve_snapshots *cache, uint64_t generation, const char *why);
/* The same for who has write_lock. */
enum varve_status cache_renew(struct varve_snapshots *cache, const char *why, struct varve_error *error);

/* cache_write.c: do it, with what others want at the same time. */
void cache_do(struct varve_snapshots *cache, struct cache_item *item);
/* A snapshot proved damaged: take it away. */
void cache_drop(struct varve_snapshots *cache, struct varve_view stream, int64_t version);

/* cache_plan.c: which keys an item takes away and adds, and are the pages sound that LMDB will touch for it?
 * Uses the committed state, and so allows one item per stream in a commit. */
struct cache_plan {
    int64_t *doomed;                       /* versions to be deleted; the caller frees it, in any case */
    uint32_t doomed_count, capacity;
    uint32_t removed;                      /* of them, those that are not replaced; and the new one, unless it stays */
    bool adds;                             /* the snapshot stays */
};
enum varve_status cache_plan_item(struct varve_snapshots *cache, const struct cache_item *item,
                                  struct cache_leaves *leaves, struct cache_plan *plan,
                                  struct varve_error *error);

#endif
