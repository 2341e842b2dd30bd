/* cache_write.c - puts and deletes: those that come while one commit is under way share the next, and its sync. Who
 * waits the longest commits for all. */
#include "cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_ITEMS = 256,
    BATCH_BYTES = 8 << 20, /* of data, one item at least: held in memory until the commit */
};

/* Those of one commit, each of another stream. */
struct batch {
    struct cache_item *items[BATCH_ITEMS];
    unsigned count;
    size_t bytes;
};

/* ---- one transaction ---- */

static enum varve_status write_item(struct varve_snapshots *cache, MDB_txn *txn, struct cache_item *item,
                                    const struct cache_plan *plan, struct varve_error *error)
{
    const struct varve_snapshot *snapshot = item->snapshot;
    enum varve_status status = VARVE_OK;
    uint8_t row[SNAPSHOT_MAX_ROW];
    struct snapshot_key key;

    for (uint32_t i = 0; i < plan->doomed_count && status == VARVE_OK; i++) {
        snapshot_key_make(&key, snapshot->stream, plan->doomed[i]);
        status = snapshot_file_delete(&cache->file, txn, SNAPSHOT_ROWS, &key, error);
        if (status == VARVE_OK)
            status = snapshot_file_delete(&cache->file, txn, SNAPSHOT_DATA, &key, error);
    }
    item->removed = plan->removed;
    if (status != VARVE_OK || !plan->adds)
        return status;
    snapshot_key_make(&key, snapshot->stream, snapshot->version);
    size_t size = snapshot_row_encode(snapshot, &key, row);
    status = snapshot_file_put(&cache->file, txn, SNAPSHOT_ROWS, &key, varve_view_of((const char *)row, size), error);
    return status == VARVE_OK ? snapshot_file_put(&cache->file, txn, SNAPSHOT_DATA, &key, snapshot->data, error)
                              : status;
}

static enum varve_status plan_and_write(struct varve_snapshots *cache, MDB_txn *txn, struct cache_item *item,
                                        struct varve_error *error)
{
    struct cache_plan plan;
    enum varve_status status = cache_plan_item(cache, item, &cache->leaves, &plan, error);

    if (status == VARVE_OK)
        status = write_item(cache, txn, item, &plan, error);
    free(plan.doomed);
    return status;
}

static enum varve_status write_all(struct varve_snapshots *cache, struct cache_item *const *items, unsigned count,
                                   struct varve_error *error)
{
    struct varve_page_roots roots;
    MDB_txn *txn = NULL;
    enum varve_status status = snapshot_file_begin(&cache->file, &cache->roots, &txn, error);

    if (status != VARVE_OK)
        return status;
    memset(&cache->leaves, 0, sizeof(cache->leaves));
    for (unsigned i = 0; i < count && status == VARVE_OK; i++)
        status = plan_and_write(cache, txn, items[i], error);
    if (status != VARVE_OK) {
        snapshot_file_abort(txn);
        return status;
    }
    status = snapshot_file_commit(&cache->file, txn, &roots, error);
    if (status != VARVE_OK)
        return status;
    pthread_rwlock_wrlock(&cache->lock);
    cache->roots = roots;
    pthread_rwlock_unlock(&cache->lock);
    return VARVE_OK;
}

/* ---- what may go wrong with it ---- */

static bool is_unfit(enum varve_status status)
{
    return status == VARVE_CORRUPT || status == VARVE_IO;
}

/* A file that is gone is made again, and one that proves damaged is thrown away: then once more, into the new one. */
static enum varve_status write_somewhere(struct varve_snapshots *cache, struct cache_item *const *items,
                                         unsigned count, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    if (snapshot_file_is_gone(&cache->file)) {
        if (cache->file.env != NULL)
            snapshot_file_tell(&cache->file, "snapshots.mdb: it was deleted or replaced while it was in use; "
                                             "what is there now is used from here on");
        status = cache_renew(cache, NULL, error);
    }
    if (status != VARVE_OK)
        return status;
    status = write_all(cache, items, count, error);
    if (!is_unfit(status))
        return status;
    status = cache_renew(cache, error->message, error);
    if (status == VARVE_OK)
        status = write_all(cache, items, count, error);
    return status;
}

