/* workers.c - the reader threads and their queue. */
#include "workers.h"

#include <assert.h>

/* The next job, or NULL when the threads are to end. */
static struct job *take(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    while (workers->first == NULL && !workers->stopping)
        pthread_cond_wait(&workers->woken, &workers->lock);
    struct job *job = workers->first;
    if (job != NULL) {
        workers->first = job->next;
        if (workers->first == NULL)
            workers->last = &workers->first;
        workers->waiting--;
    }
    pthread_mutex_unlock(&workers->lock);
    return job;
}

static void *run(void *user)
{
    struct workers *workers = user;
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct job *job;

    while ((job = take(workers)) != NULL) {
        if (arena == NULL)
            arena = varve_wire_arena_create(); /* NULL still: the job answers that memory ran out. */
        if (arena != NULL)
            varve_wire_arena_reset(arena);
        job->work(job, arena);
        completions_push(workers->completions, &job->completion);
    }
    varve_wire_arena_free(arena);
    return NULL;
}

enum varve_status workers_start(struct workers *workers, unsigned count, size_t capacity,
                                struct completions *completions)
{
    assert(count <= sizeof(workers->threads) / sizeof(workers->threads[0]));
    *workers = (struct workers){ .capacity = capacity, .completions = completions };
    workers->last = &workers->first;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->woken, NULL);
    while (workers->count < count) {
        if (pthread_create(&workers->threads[workers->count], NULL, run, workers) != 0) {
            workers_stop(workers);
            return VARVE_NO_MEMORY;
        }
        workers->count++;
    }
    return VARVE_OK;
}

void workers_stop(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->woken);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->woken);
    pthread_mutex_destroy(&workers->lock);
}

bool workers_full(struct workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    bool full = workers->waiting >= workers->capacity;
    pthread_mutex_unlock(&workers->lock);
    return full;
}

void workers_submit(struct workers *workers, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&workers->lock);
    assert(!workers->stopping);
    *workers->last = job;
    workers->last = &job->next;
    workers->waiting++;
    pthread_cond_signal(&workers->woken);
    pthread_mutex_unlock(&workers->lock);
}
