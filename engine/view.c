/* view.c - see view.h. Every look at the tail happens under its read lock and only when the transaction reaches up to
 * it (view_lock_tail()): then nothing can lie between the two. */
#include "view.h"

#include "runs.h"
#include "varve/record.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { READ_AHEAD_BYTES = 4 << 20 };

static enum varve_status read_settled(struct view *view, struct varve_error *error)
{
    struct tables_meta meta;
    enum varve_status status = tables_get_meta(view->txn, &meta);

    view->block_held = false;
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "store.mdb: its meta table cannot be read");
    view->settled = meta.settled_position;
    view->hash_seed = meta.hash_seed;
    return VARVE_OK;
}

enum varve_status view_begin(struct view *view, struct varve_store *store, bool sequential, struct varve_error *error)
{
    *view = (struct view){ .store = store, .sequential = sequential, .visible = tail_visible_position(store->tail) };
    enum varve_status status = db_begin_read(store->db, &view->txn, error);

    if (status == VARVE_OK)
        status = read_settled(view, error);
    if (status != VARVE_OK)
        view_end(view);
    return status;
}

void view_end(struct view *view)
{
    db_abort(view->txn);
    view->txn = NULL;
}

enum varve_status view_lock_tail(struct view *view, struct varve_error *error)
{
    struct tail *tail = view->store->tail;

    for (;;) {
        tail_lock_read(tail);
        if (tail_first_position(tail) <= view->settled + 1)
            return VARVE_OK;
        tail_unlock_read(tail);
        enum varve_status status = db_renew(view->txn, error);
        if (status == VARVE_OK)
            status = read_settled(view, error);
        if (status != VARVE_OK)
            return status;
    }
}

/* ---- streams ---- */

enum varve_status view_state(struct view *view, struct varve_view stream, struct stream_state *ret_state,
                             struct varve_error *error)
{
    enum varve_status status = view_lock_tail(view, error);

    if (status != VARVE_OK)
        return status;
    bool found = tail_published_state(view->store->tail, stream, ret_state);
    tail_unlock_read(view->store->tail);
    if (!found)
        status = tables_get_stream(view->txn, stream, ret_state);
    if (status == VARVE_OK && ret_state->version < 0)
        status = VARVE_STREAM_NOT_FOUND; /* Its first event is under way but not durable yet. */
    if (status == VARVE_STREAM_NOT_FOUND)
        return varve_fail(error, status, NULL, "stream \"%.*s\": not found", (int)stream.size, stream.data);
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "stream \"%.*s\": its row in store.mdb is damaged", (int)stream.size,
                          stream.data);
    return VARVE_OK;
}

/* The settled row's id and version; version -1 when no event of it is settled. */
static enum varve_status settled_stream(struct view *view, struct varve_view stream, struct stream_state *ret_state)
{
    enum varve_status status = tables_get_stream(view->txn, stream, ret_state);

    if (status != VARVE_STREAM_NOT_FOUND)
        return status;
    stream_state_init(ret_state);
    return VARVE_OK;
}

static enum varve_status fail_list(enum varve_status status, const struct view_query *query, uint64_t at,
                                   struct varve_error *error)
{
    return varve_fail(error, status == VARVE_OK ? VARVE_CORRUPT : status, NULL,
                      "the index of \"%.*s\" does not hold what it should at %" PRIu64 "; run `varve check --deep`",
                      (int)query->name.size, query->name.data, at);
}

/* Versions from `from` on that are settled. */
static enum varve_status settled_versions(struct view *view, const struct view_query *query, uint64_t from,
                                          size_t room, struct view_positions *ret, struct varve_error *error)
{
    struct stream_state state;
    struct tables_chunk chunk;
    enum varve_status status = settled_stream(view, query->name, &state);
    struct tables_list_key key = { DB_STREAM_EVENTS, state.id, { 0 } };

    if (status != VARVE_OK)
        return fail_list(status, query, from, error);
    while (ret->count < room && state.version >= 0 && from <= (uint64_t)state.version) {
        if (!tables_seek_chunk(view->txn, &key, from, &chunk, &status) || from < chunk.first_ordinal ||
            from - chunk.first_ordinal >= chunk.count)
            return fail_list(status, query, from, error);
        for (uint32_t i = (uint32_t)(from - chunk.first_ordinal); ret->count < room; i += query->backwards ? -1u : 1u) {
            ret->ordinals[ret->count] = from;
            ret->positions[ret->count++] = tables_chunk_value(&chunk, i);
            from += query->backwards ? -1ull : 1ull; /* Below 0 wraps and ends both loops. */
            if (query->backwards ? i == 0 : i + 1 == chunk.count)
                break;
        }
    }
    return VARVE_OK;
}

