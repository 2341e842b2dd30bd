/* tables.c - rows of fixed size: what the store knows of itself (meta) and of each stream (streams). */
#include "tables.h"

#include <assert.h>
#include <string.h>

#include "row.h"

/* Both rows are written as they lie in memory: little-endian, no gaps (big_endian.h refuses other machines). */
struct meta_row {
    uint8_t format, zero[3];
    uint32_t indexes;
    uint64_t settled_position, next_stream_id, stream_count, system_stream_count;
    int64_t last_recorded_at_us;
    uint8_t database_id[16];
    uint64_t hash_seed;
    uint64_t checksum;
};
_Static_assert(sizeof(struct meta_row) == 80, "as in docs/disk-format-store.md");

struct stream_row {
    uint8_t format, zero[3];
    uint32_t flags;
    uint64_t id;
    int64_t version;
    uint64_t last_position;
    int64_t created_at_us, updated_at_us;
    uint64_t truncate_before, max_count;
    int64_t max_age_us;
    uint64_t checksum;
};
_Static_assert(sizeof(struct stream_row) == 80, "as in docs/disk-format-store.md");

static const struct db_bytes meta_key = { "store", 5 };

enum varve_status tables_get_meta(struct db_txn *txn, struct tables_meta *ret_meta)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes value;
    struct meta_row row;

    if (!db_get(txn, DB_META, meta_key, &value, &status))
        return status == VARVE_OK ? VARVE_NOT_A_STORE : status;
    if (value.size != sizeof(row) || !row_is_sound(DB_META, meta_key, value.data, sizeof(row) - ROW_CHECKSUM))
        return db_damaged(txn, "table meta: its row does not match its checksum");
    memcpy(&row, value.data, sizeof(row));
    if (row.format != ROW_FORMAT)
        return db_damaged(txn, "table meta: its row is of an unknown format %d", row.format);
    *ret_meta = (struct tables_meta){
        .settled_position = row.settled_position,
        .next_stream_id = row.next_stream_id,
        .stream_count = row.stream_count,
        .system_stream_count = row.system_stream_count,
        .last_recorded_at_us = row.last_recorded_at_us,
        .indexes = row.indexes,
        .hash_seed = row.hash_seed,
    };
    memcpy(ret_meta->database_id.bytes, row.database_id, sizeof(row.database_id));
    return VARVE_OK;
}

enum varve_status tables_put_meta(struct db_txn *txn, const struct tables_meta *meta)
{
    struct meta_row row = {
        .format = ROW_FORMAT,
        .indexes = meta->indexes,
        .settled_position = meta->settled_position,
        .next_stream_id = meta->next_stream_id,
        .stream_count = meta->stream_count,
        .system_stream_count = meta->system_stream_count,
        .last_recorded_at_us = meta->last_recorded_at_us,
        .hash_seed = meta->hash_seed,
    };

    memcpy(row.database_id, meta->database_id.bytes, sizeof(row.database_id));
    row_seal(DB_META, meta_key, (uint8_t *)&row, sizeof(row) - ROW_CHECKSUM);
    return db_put(txn, DB_META, meta_key, (struct db_bytes){ &row, sizeof(row) });
}

/* ---- streams ---- */

static bool can_be_name(struct varve_view name)
{
    return name.size > 0 && name.size <= DB_MAX_KEY;
}

enum varve_status tables_read_stream(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                     struct stream_state *ret_state)
{
    struct stream_row row;

    if (value.size != sizeof(row) || !row_is_sound(DB_STREAMS, key, value.data, sizeof(row) - ROW_CHECKSUM))
        return db_damaged(txn, "table streams: the row of \"%.*s\" does not match its checksum", (int)key.size,
                          (const char *)key.data);
    memcpy(&row, value.data, sizeof(row));
    if (row.format != ROW_FORMAT)
        return db_damaged(txn, "table streams: the row of \"%.*s\" is of an unknown format", (int)key.size,
                          (const char *)key.data);
    *ret_state = (struct stream_state){
        .id = row.id,
        .version = row.version,
        .last_position = row.last_position,
        .created_at_us = row.created_at_us,
        .updated_at_us = row.updated_at_us,
        .truncate_before = row.truncate_before,
        .max_count = row.max_count,
        .max_age_us = row.max_age_us,
        .flags = row.flags,
    };
    return VARVE_OK;
}

enum varve_status tables_get_stream(struct db_txn *txn, struct varve_view name, struct stream_state *ret_state)
{
    struct db_bytes key = { name.data, name.size }, value;
    enum varve_status status = VARVE_OK;

    if (!can_be_name(name))
        return VARVE_STREAM_NOT_FOUND;
    if (!db_get(txn, DB_STREAMS, key, &value, &status))
        return status == VARVE_OK ? VARVE_STREAM_NOT_FOUND : status;
    return tables_read_stream(txn, key, value, ret_state);
}

enum varve_status tables_put_stream(struct db_txn *txn, struct varve_view name, const struct stream_state *state)
{
    struct db_bytes key = { name.data, name.size };
    struct stream_row row = {
        .format = ROW_FORMAT,
        .flags = state->flags,
        .id = state->id,
        .version = state->version,
        .last_position = state->last_position,
        .created_at_us = state->created_at_us,
        .updated_at_us = state->updated_at_us,
        .truncate_before = state->truncate_before,
        .max_count = state->max_count,
        .max_age_us = state->max_age_us,
    };

    assert(can_be_name(name));
    row_seal(DB_STREAMS, key, (uint8_t *)&row, sizeof(row) - ROW_CHECKSUM);
    return db_put(txn, DB_STREAMS, key, (struct db_bytes){ &row, sizeof(row) });
}

static bool has_prefix(struct db_bytes key, struct varve_view prefix)
{
    return key.size >= prefix.size && (prefix.size == 0 || memcmp(key.data, prefix.data, prefix.size) == 0);
}

static bool is_greater(struct varve_view a, struct varve_view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);

    return order > 0 || (order == 0 && a.size > b.size);
}

enum varve_status tables_each_stream(struct db_txn *txn, struct varve_view prefix, struct varve_view after,
                                     tables_visit_stream visit, void *user)
{
    struct varve_view start = is_greater(after, prefix) ? after : prefix;
    struct db_bytes key = { start.data, start.size }, value;
    struct stream_state state;
    struct db_cursor *cursor;
    enum varve_status status;
    bool more;

    if (start.size > DB_MAX_KEY)
        return VARVE_OK; /* No name is that long, and none with this prefix exists. */
    status = db_cursor_open(txn, DB_STREAMS, &cursor);
    if (status != VARVE_OK)
        return status;
    more = db_cursor_move(cursor, start.size == 0 ? DB_FIRST : DB_SEEK, &key, &value, &status);
    while (more && has_prefix(key, prefix)) {
        struct varve_view name = { key.data, key.size };

        if (after.size == 0 || is_greater(name, after)) {
            status = tables_read_stream(txn, key, value, &state);
            if (status != VARVE_OK || !visit(user, name, &state))
                break;
        }
        more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status);
    }
    db_cursor_close(cursor);
    return status;
}