static void run(struct varve_snapshots *cache, struct batch *batch)
{
    struct varve_error error = { .status = VARVE_OK };
    enum varve_status status = write_somewhere(cache, batch->items, batch->count, &error);

    for (unsigned i = 0; i < batch->count; i++) {
        struct cache_item *item = batch->items[i];

        item->status = status;
        item->error = error;
        /* What is too much for all may not be too much for each. */
        if (batch->count > 1 && (status == VARVE_DISK_FULL || status == VARVE_NO_MEMORY))
            item->status = write_somewhere(cache, &item, 1, &item->error);
        if (item->work == CACHE_PUT && item->status == VARVE_OK)
            atomic_fetch_add_explicit(&cache->puts, 1, memory_order_relaxed);
        item->done = true; /* Its thread may look as soon as we let go of write_lock. */
    }
}

/* ---- the queue ---- */

static bool has_stream(const struct batch *batch, struct varve_view stream)
{
    for (unsigned i = 0; i < batch->count; i++)
        if (varve_view_equal(batch->items[i]->snapshot->stream, stream))
            return true;
    return false;
}

/* Who comes second for a stream waits for the next commit. */
static void take_queue(struct varve_snapshots *cache, struct batch *batch)
{
    batch->count = 0;
    batch->bytes = 0;
    pthread_mutex_lock(&cache->queue_lock);
    for (struct cache_item **at = &cache->first; *at != NULL && batch->count < BATCH_ITEMS;) {
        struct cache_item *item = *at;
        size_t bytes = item->snapshot->data.size;

        if (has_stream(batch, item->snapshot->stream)) {
            at = &item->next;
            continue;
        }
        if (batch->count > 0 && batch->bytes + bytes > BATCH_BYTES)
            break;
        batch->items[batch->count++] = item;
        batch->bytes += bytes;
        *at = item->next;
    }
    cache->last = &cache->first;
    while (*cache->last != NULL)
        cache->last = &(*cache->last)->next;
    pthread_mutex_unlock(&cache->queue_lock);
}

static void wait_for(struct varve_snapshots *cache, struct cache_item *items, size_t count)
{
    struct batch batch;

    pthread_mutex_lock(&cache->queue_lock);
    for (size_t i = 0; i < count; i++) {
        items[i].done = false;
        items[i].next = NULL;
        *cache->last = &items[i];
        cache->last = &items[i].next;
    }
    pthread_mutex_unlock(&cache->queue_lock);

    pthread_mutex_lock(&cache->write_lock);
    for (size_t i = 0; i < count; i++) {
        while (!items[i].done) { /* Another may have done it while we waited. */
            take_queue(cache, &batch);
            assert(batch.count > 0);
            run(cache, &batch);
        }
    }
    pthread_mutex_unlock(&cache->write_lock);
}

void cache_do(struct varve_snapshots *cache, struct cache_item *item)
{
    wait_for(cache, item, 1);
}

void cache_drop(struct varve_snapshots *cache, struct varve_view stream, int64_t version)
{
    const struct varve_snapshot snapshot = { .stream = stream };
    struct cache_item item = { .work = CACHE_DELETE, .snapshot = &snapshot, .from_version = version,
                               .until_version = version };

    atomic_fetch_add_explicit(&cache->damaged, 1, memory_order_relaxed);
    snapshot_file_tell(&cache->file, "snapshots.mdb: the snapshot of %.*s at version %lld is damaged and thrown away",
                       (int)stream.size, stream.data, (long long)version);
    cache_do(cache, &item);
}

/* ---- public ---- */

static enum varve_status check_put(const struct varve_snapshot *snapshot, uint32_t keep, struct varve_error *error)
{
    enum varve_status status = varve_snapshot_check(snapshot, error);

