/* folder.c - one thread of fold_pool.h: takes batches of streams, loads, folds, and puts or compares. */
#include <inttypes.h>
#include <stdlib.h>

#include "fold_pool.h"

#define LOADS_WITHOUT_PROGRESS 5 /* a server that restarts is met again; one that is broken is not asked for ever */

static void count_up(uint64_t *count, uint64_t by)
{
    __atomic_fetch_add(count, by, __ATOMIC_RELAXED);
}

static struct fold_counts *counts_of(struct folder *folder)
{
    return &folder->pool->counts;
}

/* ---- what becomes of a state ------------------------------------------------------------------------------------- */

static void on_put(void *user, enum varve_status status, const struct varve_error *error)
{
    struct folder *folder = user;

    if (status == VARVE_OK)
        count_up(&counts_of(folder)->stored, 1);
    else if (status == VARVE_STREAM_NOT_FOUND || status == VARVE_STREAM_TOMBSTONED || status == VARVE_SNAPSHOT_AHEAD)
        count_up(&counts_of(folder)->gone, 1); /* It was ended, or begun anew, meanwhile. */
    else if (status == VARVE_INVALID_ARGUMENT || status == VARVE_EVENT_TOO_LARGE)
        fold_pool_failed(folder->pool, error);
    else if (folder->put_error.status == VARVE_OK)
        folder->put_error = *error;
}

static enum varve_status put(struct folder *folder, struct varve_view stream, int64_t version, struct varve_view data,
                             struct varve_error *error)
{
    const struct varve_reducing *reducing = folder->pool->reducing;
    const struct varve_snapshot snapshot = {
        .stream = stream, .version = version, .type = varve_reducing_type(reducing),
        .schema_version = varve_reducing_schema_version(reducing),
        .content_type = varve_reducing_content_type(reducing), .size = (uint32_t)data.size, .data = data,
    };
    enum varve_status status = folder->source->call->submit(folder->source, &snapshot, folder->pool->keep, on_put,
                                                            folder, error);

    if (status == VARVE_INVALID_ARGUMENT || status == VARVE_EVENT_TOO_LARGE) {
        fold_pool_failed(folder->pool, error);
        return VARVE_OK;
    }
    return status;
}

/* Is the snapshot of this version what was folded? */
static enum varve_status compare(struct folder *folder, struct varve_view stream, int64_t version,
                                 struct varve_view data, struct varve_error *error)
{
    struct fold_pool *pool = folder->pool;
    const struct varve_snapshot_query query = {
        .stream = stream, .at_or_below = version, .type = varve_reducing_type(pool->reducing),
        .schema_version = varve_reducing_schema_version(pool->reducing),
    };
    struct varve_snapshot snapshot;
    enum varve_status status = folder->source->call->get(folder->source, &query, &snapshot, error);

    if (status == VARVE_SNAPSHOT_NOT_FOUND || (status == VARVE_OK && snapshot.version != version))
        return VARVE_OK; /* It was taken away meanwhile. */
    if (status != VARVE_OK)
        return status;
    if (snapshot.content_type == varve_reducing_content_type(pool->reducing) && varve_view_equal(snapshot.data, data)) {
        count_up(&counts_of(folder)->same, 1);
        return VARVE_OK;
    }
    count_up(&counts_of(folder)->different, 1);
    pthread_mutex_lock(&pool->lock);
    pool->different(pool->user, stream, version);
    pthread_mutex_unlock(&pool->lock);
    return VARVE_OK;
}

/* ---- a stream ---------------------------------------------------------------------------------------------------- */

/* The stream has failed by its reducer, which is no fault of ours, unless the reducer is beyond hope. */
static enum varve_status stream_failed(struct folder *folder, const struct varve_error *why, struct varve_error *error)
{
    fold_pool_failed(folder->pool, why);
    if (why->status == VARVE_NO_MEMORY)
        *error = *why;
    else if (varve_fold_is_lost(folder->fold))
        varve_fail(error, VARVE_IO, "reducer", "the reducer was started again and again and never answered; at last: "
                   "%s", why->message);
    else
        return VARVE_OK;
    return error->status;
}

static enum varve_status begin_fold(struct folder *folder, struct varve_view name, const struct varve_loaded *loaded,
                                    struct varve_error *why)
{
    const struct varve_snapshot *snapshot = loaded->snapshot;

    if (snapshot != NULL && snapshot->content_type != varve_reducing_content_type(folder->pool->reducing))
        return varve_fail(why, VARVE_INVALID_ARGUMENT, "reducer", "stream \"%.*s\": its snapshot is %s, which this "
                          "reducer does not make; raise the schema version", (int)name.size, name.data,
                          varve_content_type_name(snapshot->content_type));
    return varve_fold_stream(folder->fold, name, snapshot != NULL ? &snapshot->data : NULL, why);
}

/* All that comes of the stream. `why`: the reducer's failure; `error`: a fault. */
static enum varve_status build_stream(struct folder *folder, struct varve_view name, const struct varve_loaded *loaded,
                                      struct varve_error *error)
{
    const struct varve_event *event = NULL;
    struct varve_error why = { 0 };
    struct varve_view data;
    int64_t version = -1;
    uint64_t events = 0;
    enum varve_status failed = begin_fold(folder, name, loaded, &why), status = VARVE_OK;

