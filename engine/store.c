/* store.c - the whole engine put together: the open procedure, close, faults, figures.
 *
 *   look, make, lock --> db, meta --> tail --> recovery (ids, metadata, journal) --> settler, committer --> open
 *
 * A new store gets its `format` file last, so that a making that was interrupted is seen as such. */
#include "committer.h"
#include "recovery.h"
#include "settler.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DISK_CHECK_EVERY_US = 100000,
    MIN_SEGMENT_BYTES = 256 << 10,
    MAX_SEGMENT_BYTES = 1 << 30,
    MAX_EVENT_BYTES = 16 << 20,
    LAYER_BYTES_PER_EVENT = 560, /* keys and states of an event that shares none of them with another */
    SETTLE_BYTES_PER_EVENT = 168, /* a stream's place in the plan, and an entry of a run */
    SETTLE_PAGES_BYTES = 320 << 20, /* of LMDB, changed in one transaction besides the events' own */
};

/* ---- options ---- */

void varve_options_init(struct varve_options *options)
{
    *options = (struct varve_options){
        .create = true,
        .indexes = VARVE_INDEX_ALL,
        .segment_size_bytes = 64u << 20,
        .max_event_bytes = 1u << 20,
        .max_append_bytes = 8u << 20,
        .max_append_events = 65536,
        .queue_size_bytes = 64u << 20,
        .group_size_bytes = 1u << 20,
        .settle_size_bytes = 128u << 20,
        .settle_events = 500000,
        .settle_idle_ms = 1000,
        .recent_ids = 1000000,
        .disk_reserve_bytes = 256u << 20,
        .map_size_bytes = 1ull << 40,
        .os = varve_os_default(),
    };
}

static enum varve_status check_options(const struct varve_options *o, struct varve_error *error)
{
    const struct {
        const char *name;
        bool sound;
        const char *expected;
    } rules[] = {
        { "indexes", (o->indexes & ~(unsigned)VARVE_INDEX_ALL) == 0, "a sum of VARVE_INDEX_*" },
        { "segment_size_bytes", o->segment_size_bytes >= MIN_SEGMENT_BYTES && o->segment_size_bytes <= MAX_SEGMENT_BYTES
          && o->segment_size_bytes % 4096 == 0, "256 KiB to 1 GiB and a multiple of 4096" },
        { "max_event_bytes", o->max_event_bytes >= 1 && o->max_event_bytes <= MAX_EVENT_BYTES, "1 to 16 MiB" },
        { "max_append_bytes", o->max_append_bytes >= o->max_event_bytes, "at least max_event_bytes" },
        { "max_append_events", o->max_append_events >= 1 && o->max_append_events <= 1u << 20, "1 to 1,048,576" },
        /* A frame also holds 4 bytes an event, its header, and is filled up to 4096. */
        { "segment_size_bytes", (uint64_t)o->max_append_bytes + 4ull * o->max_append_events + 3 * 4096 <=
          o->segment_size_bytes, "enough for max_append_bytes, 4 bytes for each of max_append_events, and 12 KiB" },
        { "group_size_bytes", o->group_size_bytes >= 1, "at least 1" },
        { "queue_size_bytes", o->queue_size_bytes >= 1, "at least 1" },
        { "settle_size_bytes", o->settle_size_bytes >= 4096, "at least 4096" },
        { "settle_events", o->settle_events >= 1 && o->settle_events <= 1u << 26, "1 to 67,108,864" },
        { "recent_ids", o->recent_ids <= 1u << 28, "at most 268,435,456" },
        { "map_size_bytes", o->map_size_bytes >= 16u << 20 && o->map_size_bytes % 4096 == 0,
          "at least 16 MiB and a multiple of 4096" },
        { "os", o->os != NULL, "a table of functions" },
    };

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (!rules[i].sound)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, rules[i].name, "%s: must be %s", rules[i].name,
                              rules[i].expected);
    return VARVE_OK;
}