    if (status == VARVE_OK && keep > VARVE_SNAPSHOT_MAX_KEEP)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "keep", "keep is %u; %u are allowed", keep,
                            VARVE_SNAPSHOT_MAX_KEEP);
    return status;
}

/* One put on its way, with the snapshot as it will be stored. */
struct stamped {
    struct varve_snapshot snapshot;
    struct varve_snapshot_put *put;
};

static void put_checked(struct varve_snapshots *cache, struct stamped *stamped, struct cache_item *items, size_t count)
{
    const struct varve_snapshots_options *options = &cache->file.options;

    for (size_t i = 0; i < count; i++) {
        stamped[i].snapshot = *stamped[i].put->snapshot;
        stamped[i].snapshot.created_at_us = options->os->now_us(options->os->self);
        items[i] = (struct cache_item){ .work = CACHE_PUT, .snapshot = &stamped[i].snapshot,
                                        .keep = stamped[i].put->keep > 0 ? stamped[i].put->keep : options->keep };
    }
    wait_for(cache, items, count);
    for (size_t i = 0; i < count; i++) {
        stamped[i].put->status = items[i].status;
        stamped[i].put->error = items[i].error;
        stamped[i].put->created_at_us = stamped[i].snapshot.created_at_us;
        stamped[i].put->removed = items[i].removed;
    }
}

void varve_snapshots_put_all(struct varve_snapshots *cache, struct varve_snapshot_put *puts, size_t count)
{
    struct stamped *stamped = malloc(count * sizeof(*stamped) + 1);
    struct cache_item *items = malloc(count * sizeof(*items) + 1);
    size_t checked = 0;

    for (size_t i = 0; i < count; i++) {
        puts[i].status = check_put(puts[i].snapshot, puts[i].keep, &puts[i].error);
        if (puts[i].status == VARVE_OK && (stamped == NULL || items == NULL))
            puts[i].status = varve_fail(&puts[i].error, VARVE_NO_MEMORY, NULL, "no memory to put snapshots");
        if (puts[i].status == VARVE_OK)
            stamped[checked++].put = &puts[i];
    }
    if (checked > 0)
        put_checked(cache, stamped, items, checked);
    free(stamped);
    free(items);
}

enum varve_status varve_snapshots_put(struct varve_snapshots *cache, const struct varve_snapshot *snapshot,
                                      uint32_t keep, int64_t *ret_created_at_us, uint32_t *ret_removed,
                                      struct varve_error *error)
{
    struct varve_snapshot_put put = { .snapshot = snapshot, .keep = keep };
    struct stamped stamped = { .put = &put };
    struct cache_item item;
    enum varve_status status = check_put(snapshot, keep, error);

    if (status != VARVE_OK)
        return status;
    put_checked(cache, &stamped, &item, 1);
    if (put.status != VARVE_OK) {
        if (error != NULL)
            *error = put.error;
        return put.status;
    }
    if (ret_created_at_us != NULL)
        *ret_created_at_us = put.created_at_us;
    if (ret_removed != NULL)
        *ret_removed = put.removed;
    return VARVE_OK;
}

enum varve_status varve_snapshots_delete(struct varve_snapshots *cache, struct varve_view stream, int64_t from_version,
                                         int64_t until_version, uint64_t *ret_count, struct varve_error *error)
{
    const struct varve_snapshot snapshot = { .stream = stream };
    struct cache_item item = { .work = CACHE_DELETE, .snapshot = &snapshot, .from_version = from_version,
                               .until_version = until_version };
    enum varve_status status = varve_check_stream_name(stream, true, "stream", error);

    if (status != VARVE_OK)
        return status;
    if (from_version < 0 || until_version < from_version)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "until_version",
                          "the versions are %lld to %lld; they must be 0 or more, and rise", (long long)from_version,
                          (long long)until_version);
    cache_do(cache, &item);
    if (item.status != VARVE_OK && error != NULL)
        *error = item.error;
    else if (item.status == VARVE_OK && ret_count != NULL)
        *ret_count = item.removed;
    return item.status;
}
