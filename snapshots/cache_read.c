/* cache_read.c - one snapshot, or a list of what there is. Whatever is not what was put is thrown away on the way. */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

/* How a look ended that was not undone by a fault. */
enum look { LOOK_FOUND, LOOK_NOTHING, LOOK_DAMAGED /* one snapshot: `name` and `version` say which */ };

struct looking {
    struct varve_snapshots *cache;
    uint64_t generation;
    enum look look;
    int64_t version;              /* what is damaged */
    struct varve_view stream;     /* likewise: points into `key` */
    struct snapshot_key key;      /* of the row it stands on */
    uint8_t row[SNAPSHOT_MAX_ROW];
};

/* Read the row the cursor stands on. `false` in *ret_sound: it is damaged, or LOOK_DAMAGED has been set. */
static enum varve_status read_row(struct looking *looking, struct varve_page_cursor *cursor,
                                  struct varve_snapshot *ret, uint64_t *ret_data_sum, struct varve_error *error)
{
    size_t size, row_size = varve_page_cursor_value_size(cursor);
    const void *key = varve_page_cursor_key(cursor, &size);
    enum varve_status status;

    if (!snapshot_key_take(key, size, &looking->stream, &looking->version))
        return varve_fail(error, VARVE_CORRUPT, NULL, "snapshots.mdb: a key is damaged");
    memcpy(looking->key.bytes, key, size);
    looking->key.size = size;
    looking->stream.data = (const char *)looking->key.bytes;
    looking->look = LOOK_DAMAGED;
    if (row_size > sizeof(looking->row))
        return VARVE_OK;
    status = varve_page_cursor_value(cursor, looking->row, row_size, error);
    if (status == VARVE_OK && snapshot_row_decode(looking->row, row_size, &looking->key, ret, ret_data_sum))
        looking->look = LOOK_FOUND;
    return status;
}

/* ---- get ---- */

static bool is_wanted(const struct varve_snapshot *snapshot, const struct varve_snapshot_query *query)
{
    return (query->type.size == 0 || varve_view_equal(query->type, snapshot->type)) &&
           (query->schema_version == 0 || query->schema_version == snapshot->schema_version);
}

/* To the newest row at or below the wanted version that is wanted; from there on, older ones. */
static enum varve_status find_row(struct looking *looking, struct varve_page_cursor *cursor,
                                  const struct varve_snapshot_query *query, struct varve_snapshot *ret,
                                  uint64_t *ret_data_sum, struct varve_error *error)
{
    struct snapshot_key end;
    bool found = false;
    enum varve_status status;

    if (query->at_or_below == INT64_MAX)
        snapshot_key_make_end(&end, query->stream);
    else
        snapshot_key_make(&end, query->stream, query->at_or_below + 1);
    status = varve_page_cursor_seek(cursor, end.bytes, end.size, &found, error);
    while (status == VARVE_OK) {
        looking->look = LOOK_NOTHING;
        status = varve_page_cursor_step(cursor, false, &found, error);
        if (status != VARVE_OK || !found)
            break;
        status = read_row(looking, cursor, ret, ret_data_sum, error);
        if (status == VARVE_OK && !varve_view_equal(looking->stream, query->stream)) {
            looking->look = LOOK_NOTHING; /* Whatever is wrong with it: another stream's. */
            break;
        }
        if (looking->look == LOOK_DAMAGED || is_wanted(ret, query))
            break;
    }
    return status;
}

/* One piece of memory: the snapshot, its stream, type and data. */
static struct varve_snapshot *copy_of(const struct varve_snapshot *snapshot, char **ret_data)
{
    size_t texts = snapshot->stream.size + snapshot->type.size;
    struct varve_snapshot *copy = malloc(sizeof(*copy) + texts + snapshot->size + 1);
    char *at = (char *)(copy + 1);

    if (copy == NULL)
        return NULL;
    *copy = *snapshot;
    memcpy(at, snapshot->stream.data, snapshot->stream.size);
    copy->stream.data = at;
    at += snapshot->stream.size;
    memcpy(at, snapshot->type.data, snapshot->type.size);
    copy->type.data = at;
    *ret_data = at + snapshot->type.size;
    copy->data = varve_view_of(*ret_data, snapshot->size);
    return copy;
}