/* A group must fit a segment, with 4 bytes for each of its records, none of which is smaller than 64. */
static void fit_group(struct varve_options *options)
{
    uint32_t most = (options->segment_size_bytes - 3 * 4096) / 17 * 16;

    if (options->group_size_bytes > most)
        options->group_size_bytes = most;
}

/* ---- faults and disk space ---- */

enum varve_status store_set_fault(struct varve_store *store, const struct varve_error *error)
{
    pthread_mutex_lock(&store->fault_lock);
    if (store->fault.status == VARVE_OK) {
        store->fault = *error;
        __atomic_store_n(&store->failed, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&store->fault_lock);
    pthread_mutex_lock(&store->queue_lock);
    pthread_cond_broadcast(&store->queue_wake);
    pthread_cond_broadcast(&store->settle_moved);
    pthread_mutex_unlock(&store->queue_lock);
    return error->status;
}

enum varve_status varve_store_fault(struct varve_store *store, struct varve_error *error)
{
    if (!store_has_failed(store))
        return VARVE_OK;
    pthread_mutex_lock(&store->fault_lock);
    enum varve_status status = store->fault.status;
    if (error != NULL)
        *error = store->fault;
    pthread_mutex_unlock(&store->fault_lock);
    return status;
}

bool store_disk_is_full(struct varve_store *store)
{
    uint64_t now_us = store->os->monotonic_us(store->os->self);

    if (store->disk_checked_us != 0 && now_us - store->disk_checked_us < DISK_CHECK_EVERY_US)
        return store->disk_full;
    int64_t free_bytes = store->os->free_bytes(store->os->self, store->path);
    store->disk_checked_us = now_us;
    if (free_bytes >= 0) {
        store->disk_free_bytes = (uint64_t)free_bytes;
        store->disk_full = store->disk_free_bytes < store->options.disk_reserve_bytes;
    }
    return store->disk_full;
}

/* ---- opening ---- */

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static struct varve_store *allocate(const char *path, const struct varve_options *options)
{
    struct varve_store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return NULL;
    store->path = strdup(path);
    if (store->path == NULL) {
        free(store);
        return NULL;
    }
    store->options = *options;
    store->os = options->os;
    store->lock_fd = -1;
    store->sealed = true;
    pthread_mutex_init(&store->commit_lock, NULL);
    pthread_mutex_init(&store->queue_lock, NULL);
    pthread_mutex_init(&store->fault_lock, NULL);
    init_condition(&store->queue_wake);
    init_condition(&store->settler_wake);
    init_condition(&store->settle_moved);
    return store;
}

/* Ends whatever was begun, in the reverse order; threads have been stopped. */
static void release(struct varve_store *store)
{
    journal_close(store->journal);
    tail_destroy(store->tail);
    hidden_destroy(store->hidden);
    db_close(store->db);
    format_unlock(store->lock_fd);
    pthread_cond_destroy(&store->queue_wake);
    pthread_cond_destroy(&store->settler_wake);
    pthread_cond_destroy(&store->settle_moved);
    pthread_mutex_destroy(&store->commit_lock);
    pthread_mutex_destroy(&store->queue_lock);
    pthread_mutex_destroy(&store->fault_lock);
    free(store->path);
    free(store);
}

/* Own the directory and say whether it is to be made a store. */
static enum varve_status take_directory(struct varve_store *store, bool *ret_create, struct varve_error *error)
{
    enum format_verdict verdict;
    enum varve_status status = format_look(store->path, store->os, &verdict, &store->format, error);

    if (status != VARVE_OK)
        return status;
    if (verdict != FORMAT_STORE && !store->options.create)
        return varve_fail(error, VARVE_NOT_A_STORE, NULL, "%s: is not a varve store", store->path);
    if (verdict == FORMAT_EMPTY)
        status = format_make_directory(store->path, store->os, error);
    if (status == VARVE_OK)
        status = format_lock(store->path, &store->lock_fd, error);
    if (status == VARVE_OK) /* Another process may have made it meanwhile. */
        status = format_look(store->path, store->os, &verdict, &store->format, error);
    *ret_create = verdict != FORMAT_STORE;
    return status;
}

static enum varve_status write_first_meta(struct varve_store *store, struct varve_error *error)
{
    struct tables_meta meta = { .next_stream_id = 1, .indexes = store->format.indexes,
                                .database_id = store->format.database_id, .hash_seed = store->format.hash_seed };
    struct db_txn *txn = NULL;
    enum varve_status status = db_begin_write(store->db, &txn, error);

