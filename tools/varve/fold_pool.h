/* fold_pool.h - threads that fold streams, and either store what comes out as snapshots or hold it against those that
 * are stored.
 *
 *   who lists --batches--> queue --> folder: load -> fold -> put, a thread with a source and a fold of its own
 *
 * A stream that fails is counted and said; the others go on. A fault of the connection ends all. */
#ifndef TOOLS_FOLD_POOL_H
#define TOOLS_FOLD_POOL_H

#include "fold_queue.h"
#include "state_source.h"
#include "varve/fold.h"

#define FOLD_WORKERS_MAX 256
#define FOLD_FAILURES_SHOWN 20

enum fold_purpose { FOLD_BUILD, FOLD_VERIFY };

/* Atomic while the folders work. */
struct fold_counts {
    uint64_t folded;      /* streams */
    uint64_t events;      /* that were folded for them */
    uint64_t stored;      /* snapshots; verify: none */
    uint64_t same, different; /* verify: snapshots */
    uint64_t failed;      /* streams: the reducer failed, or could not take an event */
    uint64_t gone;        /* streams that were deleted meanwhile, or not there */
    uint64_t no_beginning; /* streams whose first events are gone, and no snapshot has them */
};

/* A stream that failed, on standard error: `failed: stream "...": why`. */
void fold_pool_say(const struct varve_error *why);

struct folder;
struct fold_pool {
    enum fold_purpose purpose;
    const struct state_place *place;
    struct varve_reducing *reducing;
    uint32_t keep;        /* of a stream's snapshots; 0: as the server is set */
    /* A snapshot that differs; called by one thread at a time. verify only. */
    void (*different)(void *user, struct varve_view stream, int64_t version);
    void *user;

    struct fold_counts counts;
    struct fold_queue queue;
    struct folder *folders;
    unsigned count;
    pthread_mutex_t lock; /* of what follows, and of what is printed */
    pthread_cond_t ended;
    unsigned running;
    struct varve_error error; /* the first fault; OK while there is none */
};

/* Starts `count` folders; what is set above the line must be. */
enum varve_status fold_pool_begin(struct fold_pool *pool, unsigned count, struct varve_error *error);
/* false: a folder has met a fault; fold_pool_end() says which. */
bool fold_pool_put(struct fold_pool *pool, struct fold_batch *batch);
/* No more comes; waits for the end, calling `tick` several times a second. */
void fold_pool_finish(struct fold_pool *pool, void (*tick)(void *user), void *user);
/* Stops what still works, and gives back the first fault. */
enum varve_status fold_pool_end(struct fold_pool *pool, struct varve_error *error);

/* ---- between fold_pool.c and folder.c ---------------------------------------------------------------------------- */

struct folder {
    struct fold_pool *pool;
    pthread_t thread;
    struct state_source *source;
    struct varve_fold *fold;
    struct varve_error put_error; /* the first fault of a put; OK while there is none */
};
/* The thread's function; its end is told with fold_pool_ended(). */
void *folder_run(void *folder);
void fold_pool_ended(struct fold_pool *pool, enum varve_status status, const struct varve_error *error);
/* A stream that failed is counted, and the first ones are said on standard error. */
void fold_pool_failed(struct fold_pool *pool, const struct varve_error *error);

#endif