    while (failed == VARVE_OK) {
        status = folder->source->call->load_event(folder->source, &event, error);
        if (status != VARVE_OK)
            return status;
        if (event == NULL)
            break;
        failed = varve_fold_event(folder->fold, event, &why);
        version = (int64_t)event->version;
        events++;
    }
    if (failed == VARVE_OK && events > 0)
        failed = varve_fold_save(folder->fold, &data, &why);
    if (failed != VARVE_OK)
        return stream_failed(folder, &why, error);
    count_up(&counts_of(folder)->folded, 1);
    count_up(&counts_of(folder)->events, events);
    return events > 0 ? put(folder, name, version, data, error) : VARVE_OK;
}

/* Each of its snapshots, on one way through its events. */
static enum varve_status verify_stream(struct folder *folder, struct varve_view name, const struct fold_item *item,
                                       const struct varve_loaded *loaded, struct varve_error *error)
{
    const struct varve_event *event = NULL;
    struct varve_error why = { 0 };
    uint64_t events = 0;
    enum varve_status failed = begin_fold(folder, name, loaded, &why);

    for (size_t next = 0; failed == VARVE_OK && next < item->snapshot_count;) {
        struct varve_view data;
        enum varve_status status = folder->source->call->load_event(folder->source, &event, error);

        if (status != VARVE_OK)
            return status;
        if (event == NULL)
            break;
        failed = varve_fold_event(folder->fold, event, &why);
        events++;
        if (failed != VARVE_OK || (int64_t)event->version != item->snapshots[next])
            continue;
        failed = varve_fold_save(folder->fold, &data, &why);
        status = failed == VARVE_OK ? compare(folder, name, item->snapshots[next++], data, error) : VARVE_OK;
        if (status != VARVE_OK)
            return status;
    }
    if (failed != VARVE_OK)
        return stream_failed(folder, &why, error);
    count_up(&counts_of(folder)->folded, 1);
    count_up(&counts_of(folder)->events, events);
    return VARVE_OK;
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

static enum varve_status take_stream(struct folder *folder, const struct fold_batch *batch, size_t at,
                                     const struct varve_loaded *loaded, struct varve_error *error)
{
    if (loaded->status != VARVE_OK) {
        count_up(&counts_of(folder)->gone, 1);
        return VARVE_OK;
    }
    if (loaded->snapshot == NULL && loaded->first_version > 0) {
        count_up(&counts_of(folder)->no_beginning, 1);
        return VARVE_OK;
    }
    if (folder->pool->purpose == FOLD_BUILD)
        return build_stream(folder, batch->names[at], loaded, error);
    return verify_stream(folder, batch->names[at], &batch->items[at], loaded, error);
}

/* From *at on, which moves behind what is finished. */
static enum varve_status load_streams(struct folder *folder, const struct fold_batch *batch, size_t *at,
                                      struct varve_error *error)
{
    const struct varve_reducing *reducing = folder->pool->reducing;
    const struct varve_load_wanted wanted = {
        .type = varve_reducing_type(reducing), .schema_version = varve_reducing_schema_version(reducing),
        .no_snapshots = folder->pool->purpose == FOLD_VERIFY,
    };
    size_t from = *at;
    struct varve_loaded loaded = { 0 };
    enum varve_status status = folder->source->call->load_open(folder->source, batch->names + from,
                                                               batch->count - from, &wanted, error);

    while (status == VARVE_OK) {
        status = folder->source->call->load_stream(folder->source, &loaded, error);
        if (status != VARVE_OK || !loaded.more)
            break;
        status = take_stream(folder, batch, from + loaded.index, &loaded, error);
        if (status == VARVE_OK)
            *at = from + loaded.index + 1;
    }
    folder->source->call->load_close(folder->source);
    return status;
}

/* A connection that is lost in the middle of a stream has the stream begun anew. */
static enum varve_status take_batch(struct folder *folder, const struct fold_batch *batch, struct varve_error *error)
{
    size_t at = 0, before = 0;
    enum varve_status status = VARVE_OK;

    for (unsigned attempts = 0; at < batch->count && attempts < LOADS_WITHOUT_PROGRESS; attempts++) {
        status = load_streams(folder, batch, &at, error);
        if (status == VARVE_OK || status == VARVE_NO_MEMORY || !varve_status_retryable(status))
            return status;
        if (at > before)
            attempts = 0;
        before = at;
    }
    return status;
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static enum varve_status work(struct folder *folder, struct varve_error *error)
{
    struct fold_batch *batch = NULL;
    enum varve_status status = state_source_open(folder->pool->place, &folder->source, error);

    if (status == VARVE_OK)
        status = varve_fold_begin(folder->pool->reducing, &folder->fold, error);
    while (status == VARVE_OK && folder->put_error.status == VARVE_OK &&
           (batch = fold_queue_take(&folder->pool->queue)) != NULL) {
        status = take_batch(folder, batch, error);
        fold_batch_free(batch);
    }
    if (status == VARVE_OK)
        status = folder->source->call->drain(folder->source, error);
    if (status == VARVE_OK && folder->put_error.status != VARVE_OK) {
        *error = folder->put_error;
        status = error->status;
    }
    return status;
}

void *folder_run(void *user)
{
    struct folder *folder = user;
    struct varve_error error = { 0 };
    enum varve_status status = work(folder, &error);

    varve_fold_end(folder->fold);
    state_source_close(folder->source);
    fold_pool_ended(folder->pool, status, &error);
    return NULL;
}