    if (status != VARVE_OK)
        return status;
    status = tables_put_meta(txn, &meta);
    if (status != VARVE_OK) {
        db_abort(txn);
        return varve_fail(error, status, NULL, "%s/store.mdb: cannot be written", store->path);
    }
    return db_commit(txn, error);
}

static enum varve_status read_meta(struct varve_store *store, struct tables_meta *ret_meta, struct varve_error *error)
{
    struct db_txn *txn = NULL;
    enum varve_status status = db_begin_read(store->db, &txn, error);

    if (status != VARVE_OK)
        return status;
    status = tables_get_meta(txn, ret_meta);
    if (status == VARVE_NOT_A_STORE)
        status = db_damaged(txn, "%s/store.mdb: its meta table is empty", store->path);
    if (status != VARVE_OK)
        db_explain(txn, status, error);
    db_abort(txn);
    if (status != VARVE_OK)
        return status;
    if (memcmp(&ret_meta->database_id, &store->format.database_id, sizeof(ret_meta->database_id)) != 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s/store.mdb: belongs to another store", store->path);
    return VARVE_OK;
}

static enum varve_status open_db(struct varve_store *store, bool create, struct tables_meta *ret_meta,
                                 struct varve_error *error)
{
    char file[FORMAT_MAX_PATH + 16];
    enum varve_status status = VARVE_OK;

    if (create)
        status = format_begin(store->path, store->os, store->options.indexes, &store->format, error);
    if (status != VARVE_OK)
        return status;
    snprintf(file, sizeof(file), "%s/store.mdb", store->path);
    status = db_open(file, store->os, store->options.map_size_bytes, false, &store->db, error);
    if (status == VARVE_OK && create)
        status = write_first_meta(store, error);
    if (status == VARVE_OK)
        status = read_meta(store, ret_meta, error);
    return status;
}

static uint32_t ids_remembered(const struct varve_options *options)
{
    /* Whatever is in the tail must be found by id here, so it holds at least what both layers may hold. */
    uint64_t tail = 4ull * options->settle_events + options->max_append_events;

    return (uint32_t)(options->recent_ids > tail ? options->recent_ids : tail);
}

static enum varve_status open_tail(struct varve_store *store, const struct tables_meta *meta,
                                   struct varve_error *error)
{
    struct tail_options options = { .seed = store->format.hash_seed, .next_position = meta->settled_position + 1,
                                    .recent_ids = ids_remembered(&store->options),
                                    .indexes = store->format.indexes };
    enum varve_status status = tail_create(&options, &store->tail);

    if (status == VARVE_OK)
        status = hidden_create(store->format.hash_seed, &store->hidden);
    store->counters.settled_position = meta->settled_position;
    store->counters.stream_count = meta->stream_count;
    store->counters.system_stream_count = meta->system_stream_count;
    return status == VARVE_OK ? VARVE_OK : varve_fail(error, status, NULL, "no memory to open a store");
}

static enum varve_status open_parts(struct varve_store *store, struct varve_error *error)
{
    struct tables_meta meta;
    bool create = false;
    enum varve_status status = take_directory(store, &create, error);

