/* journal_pool.c - which segments there are, and the thread that makes them ahead and uses settled ones again. */
#include "journal_pool.h"

#include "journal_segment.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SPARES 4u       /* more than these are given back to the file system */
#define FULL_RETRY_MS 100   /* how often to look whether the disk has room again */
#define MAKE_AT_FRACTION 8u /* a spare is made once this part of the current segment is used, so that a store that is
                             * hardly used takes one segment only */

struct entry {
    struct pool_segment segment; /* fd -1: not open */
    uint64_t last_position;
};

struct pool {
    const struct journal_options *options;
    pthread_t thread;
    pthread_mutex_t lock; /* all below; never held during file work */
    pthread_cond_t work;  /* the thread waits for it */
    pthread_cond_t made;  /* the committer waits for it */
    struct entry *entries;
    size_t count, room;
    size_t current;       /* entries behind it are spares */
    uint64_t newest;      /* number of the segment with the newest records, kept whatever is settled; 0 = none yet */
    uint64_t settled;
    uint64_t syncs;
    bool stopping;
    bool wanted;          /* a spare, */
    bool disk_full;       /* but there was no room for it; */
    uint64_t retry_at_ms; /* then */
    struct varve_error fault; /* of the thread; it does nothing more */
};

static size_t spares(const struct pool *pool)
{
    return pool->count - pool->current - 1;
}

