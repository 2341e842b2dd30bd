/* cache_plan.c - what a put or a delete means for the rows that are there, and a look at every page that LMDB will
 * touch for it. */
#include "cache.h"

#include <stdlib.h>

enum {
    /* How many deletes beside each other are looked around for: a page that has run low takes from its neighbour, and
     * only one that runs low again in the same commit from the one behind. */
    DELETES_AROUND = 4,
    LEAF_TRIES = 8,
};

static enum varve_status damaged_key(struct varve_error *error)
{
    return varve_fail(error, VARVE_CORRUPT, NULL, "snapshots.mdb: a key is damaged");
}

static enum varve_status add_doomed(struct cache_plan *plan, int64_t version, struct varve_error *error)
{
    if (plan->doomed_count == plan->capacity) {
        uint32_t capacity = plan->capacity > 0 ? 2 * plan->capacity : 8;
        int64_t *grown = realloc(plan->doomed, capacity * sizeof(*grown));

        if (grown == NULL)
            return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the versions of a stream's snapshots");
        plan->doomed = grown;
        plan->capacity = capacity;
    }
    plan->doomed[plan->doomed_count++] = version;
    return VARVE_OK;
}

/* All versions of the stream from..until, rising. */
static enum varve_status collect(struct varve_snapshots *cache, struct varve_view stream, int64_t from, int64_t until,
                                 struct cache_plan *plan, struct varve_error *error)
{
    struct varve_page_cursor *cursor = NULL;
    struct snapshot_key start;
    bool found = false;
    enum varve_status status = varve_page_cursor_create(&cache->file.pages, &cache->roots,
                                                        &cache->roots.tables[SNAPSHOT_ROWS], &cursor, error);

    snapshot_key_make(&start, stream, from);
    if (status == VARVE_OK)
        status = varve_page_cursor_seek(cursor, start.bytes, start.size, &found, error);
    while (status == VARVE_OK && found) {
        struct varve_view other;
        int64_t version;
        size_t size;
        const void *key = varve_page_cursor_key(cursor, &size);

        if (!snapshot_key_take(key, size, &other, &version))
            status = damaged_key(error);
        else if (!varve_view_equal(other, stream) || version > until)
            break;
        else
            status = add_doomed(plan, version, error);
        if (status == VARVE_OK)
            status = varve_page_cursor_step(cursor, true, &found, error);
    }
    varve_page_cursor_destroy(cursor);
    return status;
}

/* Of all versions that are there, spare those that are among the newest when this one has come. */
static void spare_newest(struct cache_plan *plan, int64_t version, uint32_t keep)
{
    int64_t *const versions = plan->doomed;
    uint32_t others = 0, newer = 0, spared;
    bool replaces = false;

    for (uint32_t i = 0; i < plan->doomed_count; i++) {
        if (versions[i] == version) {
            replaces = true;
            continue;
        }
        newer += versions[i] > version;
        versions[others++] = versions[i];
    }
    plan->adds = newer < keep;
    spared = plan->adds ? keep - 1 : keep;
    plan->doomed_count = others > spared ? others - spared : 0; /* The oldest stand first. */
    plan->removed = plan->doomed_count + !plan->adds;
    if (replaces)
        versions[plan->doomed_count++] = version;
}

/* Where this leaf is remembered; NULL: there are too many. */
static struct cache_leaf *find_leaf(struct cache_leaves *leaves, uint64_t page)
{
    for (unsigned i = 0; i < LEAF_TRIES; i++) {
        struct cache_leaf *leaf = &leaves->leaves[(page + i) % CACHE_LEAVES];

        if (leaf->page == page || leaf->page == 0) {
            leaf->page = page;
            return leaf;
        }
    }
    return NULL;
}

/* A leaf that has become less than a quarter full takes from its neighbours, or goes into one. One that was split in
 * this commit has halves of it. So nothing of the kind happens while the leaf is well filled and loses little. */
static bool may_touch_neighbours(struct cache_leaf *known, const struct varve_page_leaf *leaf)
{
    if (known == NULL)
        return true;
    known->taken_bytes += leaf->entry_bytes;
    if (known->looked_around ||
        (known->taken_bytes < leaf->page_size / 8 && leaf->used_bytes - known->taken_bytes > leaf->page_size / 2))
        return false;
    known->looked_around = true;
    return true;
}

static enum varve_status look_at(struct varve_page_cursor *cursor, const struct snapshot_key *key,
                                 struct cache_leaves *leaves, struct varve_error *error)
{
    bool found = false;
    enum varve_status status = varve_page_cursor_seek(cursor, key->bytes, key->size, &found, error);

    if (status != VARVE_OK || leaves == NULL || !found)
        return status;
    struct varve_page_leaf leaf = varve_page_cursor_leaf(cursor);
    if (may_touch_neighbours(find_leaf(leaves, leaf.page), &leaf))
        status = varve_page_cursor_check_around(cursor, DELETES_AROUND, error);
    if (status == VARVE_OK)
        status = varve_page_cursor_value(cursor, NULL, 0, error); /* Its overflow pages are to be freed. */
    return status;
}

static enum varve_status look_at_pages(struct varve_snapshots *cache, const struct cache_item *item,
                                       const struct cache_plan *plan, enum snapshot_table table,
                                       struct cache_leaves *leaves, struct varve_error *error)
{
    const struct varve_view stream = item->snapshot->stream;
    struct varve_page_cursor *cursor = NULL;
    struct snapshot_key key;
    enum varve_status status =
        varve_page_cursor_create(&cache->file.pages, &cache->roots, &cache->roots.tables[table], &cursor, error);

    for (uint32_t i = 0; i < plan->doomed_count && status == VARVE_OK; i++) {
        snapshot_key_make(&key, stream, plan->doomed[i]);
        status = look_at(cursor, &key, leaves, error);
    }
    if (status == VARVE_OK && plan->adds) {
        snapshot_key_make(&key, stream, item->snapshot->version);
        status = look_at(cursor, &key, NULL, error);
    }
    varve_page_cursor_destroy(cursor);
    return status;
}

enum varve_status cache_plan_item(struct varve_snapshots *cache, const struct cache_item *item,
                                  struct cache_leaves *leaves, struct cache_plan *plan, struct varve_error *error)
{
    const bool puts = item->work == CACHE_PUT;
    enum varve_status status;

    *plan = (struct cache_plan){ .doomed = NULL };
    status = collect(cache, item->snapshot->stream, puts ? 0 : item->from_version,
                     puts ? INT64_MAX : item->until_version, plan, error);
    plan->removed = plan->doomed_count;
    if (status == VARVE_OK && puts)
        spare_newest(plan, item->snapshot->version, item->keep);
    for (enum snapshot_table table = SNAPSHOT_ROWS; table <= SNAPSHOT_DATA && status == VARVE_OK; table++)
        status = look_at_pages(cache, item, plan, table, leaves, error);
    return status;
}