    if (status == VARVE_OK && create && store_disk_is_full(store))
        status = varve_fail(error, VARVE_DISK_FULL, NULL, "%s: %" PRIu64 " bytes are free, less than the reserve of "
                            "%" PRIu64, store->path, store->disk_free_bytes, store->options.disk_reserve_bytes);
    if (status == VARVE_OK)
        status = open_db(store, create, &meta, error);
    if (status == VARVE_OK && store->format.version < FORMAT_VERSION)
        status = format_renew(store->path, store->os, &store->format, error);
    if (status == VARVE_OK)
        status = open_tail(store, &meta, error);
    if (status == VARVE_OK)
        status = recovery_run(store, &meta, create, error);
    if (status == VARVE_OK && create)
        status = format_finish(store->path, store->os, error);
    return status;
}

/* What was found in the journal has been durable since another process, of whose clocks only the wall's is known. */
static int64_t recovered_since_us(struct varve_store *store)
{
    uint32_t size;
    const uint8_t *record = tail_record(store->tail, varve_store_first_in_memory(store), &size);

    if (record == NULL)
        return 0;
    int64_t age_us = store->os->now_us(store->os->self) - varve_record_recorded_at(record);
    return (int64_t)store->last_append_us - (age_us > 0 ? age_us : 0);
}

static void stop_threads(struct varve_store *store)
{
    committer_stop(store);
    settler_stop(store);
}

enum varve_status varve_store_open(const char *path, const struct varve_options *given,
                                   struct varve_store **ret_store, struct varve_error *error)
{
    struct varve_options options;