static void close_fd(struct pool *pool, int fd)
{
    if (fd >= 0)
        pool->options->os->close(pool->options->os->self, fd);
}

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static bool oldest_is_settled(const struct pool *pool)
{
    return pool->current > 0 && pool->entries[0].segment.number < pool->newest &&
           pool->entries[0].last_position <= pool->settled;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void note_outcome(struct pool *pool, enum varve_status status, const struct varve_error *error)
{
    if (status == VARVE_DISK_FULL) {
        pool->disk_full = true;
        pool->retry_at_ms = now_ms() + FULL_RETRY_MS;
    } else if (status != VARVE_OK)
        pool->fault = *error;
}

static bool grow(struct pool *pool)
{
    if (pool->count < pool->room)
        return true;
    struct entry *entries = realloc(pool->entries, 2 * pool->room * sizeof(*entries));
    if (entries == NULL)
        return false;
    pool->entries = entries;
    pool->room *= 2;
    return true;
}

/* The lock is let go meanwhile. */
static void make_spare(struct pool *pool, bool retired)
{
    struct varve_error error = { .status = VARVE_OK };
    struct entry made = { .segment = { .number = pool->entries[pool->count - 1].segment.number + 1,
                                       .size = pool->options->segment_size_bytes, .fd = -1 } };
    if (!grow(pool)) {
        pool->fault.status = varve_fail(&pool->fault, VARVE_NO_MEMORY, NULL, "no memory for another journal file");
        return;
    }

    pthread_mutex_unlock(&pool->lock);
    enum varve_status status = segment_make(pool->options, made.segment.number, retired, &made.segment.fd, &error);
    pthread_mutex_lock(&pool->lock);

    note_outcome(pool, status, &error);
    if (status == VARVE_OK) {
        pool->entries[pool->count++] = made;
        pool->wanted = false;
        pool->disk_full = false;
    }
}

/* The oldest segment leaves the log. It comes back as a spare; or, when there are enough or its size is not today's, it
 * stays next.tmp, which the next one to leave replaces. */
static void recycle_oldest(struct pool *pool)
{
    struct varve_error error = { .status = VARVE_OK };
    struct pool_segment oldest = pool->entries[0].segment;

    pthread_mutex_unlock(&pool->lock);
    close_fd(pool, oldest.fd);
    enum varve_status status = segment_retire(pool->options, oldest.number, &error);
    pthread_mutex_lock(&pool->lock);

    if (status != VARVE_OK) {
        pool->entries[0].segment.fd = -1;
        pool->fault = error;
        return;
    }
    memmove(pool->entries, pool->entries + 1, (pool->count - 1) * sizeof(*pool->entries));
    pool->count--;
    pool->current--;
    if (spares(pool) < MAX_SPARES && oldest.size == pool->options->segment_size_bytes)
        make_spare(pool, true);
}

static void wait_for_work(struct pool *pool)
{
    if (!pool->disk_full) {
        pthread_cond_wait(&pool->work, &pool->lock);
        return;
    }
    struct timespec until = { .tv_sec = (time_t)(pool->retry_at_ms / 1000),
                              .tv_nsec = (long)(pool->retry_at_ms % 1000) * 1000000L };
    pthread_cond_timedwait(&pool->work, &pool->lock, &until);
}

static bool should_make(const struct pool *pool)
{
    return pool->wanted && spares(pool) == 0 && (!pool->disk_full || now_ms() >= pool->retry_at_ms);
}

static void *run(void *argument)
{
    struct pool *pool = argument;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        if (pool->fault.status != VARVE_OK)
            pthread_cond_wait(&pool->work, &pool->lock);
        else if (oldest_is_settled(pool))
            recycle_oldest(pool);
        else if (should_make(pool))
            make_spare(pool, false);
        else
            wait_for_work(pool);
        pthread_cond_signal(&pool->made);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* ---- the committer ---------------------------------------------------------------------------------------------- */

static void want_spare(struct pool *pool)
{
    if (pool->wanted)
        return;
    pool->wanted = true;
    pthread_cond_signal(&pool->work);
}

/* The next spare becomes the current segment. Called with the lock held. Returns the descriptor to close. */
static int step(struct pool *pool)
{
    struct entry *left = &pool->entries[pool->current++];
    int fd = left->segment.fd;

    left->segment.fd = -1;
    pool->entries[pool->current].last_position = left->last_position;
    return fd;
}

static enum varve_status wait_for_spare(struct pool *pool, struct varve_error *error)
{
    while (spares(pool) == 0) {
        if (pool->fault.status != VARVE_OK)
            return varve_fail(error, pool->fault.status, NULL, "%s", pool->fault.message);
        want_spare(pool);
        if (pool->disk_full)
            return varve_fail(error, VARVE_DISK_FULL, NULL, "%s: there is no room for another journal file",
                              pool->options->directory);
        pthread_cond_wait(&pool->made, &pool->lock);
    }
    return VARVE_OK;
}

enum varve_status pool_take(struct pool *pool, uint64_t room, struct pool_segment *ret_current,
                            struct varve_error *error)
{
    enum varve_status status;

    pthread_mutex_lock(&pool->lock);
    /* A spare of an earlier, smaller segment size may be passed over. */
    while ((status = wait_for_spare(pool, error)) == VARVE_OK) {
        close_fd(pool, step(pool));
        *ret_current = pool->entries[pool->current].segment;
        if (ret_current->size - JOURNAL_BLOCK >= room)
            break;
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void pool_note_frame(struct pool *pool, uint64_t last_position, uint64_t end_offset)
{
    pthread_mutex_lock(&pool->lock);
    struct entry *current = &pool->entries[pool->current];
    bool first_here = pool->newest != current->segment.number;
    current->last_position = last_position;
    pool->newest = current->segment.number;
    pool->syncs++;
    if (spares(pool) == 0 && end_offset >= current->segment.size / MAKE_AT_FRACTION)
        want_spare(pool);
    if (first_here && oldest_is_settled(pool)) /* It was kept only as the one with the newest records. */
        pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- anybody ---------------------------------------------------------------------------------------------------- */

void pool_recycle(struct pool *pool, uint64_t settled_position)
{
    pthread_mutex_lock(&pool->lock);
    if (settled_position > pool->settled)
        pool->settled = settled_position;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

void pool_get_stats(struct pool *pool, struct journal_stats *ret_stats)
{
    struct journal_stats stats = { 0 };

    pthread_mutex_lock(&pool->lock);
    for (size_t i = 0; i < pool->count; i++)
        stats.bytes += pool->entries[i].segment.size;
    stats.segments = pool->count;
    stats.syncs = pool->syncs;
    stats.disk_full = pool->disk_full;
    pthread_mutex_unlock(&pool->lock);
    *ret_stats = stats;
}

/* ---- start and stop --------------------------------------------------------------------------------------------- */

static enum varve_status take_over(struct pool *pool, const struct scan_result *found, struct varve_error *error)
{
    pool->room = found->segment_count + MAX_SPARES;
    pool->entries = calloc(pool->room, sizeof(*pool->entries));
    if (pool->entries == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %zu journal files", pool->room);
    pool->current = found->current;
    pool->newest = found->frames > 0 ? found->segments[found->last_segment].number : 0;
    for (size_t i = 0; i < found->segment_count; i++) {
        struct pool_segment segment = { .number = found->segments[i].number, .size = found->segments[i].size,
                                        .fd = -1 };
        if (i >= found->current) {
            enum varve_status status = segment_open(pool->options, segment.number, false, &segment.fd, error);
            if (status != VARVE_OK)
                return status;
        }
        pool->entries[pool->count++] = (struct entry){ segment, found->segments[i].last_position };
    }
    return VARVE_OK;
}

static enum varve_status start_thread(struct pool *pool, struct varve_error *error)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->made, &attributes);
    pthread_condattr_destroy(&attributes);
    int result = pthread_create(&pool->thread, NULL, run, pool);
    if (result == 0)
        return VARVE_OK;
    pthread_cond_destroy(&pool->made);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "cannot start the journal's thread: %s", strerror(result));
}

static void release(struct pool *pool)
{
    for (size_t i = 0; i < pool->count; i++)
        close_fd(pool, pool->entries[i].segment.fd);
    free(pool->entries);
    free(pool);
}

enum varve_status pool_start(const struct journal_options *options, const struct scan_result *found,
                             uint64_t settled_position, struct pool **ret_pool, struct pool_segment *ret_current,
                             struct varve_error *error)
{
    struct pool *pool = calloc(1, sizeof(*pool));

    assert(found->segment_count > 0);
    if (pool == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the journal");
    pool->options = options;
    pool->settled = settled_position;
    enum varve_status status = take_over(pool, found, error);
    struct pool_segment current = { .fd = -1 };
    if (status == VARVE_OK) {
        current = pool->entries[pool->current].segment; /* The thread may move the entries. */
        status = start_thread(pool, error);
    }
    if (status != VARVE_OK) {
        release(pool);
        return status;
    }
    *ret_current = current;
    *ret_pool = pool;
    return VARVE_OK;
}

void pool_stop(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    pthread_join(pool->thread, NULL);
    pthread_cond_destroy(&pool->made);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    release(pool);
}