static enum varve_status read_data(struct looking *looking, const struct varve_snapshot *snapshot, uint64_t data_sum,
                                   struct varve_snapshot **ret_snapshot, struct varve_error *error)
{
    struct varve_snapshots *cache = looking->cache;
    struct varve_page_cursor *cursor = NULL;
    char *data = NULL;
    size_t size;
    bool found = false;
    struct varve_snapshot *copy = copy_of(snapshot, &data);
    enum varve_status status = copy != NULL ? VARVE_OK
                                            : varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a snapshot");

    if (status == VARVE_OK)
        status = varve_page_cursor_create(&cache->file.pages, &cache->roots, &cache->roots.tables[SNAPSHOT_DATA],
                                          &cursor, error);
    if (status == VARVE_OK)
        status = varve_page_cursor_seek(cursor, looking->key.bytes, looking->key.size, &found, error);
    looking->look = LOOK_DAMAGED;
    if (status == VARVE_OK && found) {
        const void *key = varve_page_cursor_key(cursor, &size);

        found = size == looking->key.size && memcmp(key, looking->key.bytes, size) == 0 &&
                varve_page_cursor_value_size(cursor) == snapshot->size;
    }
    if (status == VARVE_OK && found)
        status = varve_page_cursor_value(cursor, data, snapshot->size, error);
    if (status == VARVE_OK && found && snapshot_data_sum(&looking->key, copy->data) == data_sum)
        looking->look = LOOK_FOUND;
    varve_page_cursor_destroy(cursor);
    if (status == VARVE_OK && looking->look == LOOK_FOUND)
        *ret_snapshot = copy;
    else
        free(copy);
    return status;
}

/* One look, during which the file stays as it is. */
static enum varve_status look_once(struct looking *looking, const struct varve_snapshot_query *query,
                                   struct varve_snapshot **ret_snapshot, struct varve_error *error)
{
    struct varve_snapshots *cache = looking->cache;
    struct varve_page_cursor *cursor = NULL;
    struct varve_snapshot snapshot;
    uint64_t data_sum = 0;
    enum varve_status status = VARVE_OK;

    looking->look = LOOK_NOTHING;
    pthread_rwlock_rdlock(&cache->lock);
    looking->generation = cache->generation;
    if (cache->file.env != NULL) {
        status = varve_page_cursor_create(&cache->file.pages, &cache->roots, &cache->roots.tables[SNAPSHOT_ROWS],
                                          &cursor, error);
        if (status == VARVE_OK)
            status = find_row(looking, cursor, query, &snapshot, &data_sum, error);
        varve_page_cursor_destroy(cursor);
        if (status == VARVE_OK && looking->look == LOOK_FOUND)
            status = read_data(looking, &snapshot, data_sum, ret_snapshot, error);
    }
    pthread_rwlock_unlock(&cache->lock);
    return status;
}

/* A fault of the file is a miss, and its end. NO_MEMORY is our own. */
static enum varve_status judge(struct looking *looking, enum varve_status status, const struct varve_error *fault,
                               struct varve_error *error)
{
    if (status == VARVE_NO_MEMORY) {
        if (error != NULL)
            *error = *fault;
        return status;
    }
    if (status != VARVE_OK) {
        cache_discard(looking->cache, looking->generation, fault->message);
        looking->look = LOOK_NOTHING;
    }
    return VARVE_OK;
}

static enum varve_status check_query(const struct varve_snapshot_query *query, struct varve_error *error)
{
    if (query->at_or_below < 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "version", "the version is %lld; it must be 0 or more",
                          (long long)query->at_or_below);
    return varve_check_stream_name(query->stream, true, "stream", error);
}

enum varve_status varve_snapshots_get(struct varve_snapshots *cache, const struct varve_snapshot_query *query,
                                      struct varve_snapshot **ret_snapshot, struct varve_error *error)
{
    struct looking looking = { .cache = cache };
    enum varve_status status = check_query(query, error);