    varve_options_init(&options);
    if (given != NULL)
        options = *given;
    enum varve_status status = check_options(&options, error);
    if (status != VARVE_OK)
        return status;
    fit_group(&options);
    if (strlen(path) > FORMAT_MAX_PATH - 128)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "path: longer than %d bytes", FORMAT_MAX_PATH - 128);
    struct varve_store *store = allocate(path, &options);
    if (store == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to open a store");
    uint64_t began_us = store->os->monotonic_us(store->os->self);
    status = open_parts(store, error);
    store->last_append_us = store->os->monotonic_us(store->os->self);
    if (status == VARVE_OK)
        store->active_since_us = recovered_since_us(store);
    if (status == VARVE_OK)
        status = settler_start(store, error);
    if (status == VARVE_OK)
        status = committer_start(store, error);
    if (status != VARVE_OK) {
        stop_threads(store);
        release(store);
        return status;
    }
    store->counters.open_us = store->os->monotonic_us(store->os->self) - began_us;
    *ret_store = store;
    return VARVE_OK;
}

enum varve_status varve_store_close(struct varve_store *store)
{
    if (store == NULL)
        return VARVE_OK;
    pthread_mutex_lock(&store->queue_lock);
    store->closing = true;
    pthread_mutex_unlock(&store->queue_lock);
    pthread_mutex_lock(&store->commit_lock); /* A group under way has ended. */
    pthread_mutex_unlock(&store->commit_lock);
    varve_store_settle(store); /* Unsettled events are safe in the journal; a failure here loses nothing. */
    stop_threads(store);
    enum varve_status status = varve_store_fault(store, NULL);
    release(store);
    return status;
}

/* ---- figures ---- */

static uint64_t memory_bound(const struct varve_options *options)
{
    uint64_t records = 2 * options->settle_size_bytes, events = 2 * (uint64_t)options->settle_events;
    uint64_t layer = records + events * LAYER_BYTES_PER_EVENT;
    uint64_t settle = records + records / 10 + events * SETTLE_BYTES_PER_EVENT + SETTLE_PAGES_BYTES;
    uint64_t ids = (uint64_t)ids_remembered(options) * (16 + 4 * 4);
    uint64_t frame = options->group_size_bytes > options->max_append_bytes ? options->group_size_bytes
                                                                           : options->max_append_bytes;

    return 2 * layer + settle + ids + options->queue_size_bytes + 2 * frame + (1u << 20);
}

static void stats_of_queue(struct varve_store *store, struct varve_stats *ret)
{
    pthread_mutex_lock(&store->queue_lock);
    store->disk_checked_us = 0; /* Whoever asks wants to know how it is now. */
    ret->disk_full |= store_disk_is_full(store) || store->settler_starved;
    ret->disk_free_bytes = store->disk_free_bytes;
    ret->queue_bytes = store->queue.bytes;
    ret->queue_appends = store->queue.count;
    pthread_mutex_unlock(&store->queue_lock);
}

static void stats_of_tail(struct varve_store *store, struct varve_stats *ret)
{
    tail_lock_read(store->tail);
    ret->tail_bytes = tail_bytes(store->tail);
    ret->tail_events = tail_next_position(store->tail) - tail_first_position(store->tail);
    tail_unlock_read(store->tail);
}

void varve_store_stats(struct varve_store *store, struct varve_stats *ret_stats)
{
    struct journal_stats journal;
    uint64_t settled = __atomic_load_n(&store->counters.settled_position, __ATOMIC_ACQUIRE); /* Never behind `last`. */

    journal_get_stats(store->journal, &journal);
    *ret_stats = (struct varve_stats){
        .database_id = store->format.database_id, .created_at_us = store->format.created_at_us,
        .indexes = store->format.indexes, .last_position = tail_visible_position(store->tail),
        .settled_position = settled,
        .stream_count = store_counter(&store->counters.stream_count),
        .system_stream_count = store_counter(&store->counters.system_stream_count),
        .journal_bytes = journal.bytes, .journal_segments = journal.segments, .store_bytes = db_size_bytes(store->db),
        .appends = store_counter(&store->counters.appends),
        .append_conflicts = store_counter(&store->counters.conflicts),
        .append_replays = store_counter(&store->counters.replays),
        .groups = store_counter(&store->counters.groups),
        .events_appended = store_counter(&store->counters.events),
        .settles = store_counter(&store->counters.settles), .settle_us = store_counter(&store->counters.settle_us),
        .commit_waits_us = store_counter(&store->counters.commit_waits_us), .open_us = store->counters.open_us,
        .recovered_events = store->counters.recovered_events, .disk_full = journal.disk_full,
        .memory_bound_bytes = memory_bound(&store->options),
    };
    stats_of_queue(store, ret_stats);
    stats_of_tail(store, ret_stats);
}

void varve_store_histograms(struct varve_store *store, struct varve_store_histograms *ret)
{
    varve_histogram_look(&store->histograms.commit_us, &ret->commit_us);
    varve_histogram_look(&store->histograms.sync_us, &ret->sync_us);
    varve_histogram_look(&store->histograms.group_events, &ret->group_events);
    varve_histogram_look(&store->histograms.settle_us, &ret->settle_us);
}

uint64_t varve_store_settle_lag_us(struct varve_store *store)
{
    int64_t now_us = (int64_t)store->os->monotonic_us(store->os->self);

    pthread_mutex_lock(&store->queue_lock);
    int64_t since_us = store->settling == SETTLE_BUSY ? store->frozen_since_us
                                                      : __atomic_load_n(&store->active_since_us, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&store->queue_lock);
    bool all_settled = store_counter(&store->counters.settled_position) >= tail_visible_position(store->tail);
    return all_settled || since_us == 0 || since_us > now_us ? 0 : (uint64_t)(now_us - since_us);
}

uint64_t varve_store_last_position(struct varve_store *store)
{
    return tail_visible_position(store->tail);
}

/* Until the committer drops it, the tail still holds what was settled, but reads look for that in LMDB. */
uint64_t varve_store_first_in_memory(struct varve_store *store)
{
    uint64_t unsettled = __atomic_load_n(&store->counters.settled_position, __ATOMIC_ACQUIRE) + 1;
    uint64_t first = tail_first_position(store->tail);

    return first > unsettled ? first : unsettled;
}

void varve_store_limits(struct varve_store *store, struct varve_options *ret_options)
{
    *ret_options = store->options;
    ret_options->indexes = store->format.indexes;
}

void varve_store_on_growth(struct varve_store *store, void (*grown)(void *user, uint64_t last_position), void *user)
{
    pthread_mutex_lock(&store->queue_lock);
    store->grown = grown;
    store->grown_user = user;
    pthread_mutex_unlock(&store->queue_lock);
}
