/* workers.h - a few threads for what may wait for a disk: reads, lookups, lists.
 *
 * Jobs are taken in the order they came. The queue's bound is a matter of two parts: new work is refused when
 * `capacity` jobs wait; a read under way may always queue its next batch, and how many of those there are is bounded by
 * the connections. */
#ifndef SERVER_WORKERS_H
#define SERVER_WORKERS_H

#include <pthread.h>
#include <stdbool.h>

#include "varve/wire.h"

#include "completions.h"

struct job {
    struct job *next;
    /* On a worker's thread; `arena` is that thread's own, reset before each job. Pushes no completion itself. */
    void (*work)(struct job *job, struct varve_wire_arena *arena);
    struct completion completion; /* pushed when the work is done */
};

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    struct job *first, **last;
    size_t waiting, capacity;
    bool stopping;
    struct completions *completions;
    unsigned count;
    pthread_t threads[64];
};

/* VARVE_NO_MEMORY when the threads cannot be had. */
enum varve_status workers_start(struct workers *workers, unsigned count, size_t capacity,
                                struct completions *completions);
/* Finish what is queued, then join the threads. */
void workers_stop(struct workers *workers);

bool workers_full(struct workers *workers);
void workers_submit(struct workers *workers, struct job *job);

#endif
