/* fold_queue.c - see fold_queue.h. */
#include "fold_queue.h"

#include <stdlib.h>
#include <string.h>

struct fold_batch *fold_batch_make(void)
{
    return memory_take(sizeof(struct fold_batch));
}

void fold_batch_free(struct fold_batch *batch)
{
    if (batch == NULL)
        return;
    scratch_free(&batch->scratch);
    free(batch);
}

bool fold_batch_add(struct fold_batch *batch, struct varve_view name, const int64_t *snapshots, size_t snapshot_count,
                    uint64_t events)
{
    char *copy = scratch_take(&batch->scratch, name.size);
    int64_t *versions = scratch_take(&batch->scratch, snapshot_count * sizeof(*versions));

    memcpy(copy, name.data, name.size);
    if (snapshot_count > 0)
        memcpy(versions, snapshots, snapshot_count * sizeof(*versions));
    batch->names[batch->count] = varve_view_of(copy, name.size);
    batch->items[batch->count++] = (struct fold_item){ versions, snapshot_count };
    batch->events += events;
    return batch->count == FOLD_BATCH_STREAMS || batch->events >= FOLD_BATCH_EVENTS;
}

void fold_queue_init(struct fold_queue *queue, size_t capacity)
{
    *queue = (struct fold_queue){ .capacity = capacity };
    queue->last = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
}

void fold_queue_free(struct fold_queue *queue)
{
    while (queue->first != NULL) {
        struct fold_batch *batch = queue->first;

        queue->first = batch->next;
        fold_batch_free(batch);
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
}

bool fold_queue_put(struct fold_queue *queue, struct fold_batch *batch)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == queue->capacity && !queue->stopped)
        pthread_cond_wait(&queue->changed, &queue->lock);
    bool stopped = queue->stopped;
    if (!stopped) {
        batch->next = NULL;
        *queue->last = batch;
        queue->last = &batch->next;
        queue->count++;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    if (stopped)
        fold_batch_free(batch);
    return !stopped;
}

struct fold_batch *fold_queue_take(struct fold_queue *queue)
{
    struct fold_batch *batch = NULL;

    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->over && !queue->stopped)
        pthread_cond_wait(&queue->changed, &queue->lock);
    if (!queue->stopped && queue->first != NULL) {
        batch = queue->first;
        queue->first = batch->next;
        if (queue->first == NULL)
            queue->last = &queue->first;
        queue->count--;
        pthread_cond_broadcast(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return batch;
}

static void tell_all(struct fold_queue *queue, bool *what)
{
    pthread_mutex_lock(&queue->lock);
    *what = true;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

void fold_queue_end(struct fold_queue *queue)
{
    tell_all(queue, &queue->over);
}

void fold_queue_stop(struct fold_queue *queue)
{
    tell_all(queue, &queue->stopped);
}