/* Versions that the tail holds, as far as they are published. */
static void tail_versions(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                          struct view_positions *ret)
{
    while (ret->count < room) {
        uint64_t position = tail_version_position(view->store->tail, query->name, from);
        if (position == 0)
            return;
        ret->ordinals[ret->count] = from;
        ret->positions[ret->count++] = position;
        if (query->backwards && from == 0)
            return;
        from += query->backwards ? -1ull : 1ull;
    }
}

static enum varve_status find_versions(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                       struct view_positions *ret, struct varve_error *error)
{
    enum varve_status status = view_lock_tail(view, error);

    if (status != VARVE_OK)
        return status;
    tail_versions(view, query, from, room, ret);
    tail_unlock_read(view->store->tail);
    if (ret->count == 0)
        status = settled_versions(view, query, from, room, ret, error);
    return status;
}

enum varve_status view_version_position(struct view *view, struct varve_view stream, uint64_t version,
                                        uint64_t *ret_position, struct varve_error *error)
{
    struct view_query query = { .kind = VARVE_READ_STREAM, .name = stream };
    struct view_positions found = { .count = 0 };
    enum varve_status status = find_versions(view, &query, version, 1, &found, error);

    if (status != VARVE_OK)
        return status;
    if (found.count == 0)
        return fail_list(VARVE_CORRUPT, &query, version, error);
    *ret_position = found.positions[0];
    return VARVE_OK;
}

/* ---- categories, types, correlations ---- */

static void add_position(struct view_positions *ret, uint64_t position)
{
    ret->ordinals[ret->count] = ret->positions[ret->count] = position;
    ret->count++;
}

/* The chunk's values on the asked side of `from`. */
static void take_from_chunk(const struct tables_chunk *chunk, uint64_t from, bool backwards, size_t room,
                            struct view_positions *ret)
{
    uint32_t low = 0, high = chunk->count;

    while (low < high) { /* The first value >= from (or > from, backwards). */
        uint32_t middle = low + (high - low) / 2;
        uint64_t value = tables_chunk_value(chunk, middle);
        if (value < from || (backwards && value == from))
            low = middle + 1;
        else
            high = middle;
    }
    if (backwards)
        for (uint32_t i = low; i > 0 && ret->count < room; i--)
            add_position(ret, tables_chunk_value(chunk, i - 1));
    else
        for (uint32_t i = low; i < chunk->count && ret->count < room; i++)
            add_position(ret, tables_chunk_value(chunk, i));
}

static enum varve_status settled_list(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                      struct view_positions *ret, struct varve_error *error)
{
    struct tables_list_key key = { query->kind == VARVE_READ_TYPE ? DB_TYPES : DB_CATEGORIES, 0, query->name };
    struct tables_chunk chunk;
    enum varve_status status = VARVE_OK;
    bool more = tables_seek_chunk(view->txn, &key, from, &chunk, &status);

    while (more && ret->count < room) {
        take_from_chunk(&chunk, from, query->backwards, room, ret);
        if (ret->count < room)
            more = tables_next_chunk(view->txn, &key, chunk.first_ordinal, query->backwards, &chunk, &status);
    }
    return status == VARVE_OK ? VARVE_OK : fail_list(status, query, from, error);
}

static enum varve_status settled_correlation(struct view *view, const struct view_query *query, uint64_t from,
                                             size_t room, struct view_positions *ret, struct varve_error *error)
{
    uint64_t hash = runs_hash(view->hash_seed, &query->correlation_id);
    size_t count = 0;
    enum varve_status status = runs_find(view->txn, DB_CORRELATIONS, hash, from, query->backwards, ret->positions,
                                         room, &count);

    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "the index of correlation ids is damaged; run `varve check --deep`");
    memcpy(ret->ordinals, ret->positions, count * sizeof(ret->positions[0]));
    ret->count = count;
    return VARVE_OK;
}

static enum varve_status settled_positions(struct view *view, const struct view_query *query, uint64_t from,
                                           size_t room, struct view_positions *ret, struct varve_error *error)
{
    if (query->kind == VARVE_READ_CORRELATION)
        return settled_correlation(view, query, from, room, ret, error);
    return settled_list(view, query, from, room, ret, error);
}

static enum varve_status tail_part(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                   struct view_positions *ret, struct varve_error *error)
{
    static const enum tail_kind kinds[] = { [VARVE_READ_CATEGORY] = TAIL_CATEGORY, [VARVE_READ_TYPE] = TAIL_TYPE,
                                            [VARVE_READ_CORRELATION] = TAIL_CORRELATION };
    struct varve_view name = query->name;
    enum varve_status status = view_lock_tail(view, error);

