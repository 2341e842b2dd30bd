/* settler.c - see settler.h. */
#include "settler.h"

#include "db.h"
#include "settle.h"
#include "tail_layer.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

enum {
    FULL_FACTOR = 2,            /* the active layer may grow to so many thresholds while the other is written */
    JOURNAL_SEGMENTS = 4,       /* settle when so much journal is in use, however few the events: using a segment
                                 * again is cheaper than zeroing a new one */
    OLDEST_IDLES = 60,          /* nothing waits for longer than so many times settle_idle_ms, if appends go on */
    DISK_RETRY_MS = 200,
    STORE_GROWTH_SLACK = 16 << 20,
};

static uint64_t active_events(const struct varve_store *store)
{
    return tail_layer_count(tail_active(store->tail));
}

/* `factor` times the threshold is reached. Under commit_lock. */
static bool layer_is_full(const struct varve_store *store, uint64_t factor)
{
    return tail_active_bytes(store->tail) >= factor * store->options.settle_size_bytes ||
           active_events(store) >= factor * store->options.settle_events ||
           store->active_journal_bytes >= factor * JOURNAL_SEGMENTS * (uint64_t)store->options.segment_size_bytes;
}

/* Under queue_lock; reads of the tail by the committer's own thread or an approximation good enough to wake it. */
static bool idle_long_enough(const struct varve_store *store)
{
    if (store->options.settle_idle_ms == 0 ||
        store_counter(&store->counters.settled_position) == tail_visible_position(store->tail))
        return false;
    uint64_t now_us = store->os->monotonic_us(store->os->self);
    return now_us - store->last_append_us >= (uint64_t)store->options.settle_idle_ms * 1000;
}

/* A layer to which events keep coming, however few, is never idle, and would grow for hours. Under both locks. */
static bool is_old(const struct varve_store *store)
{
    int64_t oldest_us = OLDEST_IDLES * (int64_t)store->options.settle_idle_ms * 1000;

    return oldest_us > 0 && store->active_since_us != 0 &&
           (int64_t)store->last_append_us - store->active_since_us >= oldest_us;
}

bool settler_needs_step(const struct varve_store *store)
{
    bool unsettled = store_counter(&store->counters.settled_position) != tail_visible_position(store->tail);

    if (store->settling == SETTLE_DONE)
        return true;
    return store->settling == SETTLE_IDLE && unsettled && !store_has_failed(store) &&
           (store->settle_requests > 0 || idle_long_enough(store));
}

static void drop_written(struct varve_store *store)
{
    tail_drop_frozen(store->tail);
    pthread_mutex_lock(&store->queue_lock);
    store->settling = SETTLE_IDLE;
    pthread_cond_broadcast(&store->settle_moved);
    pthread_mutex_unlock(&store->queue_lock);
}

static enum settling settling_now(struct varve_store *store, bool *ret_asked)
{
    pthread_mutex_lock(&store->queue_lock);
    enum settling settling = store->settling;
    *ret_asked = store->settle_requests > 0 || idle_long_enough(store) || is_old(store);
    pthread_mutex_unlock(&store->queue_lock);
    return settling;
}

void settler_step(struct varve_store *store)
{
    bool asked;
    enum settling settling = settling_now(store, &asked);

    if (settling == SETTLE_DONE) {
        drop_written(store);
        settling = SETTLE_IDLE;
    }
    if (settling == SETTLE_BUSY && layer_is_full(store, 1))
        db_set_hurry(store->db, true); /* Appends outrun it: they are to wait for the settler last of all. */
    if (settling != SETTLE_IDLE || store_has_failed(store) || active_events(store) == 0 ||
        !(asked || layer_is_full(store, 1)))
        return;
    if (tail_freeze(store->tail) != VARVE_OK)
        return; /* No memory now; the layer grows until there is some, or until it is full. */
    store->active_journal_bytes = 0;
    db_set_hurry(store->db, false);
    pthread_mutex_lock(&store->queue_lock);
    store->settling = SETTLE_BUSY;
    store->frozen_since_us = store->active_since_us;
    __atomic_store_n(&store->active_since_us, 0, __ATOMIC_RELAXED);
    pthread_cond_signal(&store->settler_wake);
    pthread_mutex_unlock(&store->queue_lock);
}

enum varve_status settler_make_room(struct varve_store *store, struct varve_error *error)
{
    if (!layer_is_full(store, FULL_FACTOR))
        return VARVE_OK;
    uint64_t began_us = store->os->monotonic_us(store->os->self);
    bool disk_full = false;
    pthread_mutex_lock(&store->queue_lock);
    while (store->settling == SETTLE_BUSY && !store_has_failed(store) && !disk_full) {
        disk_full = store->settler_starved;
        if (!disk_full)
            pthread_cond_wait(&store->queue_wake, &store->queue_lock);
    }
    pthread_mutex_unlock(&store->queue_lock);
    store_count(&store->counters.commit_waits_us, store->os->monotonic_us(store->os->self) - began_us);
    if (disk_full)
        return varve_fail(error, VARVE_DISK_FULL, NULL, "%s: too little space to settle events; appends wait for more",
                          store->path);
    settler_step(store);
    return varve_store_fault(store, error);
}