    if (status != VARVE_OK)
        return status;
    do { /* Each turn but the last takes one snapshot away; one that cannot be taken away is a miss. */
        struct varve_error fault = { .status = VARVE_OK };
        int64_t dropped = looking.look == LOOK_DAMAGED ? looking.version : -1;

        if (dropped >= 0)
            cache_drop(cache, query->stream, dropped);
        status = look_once(&looking, query, ret_snapshot, &fault);
        status = judge(&looking, status, &fault, error);
        if (status != VARVE_OK)
            return status;
        if (looking.look == LOOK_DAMAGED && looking.version == dropped)
            looking.look = LOOK_NOTHING;
    } while (looking.look == LOOK_DAMAGED);
    atomic_fetch_add_explicit(looking.look == LOOK_FOUND ? &cache->hits : &cache->misses, 1, memory_order_relaxed);
    if (looking.look == LOOK_FOUND)
        return VARVE_OK;
    return varve_fail(error, VARVE_SNAPSHOT_NOT_FOUND, NULL, "stream \"%.*s\" has no snapshot like that",
                      (int)query->stream.size, query->stream.data);
}

/* ---- list ---- */

struct listing {
    struct looking looking;
    struct varve_view prefix;
    struct snapshot_key start;
    uint32_t limit, count;
    struct varve_snapshot *snapshots;
    char *texts, *text_end;
    bool end;
};

/* Where the first of them may stand: at the prefix, or behind what was listed before. */
static void find_start(struct listing *listing, struct varve_view after_stream, int64_t after_version)
{
    struct snapshot_key *start = &listing->start;
    struct varve_view prefix = listing->prefix;
    int order;

    if (prefix.size > 0)
        memcpy(start->bytes, prefix.data, prefix.size);
    start->size = prefix.size;
    order = memcmp(after_stream.size > 0 ? after_stream.data : "", start->bytes,
                   after_stream.size < prefix.size ? after_stream.size : prefix.size);
    if (after_stream.size == 0 || order < 0 || (order == 0 && after_stream.size < prefix.size))
        return;
    if (after_version == INT64_MAX)
        snapshot_key_make_end(start, after_stream);
    else
        snapshot_key_make(start, after_stream, after_version + 1);
}

static void add(struct listing *listing, const struct varve_snapshot *snapshot)
{
    struct varve_snapshot *copy = &listing->snapshots[listing->count];

    *copy = *snapshot;
    if (listing->count > 0 && varve_view_equal(copy[-1].stream, snapshot->stream)) {
        copy->stream = copy[-1].stream;
    } else {
        memcpy(listing->text_end, snapshot->stream.data, snapshot->stream.size);
        copy->stream.data = listing->text_end;
        listing->text_end += snapshot->stream.size;
    }
    memcpy(listing->text_end, snapshot->type.data, snapshot->type.size);
    copy->type.data = listing->text_end;
    listing->text_end += snapshot->type.size;
    listing->count++;
}

static bool begins_with(const struct snapshot_key *key, struct varve_view prefix)
{
    return prefix.size == 0 || (key->size >= prefix.size && memcmp(key->bytes, prefix.data, prefix.size) == 0);
}

static enum varve_status list_rows(struct listing *listing, struct varve_page_cursor *cursor,
                                   struct varve_error *error)
{
    struct looking *looking = &listing->looking;
    bool found = false;
    enum varve_status status =
        varve_page_cursor_seek(cursor, listing->start.bytes, listing->start.size, &found, error);

    listing->count = 0;
    listing->text_end = listing->texts;
    while (status == VARVE_OK && found) {
        struct varve_snapshot snapshot;
        uint64_t data_sum;

        status = read_row(looking, cursor, &snapshot, &data_sum, error);
        if (status != VARVE_OK || looking->look == LOOK_DAMAGED)
            return status;
        if (!begins_with(&looking->key, listing->prefix))
            break;
        if (listing->count == listing->limit) {
            looking->look = LOOK_NOTHING;
            return VARVE_OK;
        }
        add(listing, &snapshot);
        status = varve_page_cursor_step(cursor, true, &found, error);
    }
    listing->end = true;
    looking->look = LOOK_NOTHING;
    return status;
}

