/* fold_queue.h - streams to be folded, on their way from the thread that lists them to those that fold. */
#ifndef TOOLS_FOLD_QUEUE_H
#define TOOLS_FOLD_QUEUE_H

#include <pthread.h>

#include "memory.h"
#include "varve/event.h"

#define FOLD_BATCH_STREAMS 256u    /* of one batch; loaded with one request */
#define FOLD_BATCH_EVENTS 20000u   /* a batch ends when it has so many to fold, so that all get some to the end */

struct fold_item {
    const int64_t *snapshots;      /* versions, ascending; to be verified */
    size_t snapshot_count;
};
/* What items and names point to lies in the scratch. */
struct fold_batch {
    struct varve_view names[FOLD_BATCH_STREAMS];
    struct fold_item items[FOLD_BATCH_STREAMS];
    size_t count;
    uint64_t events;
    struct scratch scratch;
    struct fold_batch *next;
};
struct fold_batch *fold_batch_make(void);
void fold_batch_free(struct fold_batch *batch); /* NULL allowed */
/* Copies name and versions. true: the batch is full. */
bool fold_batch_add(struct fold_batch *batch, struct varve_view name, const int64_t *snapshots, size_t snapshot_count,
                    uint64_t events);

struct fold_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fold_batch *first, **last;
    size_t count, capacity;
    bool over, stopped;
};
void fold_queue_init(struct fold_queue *queue, size_t capacity);
void fold_queue_free(struct fold_queue *queue);
/* Waits until there is room. Takes the batch over. false: stopped. */
bool fold_queue_put(struct fold_queue *queue, struct fold_batch *batch);
/* No more will be put. */
void fold_queue_end(struct fold_queue *queue);
/* Waits for a batch. NULL: there are no more, or stopped. */
struct fold_batch *fold_queue_take(struct fold_queue *queue);
/* All who wait, and all who come, are told that it is over. */
void fold_queue_stop(struct fold_queue *queue);

#endif