    if (status != VARVE_OK)
        return status;
    if (query->kind == VARVE_READ_CORRELATION)
        name = varve_view_of((const char *)query->correlation_id.bytes, sizeof(query->correlation_id.bytes));
    size_t count = tail_positions(view->store->tail, kinds[query->kind], name, from, query->backwards, ret->positions,
                                  room);
    tail_unlock_read(view->store->tail);
    /* What was settled meanwhile stands in both; the tail's share is what lies above this view's transaction. */
    for (size_t i = 0; i < count; i++)
        if (ret->positions[i] > view->settled)
            add_position(ret, ret->positions[i]);
    return VARVE_OK;
}

static enum varve_status find_backwards(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                        struct view_positions *ret, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    if (from > view->settled)
        status = tail_part(view, query, from, room, ret, error);
    if (status == VARVE_OK && ret->count == 0)
        status = settled_positions(view, query, from < view->settled ? from : view->settled, room, ret, error);
    return status;
}

static enum varve_status find_forwards(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                       struct view_positions *ret, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    uint64_t settled;

    do { /* Once more if the settler has moved what lay between: nothing may be skipped. */
        settled = view->settled;
        ret->count = 0;
        if (from <= settled)
            status = settled_positions(view, query, from, room, ret, error);
        if (status == VARVE_OK && ret->count == 0)
            status = tail_part(view, query, from > settled ? from : settled + 1, room, ret, error);
    } while (status == VARVE_OK && settled != view->settled);
    return status;
}

enum varve_status view_positions(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                 struct view_positions *ret, struct varve_error *error)
{
    assert(query->kind != VARVE_READ_ALL);
    ret->count = 0;
    room = room < VIEW_ROOM ? room : VIEW_ROOM;
    if (query->kind == VARVE_READ_STREAM)
        return find_versions(view, query, from, room, ret, error);
    return query->backwards ? find_backwards(view, query, from, room, ret, error)
                            : find_forwards(view, query, from, room, ret, error);
}

/* ---- records ---- */

static enum varve_status fail_record(uint64_t position, const char *where, struct varve_error *error)
{
    return varve_fail(error, VARVE_CORRUPT, NULL,
                      "the event at position %" PRIu64 " in %s is damaged (its checksum does not fit)", position,
                      where);
}

static void read_ahead(struct view *view)
{
    const uint8_t *at = view->block.bytes;

    if (!view->sequential || (at >= view->hinted_from && at < view->hinted_until))
        return;
    db_will_need(at, READ_AHEAD_BYTES);
    view->hinted_from = at;
    view->hinted_until = at + READ_AHEAD_BYTES;
}

static enum varve_status settled_record(struct view *view, uint64_t position, view_take take, void *user,
                                        bool *ret_taken, struct varve_error *error)
{
    const struct tables_block *block = &view->block;
    const uint8_t *record;
    uint32_t size;

    if (!view->block_held || position < block->first_position || position - block->first_position >= block->count) {
        enum varve_status status = tables_get_block(view->txn, position, &view->block);
        if (status == VARVE_EVENT_NOT_FOUND)
            return varve_fail(error, VARVE_CORRUPT, NULL, "the block of position %" PRIu64 " in store.mdb is missing",
                              position);
        if (status != VARVE_OK)
            return db_explain(view->txn, status, error);
        view->block_held = true;
        read_ahead(view);
    }
    if (!tables_block_record(block, (uint32_t)(position - block->first_position), &record, &size) ||
        !varve_record_verify(record, size) || varve_record_position(record) != position)
        return fail_record(position, "store.mdb", error);
    *ret_taken = take(user, record, size);
    return VARVE_OK;
}

enum varve_status view_record(struct view *view, uint64_t position, view_take take, void *user, bool *ret_taken,
                              struct varve_error *error)
{
    uint32_t size;

    assert(position > 0 && position <= view->visible);
    if (position <= view->settled)
        return settled_record(view, position, take, user, ret_taken, error);
    enum varve_status status = view_lock_tail(view, error);
    if (status != VARVE_OK)
        return status;
    if (position <= view->settled) { /* It was settled while we renewed. */
        tail_unlock_read(view->store->tail);
        return settled_record(view, position, take, user, ret_taken, error);
    }
    const uint8_t *record = tail_record(view->store->tail, position, &size);
    assert(record != NULL);
    if (!varve_record_verify(record, size))
        status = fail_record(position, "memory", error);
    else
        *ret_taken = take(user, record, size);
    tail_unlock_read(view->store->tail);
    return status;
}

static bool take_time(void *user, const uint8_t *record, uint32_t size)
{
    *(int64_t *)user = varve_record_recorded_at(record);
    return true;
}

enum varve_status view_position_at_time(struct view *view, int64_t time_us, uint64_t *ret_position,
                                        struct varve_error *error)
{
    uint64_t low = 1, high = view->visible + 1;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int64_t recorded_at_us = 0;
        bool taken;
        enum varve_status status = view_record(view, middle, take_time, &recorded_at_us, &taken, error);
        if (status != VARVE_OK)
            return status;
        if (recorded_at_us < time_us)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_position = low;
    return VARVE_OK;
}
