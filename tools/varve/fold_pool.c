/* fold_pool.c - see fold_pool.h. */
#include "fold_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_NS 200000000
#define BATCHES_PER_FOLDER 2 /* that wait */

void fold_pool_ended(struct fold_pool *pool, enum varve_status status, const struct varve_error *error)
{
    if (status != VARVE_OK)
        fold_queue_stop(&pool->queue);
    pthread_mutex_lock(&pool->lock);
    if (status != VARVE_OK && pool->error.status == VARVE_OK)
        pool->error = *error;
    pool->running--;
    pthread_cond_broadcast(&pool->ended);
    pthread_mutex_unlock(&pool->lock);
}

/* It may quote what somebody else wrote; it stays one line and steers no terminal. */
void fold_pool_say(const struct varve_error *why)
{
    struct varve_error shown = *why;

    for (char *at = shown.message; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    fprintf(stderr, "failed: %s\n", shown.message);
}

void fold_pool_failed(struct fold_pool *pool, const struct varve_error *error)
{
    uint64_t before = __atomic_fetch_add(&pool->counts.failed, 1, __ATOMIC_RELAXED);

    pthread_mutex_lock(&pool->lock);
    if (before < FOLD_FAILURES_SHOWN)
        fold_pool_say(error);
    else if (before == FOLD_FAILURES_SHOWN)
        fputs("failed: more streams, which are only counted\n", stderr);
    pthread_mutex_unlock(&pool->lock);
}

/* As many as can be had; with one it works, too. */
static void start(struct fold_pool *pool, unsigned count)
{
    for (; pool->count < count; pool->count++) {
        struct folder *folder = &pool->folders[pool->count];

        folder->pool = pool;
        pool->running++; /* no folder of this number yet: no lock is needed for it, but the others look */
        if (pthread_create(&folder->thread, NULL, folder_run, folder) != 0) {
            pool->running--;
            return;
        }
    }
}

enum varve_status fold_pool_begin(struct fold_pool *pool, unsigned count, struct varve_error *error)
{
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->ended, NULL);
    fold_queue_init(&pool->queue, (size_t)count * BATCHES_PER_FOLDER);
    pool->folders = memory_take(count * sizeof(*pool->folders));
    pthread_mutex_lock(&pool->lock);
    start(pool, count);
    pthread_mutex_unlock(&pool->lock);
    if (pool->count > 0)
        return VARVE_OK;
    fold_pool_end(pool, NULL);
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no thread could be had");
}

bool fold_pool_put(struct fold_pool *pool, struct fold_batch *batch)
{
    return fold_queue_put(&pool->queue, batch);
}

void fold_pool_finish(struct fold_pool *pool, void (*tick)(void *user), void *user)
{
    fold_queue_end(&pool->queue);
    pthread_mutex_lock(&pool->lock);
    while (pool->running > 0) {
        struct timespec until;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&pool->ended, &pool->lock, &until);
        tick(user);
    }
    pthread_mutex_unlock(&pool->lock);
}

enum varve_status fold_pool_end(struct fold_pool *pool, struct varve_error *error)
{
    fold_queue_end(&pool->queue);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->folders[i].thread, NULL);
    free(pool->folders);
    fold_queue_free(&pool->queue);
    pthread_cond_destroy(&pool->ended);
    pthread_mutex_destroy(&pool->lock);
    if (pool->error.status != VARVE_OK && error != NULL)
        *error = pool->error;
    return pool->error.status;
}
