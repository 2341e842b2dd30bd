/* cache.c - the snapshot cache opened, closed, counted, and begun anew. */
#include "cache.h"

#include <assert.h>
#include <stdlib.h>

void varve_snapshots_options_init(struct varve_snapshots_options *options)
{
    *options = (struct varve_snapshots_options){
        .keep = 2, .map_size_bytes = UINT64_C(64) << 30, .os = varve_os_default()
    };
}

static void init_locks(struct varve_snapshots *cache)
{
    pthread_rwlockattr_t attributes;

    pthread_rwlockattr_init(&attributes);
    /* Those who read one after the other must not keep a commit from ending. */
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&cache->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&cache->write_lock, NULL);
    pthread_mutex_init(&cache->queue_lock, NULL);
}

static void destroy(struct varve_snapshots *cache)
{
    pthread_rwlock_destroy(&cache->lock);
    pthread_mutex_destroy(&cache->write_lock);
    pthread_mutex_destroy(&cache->queue_lock);
    free(cache);
}

enum varve_status varve_snapshots_open(const char *path, const struct varve_uuid *database_id,
                                       const struct varve_snapshots_options *options,
                                       struct varve_snapshots **ret_snapshots, struct varve_error *error)
{
    struct varve_snapshots_options chosen;
    struct varve_snapshots *cache;
    enum varve_status status;

    varve_snapshots_options_init(&chosen);
    if (options != NULL)
        chosen = *options;
    if (chosen.keep == 0 || chosen.keep > VARVE_SNAPSHOT_MAX_KEEP)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "keep", "keep is %u; it must be 1 to %u", chosen.keep,
                          VARVE_SNAPSHOT_MAX_KEEP);
    cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the snapshot cache");
    init_locks(cache);
    cache->last = &cache->first;
    status = snapshot_file_open(&cache->file, path, database_id, &chosen, &cache->roots, error);
    if (status != VARVE_OK) {
        destroy(cache);
        return status;
    }
    *ret_snapshots = cache;
    return VARVE_OK;
}

void varve_snapshots_close(struct varve_snapshots *cache)
{
    if (cache == NULL)
        return;
    assert(cache->first == NULL);
    snapshot_file_close(&cache->file);
    destroy(cache);
}

enum varve_status cache_renew(struct varve_snapshots *cache, const char *why, struct varve_error *error)
{
    enum varve_status status;

    pthread_rwlock_wrlock(&cache->lock);
    cache->generation++;
    atomic_fetch_add_explicit(&cache->damaged, why != NULL, memory_order_relaxed);
    status = snapshot_file_renew(&cache->file, why, &cache->roots, error);
    pthread_rwlock_unlock(&cache->lock);
    return status;
}

void cache_discard(struct varve_snapshots *cache, uint64_t generation, const char *why)
{
    struct varve_error error;

    pthread_mutex_lock(&cache->write_lock);
    if (cache->generation == generation && cache->file.env != NULL)
        cache_renew(cache, why, &error); /* If it fails there is no file, and the next put tries again. */
    pthread_mutex_unlock(&cache->write_lock);
}

void varve_snapshots_get_stats(struct varve_snapshots *cache, struct varve_snapshots_stats *ret)
{
    *ret = (struct varve_snapshots_stats){
        .hits = atomic_load_explicit(&cache->hits, memory_order_relaxed),
        .misses = atomic_load_explicit(&cache->misses, memory_order_relaxed),
        .puts = atomic_load_explicit(&cache->puts, memory_order_relaxed),
        .damaged = atomic_load_explicit(&cache->damaged, memory_order_relaxed),
    };
    pthread_rwlock_rdlock(&cache->lock);
    if (cache->file.env != NULL) {
        ret->count = cache->roots.tables[SNAPSHOT_ROWS].entries;
        ret->file_bytes = (cache->roots.last_page + 1) * cache->file.pages.page_size;
    }
    pthread_rwlock_unlock(&cache->lock);
}