/* ---- the thread ---- */

/* LMDB answers a full disk with an I/O error in the middle of a commit, so space is asked for first. */
static bool has_space_for(struct varve_store *store, const struct tail_layer *layer)
{
    uint64_t needed = 2 * layer_record_bytes(layer) + STORE_GROWTH_SLACK;
    int64_t free_bytes = store->os->free_bytes(store->os->self, store->path);

    return free_bytes < 0 || (uint64_t)free_bytes >= needed;
}

static void set_starved(struct varve_store *store, bool starved)
{
    pthread_mutex_lock(&store->queue_lock);
    if (store->settler_starved != starved) {
        store->settler_starved = starved;
        pthread_cond_broadcast(&store->queue_wake);
        pthread_cond_broadcast(&store->settle_moved);
    }
    pthread_mutex_unlock(&store->queue_lock);
}

/* Wait until the frozen layer can be written without the disk filling up. False: the store is closing or has failed. */
static bool wait_for_space(struct varve_store *store, const struct tail_layer *layer)
{
    while (!has_space_for(store, layer)) {
        set_starved(store, true);
        pthread_mutex_lock(&store->queue_lock);
        bool stopping = store->settler_stopping;
        pthread_mutex_unlock(&store->queue_lock);
        if (stopping || store_has_failed(store))
            return false;
        usleep(DISK_RETRY_MS * 1000);
    }
    set_starved(store, false);
    return true;
}

static void write_layer(struct varve_store *store)
{
    const struct tail_layer *layer = tail_frozen(store->tail);
    struct varve_error error = { 0 };
    uint64_t began_us = store->os->monotonic_us(store->os->self);

    if (!wait_for_space(store, layer))
        return;
    if (settle_layer(store->db, layer, &error) != VARVE_OK) {
        store_set_fault(store, &error);
        return;
    }
    uint64_t settled = tail_layer_first_position(layer) + tail_layer_count(layer) - 1;
    uint64_t took_us = store->os->monotonic_us(store->os->self) - began_us;
    store_count(&store->counters.settles, 1);
    store_count(&store->counters.settle_us, took_us);
    varve_histogram_add(&store->histograms.settle_us, took_us);
    __atomic_store_n(&store->counters.settled_position, settled, __ATOMIC_RELEASE);
    journal_recycle(store->journal, settled);
    pthread_mutex_lock(&store->queue_lock);
    store->settling = SETTLE_DONE;
    pthread_cond_broadcast(&store->queue_wake);
    pthread_mutex_unlock(&store->queue_lock);
}

static void *settler_main(void *argument)
{
    struct varve_store *store = argument;

    for (;;) {
        pthread_mutex_lock(&store->queue_lock);
        while ((store->settling != SETTLE_BUSY || store_has_failed(store)) && !store->settler_stopping)
            pthread_cond_wait(&store->settler_wake, &store->queue_lock);
        bool stop = store->settler_stopping;
        pthread_mutex_unlock(&store->queue_lock);
        if (stop)
            return NULL;
        write_layer(store);
    }
}

enum varve_status settler_start(struct varve_store *store, struct varve_error *error)
{
    if (pthread_create(&store->settler, NULL, settler_main, store) != 0)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "cannot start the settler's thread");
    store->settler_runs = true;
    return VARVE_OK;
}

void settler_stop(struct varve_store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    store->settler_stopping = true;
    pthread_cond_broadcast(&store->settler_wake);
    pthread_mutex_unlock(&store->queue_lock);
    if (store->settler_runs)
        pthread_join(store->settler, NULL);
    store->settler_runs = false;
}

enum varve_status varve_store_settle(struct varve_store *store)
{
    uint64_t target = tail_visible_position(store->tail);

    pthread_mutex_lock(&store->queue_lock);
    store->settle_requests++;
    pthread_cond_broadcast(&store->queue_wake);
    while (!store_has_failed(store) && !store->settler_starved &&
           (store_counter(&store->counters.settled_position) < target || store->settling != SETTLE_IDLE))
        pthread_cond_wait(&store->settle_moved, &store->queue_lock);
    store->settle_requests--;
    bool starved = store->settler_starved;
    pthread_mutex_unlock(&store->queue_lock);
    enum varve_status status = varve_store_fault(store, NULL);
    return status == VARVE_OK && starved ? VARVE_DISK_FULL : status;
}
