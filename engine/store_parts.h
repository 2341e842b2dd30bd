/* store_parts.h - what a store is made of, for the engine's own files; store.h is what others see.
 *
 *   callers --append_submit--> queue --committer--> journal (durable) --> tail (visible) --settler--> db (settled)
 *
 * Who may touch what: the journal's frames and the tail's writing side belong to whoever holds commit_lock; the queue
 * and the settler's requests stand under queue_lock; counters are atomic. Locks are taken in the order commit_lock,
 * queue_lock, tail lock. */
#ifndef ENGINE_STORE_PARTS_H
#define ENGINE_STORE_PARTS_H

#include "db.h"
#include "format.h"
#include "hidden.h"
#include "journal.h"
#include "tail.h"
#include "varve/store.h"

#include <pthread.h>

/* What the settler is doing, changed under queue_lock only:
 *
 *   IDLE --committer froze a layer--> BUSY --settler wrote it--> DONE --committer dropped it--> IDLE */
enum settling { SETTLE_IDLE, SETTLE_BUSY, SETTLE_DONE };

struct append_queue {
    struct varve_append *first, *last;
    uint64_t bytes, count;
};

struct varve_store {
    struct varve_options options;
    const struct varve_os *os;
    char *path;
    struct format format;
    int lock_fd;
    struct db *db;
    struct journal *journal;
    struct tail *tail;
    struct hidden *hidden;

    pthread_mutex_t commit_lock;
    int64_t last_recorded_at_us;  /* under commit_lock */
    uint64_t active_journal_bytes; /* under commit_lock: what the active layer's frames take in the journal */
    int64_t active_since_us;      /* atomic, written under commit_lock: monotonic, the first event of the active layer
                                   * has been durable; 0: it has none */
    bool sealed;                  /* under commit_lock: nothing was committed since the last seal */

    pthread_mutex_t queue_lock;   /* all below up to the threads */
    pthread_cond_t queue_wake;    /* the committer: something queued, settling moved on, stopping */
    pthread_cond_t settler_wake;  /* the settler: a layer is frozen, stopping */
    pthread_cond_t settle_moved;  /* whoever waits for settling */
    struct append_queue queue;
    enum settling settling;
    uint64_t settle_requests;     /* callers waiting in varve_store_settle() */
    bool committer_waits;         /* it sleeps and wants a signal */
    bool closing;                 /* no more submissions */
    bool stopping;                /* the committer ends when the queue is empty */
    bool settler_stopping;
    bool settler_starved;         /* the settler waits for disk space */
    bool disk_full;               /* as last seen; checked at most every 100 ms */
    uint64_t disk_checked_us;
    uint64_t disk_free_bytes;
    uint64_t last_append_us;      /* monotonic; of the last group */
    int64_t frozen_since_us;      /* monotonic: the first event of the frozen layer has been durable */
    void (*grown)(void *user, uint64_t last_position);
    void *grown_user;

    pthread_t committer, settler;
    bool committer_runs, settler_runs;

    pthread_mutex_t fault_lock;
    struct varve_error fault; /* VARVE_OK while all is well */
    uint32_t failed;          /* atomic copy of "fault is set" */

    struct {
        uint64_t appends, conflicts, replays, groups, events, settles, settle_us, commit_waits_us;
        uint64_t stream_count, system_stream_count, settled_position;
        uint64_t last_group_us, open_us, recovered_events;
    } counters; /* atomic */
    struct {
        struct varve_histogram commit_us, sync_us, group_events; /* written under commit_lock */
        struct varve_histogram settle_us;                        /* by the settler */
    } histograms;
};

static inline void store_count(uint64_t *counter, uint64_t more)
{
    __atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}
static inline uint64_t store_counter(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* A stream got its first event. */
static inline void store_count_stream(struct varve_store *store, struct varve_view name)
{
    store_count(name.data[0] == '$' ? &store->counters.system_stream_count : &store->counters.stream_count, 1);
}

/* The first fault stays; the store acknowledges nothing more. Returns error->status. */
enum varve_status store_set_fault(struct varve_store *store, const struct varve_error *error);
static inline bool store_has_failed(const struct varve_store *store)
{
    return __atomic_load_n(&store->failed, __ATOMIC_ACQUIRE) != 0;
}
/* Free space against the reserve, asked of the system at most every 100 ms. Under queue_lock. */
bool store_disk_is_full(struct varve_store *store);

#endif