static enum varve_status list_once(struct listing *listing, struct varve_error *error)
{
    struct varve_snapshots *cache = listing->looking.cache;
    struct varve_page_cursor *cursor = NULL;
    enum varve_status status = VARVE_OK;

    listing->count = 0;
    listing->end = false;
    listing->looking.look = LOOK_NOTHING;
    pthread_rwlock_rdlock(&cache->lock);
    listing->looking.generation = cache->generation;
    if (cache->file.env != NULL) {
        status = varve_page_cursor_create(&cache->file.pages, &cache->roots, &cache->roots.tables[SNAPSHOT_ROWS],
                                          &cursor, error);
        if (status == VARVE_OK)
            status = list_rows(listing, cursor, error);
        varve_page_cursor_destroy(cursor);
    } else {
        listing->end = true;
    }
    pthread_rwlock_unlock(&cache->lock);
    return status;
}

/* Again, as long as one is in the way that is damaged and can be taken away. */
static enum varve_status list(struct listing *listing, struct varve_error *error)
{
    struct looking *looking = &listing->looking;

    for (;;) {
        struct varve_error fault = { .status = VARVE_OK };
        struct snapshot_key dropped = looking->key;
        bool drops = looking->look == LOOK_DAMAGED;
        enum varve_status status;

        if (drops)
            cache_drop(looking->cache, varve_view_of((const char *)dropped.bytes, looking->stream.size),
                       looking->version);
        status = list_once(listing, &fault);
        if (judge(looking, status, &fault, error) != VARVE_OK)
            return status;
        if (status != VARVE_OK) { /* The file is gone, and all that was in it. */
            listing->count = 0;
            listing->end = true;
        }
        if (looking->look != LOOK_DAMAGED)
            return VARVE_OK;
        if (drops && looking->key.size == dropped.size && memcmp(looking->key.bytes, dropped.bytes, dropped.size) == 0)
            return varve_fail(error, VARVE_IO, NULL, "a damaged snapshot cannot be taken away");
    }
}

static enum varve_status check_list(struct varve_view prefix, struct varve_view after_stream, int64_t after_version,
                                    uint32_t limit, struct varve_error *error)
{
    if (prefix.size > VARVE_MAX_SYSTEM_STREAM_NAME)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "prefix", "the prefix has %zu bytes, %u are allowed",
                          prefix.size, VARVE_MAX_SYSTEM_STREAM_NAME);
    if (after_stream.size > VARVE_MAX_SYSTEM_STREAM_NAME)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "after_stream", "the name has %zu bytes, %u are allowed",
                          after_stream.size, VARVE_MAX_SYSTEM_STREAM_NAME);
    if (after_version < -1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "after_version", "the version is %lld; -1 is the least",
                          (long long)after_version);
    if (limit == 0 || limit > VARVE_SNAPSHOT_MAX_LIST)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "limit", "the limit is %u; it must be 1 to %u", limit,
                          VARVE_SNAPSHOT_MAX_LIST);
    return VARVE_OK;
}

enum varve_status varve_snapshots_list(struct varve_snapshots *cache, struct varve_view prefix,
                                       struct varve_view after_stream, int64_t after_version, uint32_t limit,
                                       struct varve_snapshot **ret_snapshots, size_t *ret_count, bool *ret_end,
                                       struct varve_error *error)
{
    const size_t each = sizeof(struct varve_snapshot) + VARVE_MAX_SYSTEM_STREAM_NAME + VARVE_SNAPSHOT_MAX_TYPE;
    struct listing listing = { .looking.cache = cache, .prefix = prefix, .limit = limit };
    enum varve_status status = check_list(prefix, after_stream, after_version, limit, error);

    if (status != VARVE_OK)
        return status;
    listing.snapshots = malloc(limit * each);
    if (listing.snapshots == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a list of snapshots");
    listing.texts = (char *)(listing.snapshots + limit);
    find_start(&listing, after_stream, after_version);
    status = list(&listing, error);
    if (status != VARVE_OK) {
        free(listing.snapshots);
        return status;
    }
    *ret_snapshots = listing.snapshots;
    *ret_count = listing.count;
    *ret_end = listing.end;
    return VARVE_OK;
}
