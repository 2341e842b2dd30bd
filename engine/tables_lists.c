/* tables_lists.c - posting lists: the positions of a stream's, a category's or a type's events, in chunks.
 *
 *   [format 1][0][u16 count][u64 position ...][u64 checksum of what is before]
 *
 * The last chunk of a list is written anew with more values until it is full. */
#include <assert.h>
#include <string.h>

#include "big_endian.h"
#include "row.h"
#include "tables.h"

enum { COUNT_AT = 2, VALUES_AT = 4, ORDINAL = 8 /* bytes at a key's end */ };
enum { CHUNK_ROOM = VALUES_AT + 8 * (int)TABLES_NAME_CHUNK + ROW_CHECKSUM };

_Static_assert(TABLES_STREAM_CHUNK <= TABLES_NAME_CHUNK, "one buffer serves both");
_Static_assert(8 + 16 + VALUES_AT + 8 * TABLES_STREAM_CHUNK + ROW_CHECKSUM <= 2038, "two nodes fill a page");
_Static_assert(CHUNK_ROOM <= 4096 - 16, "one value fills an overflow page");

/* ---- keys ---- */

struct list_key_bytes {
    uint8_t bytes[DB_MAX_KEY];
    size_t size;
};

/* What all keys of a list begin with. */
static size_t make_prefix(const struct tables_list_key *key, uint8_t *bytes)
{
    if (key->table == DB_STREAM_EVENTS) {
        store_be64(bytes, key->stream_id);
        return sizeof(uint64_t);
    }
    assert(key->name.size + 1 + ORDINAL <= DB_MAX_KEY);
    if (key->name.size > 0)
        memcpy(bytes, key->name.data, key->name.size);
    bytes[key->name.size] = 0;
    return key->name.size + 1;
}

static struct db_bytes make_key(const struct tables_list_key *key, uint64_t ordinal, struct list_key_bytes *made)
{
    made->size = make_prefix(key, made->bytes);
    store_be64(made->bytes + made->size, ordinal);
    made->size += ORDINAL;
    return (struct db_bytes){ made->bytes, made->size };
}

/* Does `key` belong to the list that `made` was made for? */
static bool is_of_list(struct db_bytes key, const struct list_key_bytes *made)
{
    return key.size == made->size && memcmp(key.data, made->bytes, made->size - ORDINAL) == 0;
}

static uint64_t ordinal_of(struct db_bytes key)
{
    return load_be64((const uint8_t *)key.data + key.size - ORDINAL);
}

static bool is_name_too_long(const struct tables_list_key *key)
{
    return key->table != DB_STREAM_EVENTS && key->name.size + 1 + ORDINAL > DB_MAX_KEY;
}

/* ---- reading ---- */

static enum varve_status damaged_chunk(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal,
                                       const char *problem)
{
    if (key->table == DB_STREAM_EVENTS)
        return db_damaged(txn, "table stream_events, stream id %llu, version %llu: %s",
                          (unsigned long long)key->stream_id, (unsigned long long)ordinal, problem);
    return db_damaged(txn, "table %s, \"%.*s\", position %llu: %s", db_table_names[key->table], (int)key->name.size,
                      key->name.data, (unsigned long long)ordinal, problem);
}

/* NULL when the value is a chunk, else what is wrong. */
static const char *chunk_problem(enum db_table table, struct db_bytes key, struct db_bytes value, uint32_t *ret_count)
{
    const uint8_t *bytes = value.data;
    uint32_t most = table == DB_STREAM_EVENTS ? TABLES_STREAM_CHUNK : TABLES_NAME_CHUNK;
    uint16_t count;

    if (value.size < VALUES_AT + 8 + ROW_CHECKSUM)
        return "the chunk is too short";
    memcpy(&count, bytes + COUNT_AT, sizeof(count));
    if (bytes[0] != ROW_FORMAT || count == 0 || count > most || value.size != VALUES_AT + 8u * count + ROW_CHECKSUM)
        return "the chunk's header is damaged";
    if (!row_is_sound(table, key, bytes, value.size - ROW_CHECKSUM))
        return "the chunk does not match its checksum";
    *ret_count = count;
    return NULL;
}

enum varve_status tables_read_chunk(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value,
                                    struct tables_list_key *ret_key, struct tables_chunk *ret_chunk)
{
    struct tables_list_key list = { .table = table };
    const uint8_t *bytes = key.data;
    const char *problem;
    uint32_t count = 0;

    if (table == DB_STREAM_EVENTS ? key.size != 8 + ORDINAL
                                  : key.size < 1 + ORDINAL || bytes[key.size - ORDINAL - 1] != 0)
        return db_damaged(txn, "table %s: a key of %zu bytes is damaged", db_table_names[table], key.size);
    if (table == DB_STREAM_EVENTS)
        list.stream_id = load_be64(bytes);
    else
        list.name = (struct varve_view){ key.data, key.size - ORDINAL - 1 };
    problem = chunk_problem(table, key, value, &count);
    if (problem != NULL)
        return damaged_chunk(txn, &list, ordinal_of(key), problem);
    *ret_key = list;
    *ret_chunk = (struct tables_chunk){ ordinal_of(key), count, (const uint8_t *)value.data + VALUES_AT };
    return VARVE_OK;
}

/* A row of the list that `made` was made for, or of another (false), or a damaged one (false). */
static bool take_row(struct db_txn *txn, enum db_table table, const struct list_key_bytes *made, struct db_bytes key,
                     struct db_bytes value, struct tables_chunk *ret_chunk, enum varve_status *status)
{
    struct tables_list_key list;

    if (!is_of_list(key, made))
        return false;
    *status = tables_read_chunk(txn, table, key, value, &list, ret_chunk);
    return *status == VARVE_OK;
}

/* The cursor's step towards lower keys from where a seek for `made` has led (or found nothing: past the end). */
static bool step_back(struct db_cursor *cursor, bool sought, struct db_bytes *key, struct db_bytes *value,
                      enum varve_status *status)
{
    return *status == VARVE_OK && db_cursor_move(cursor, sought ? DB_PREV : DB_LAST, key, value, status);
}

static bool seek_chunk(struct db_txn *txn, struct db_cursor *cursor, const struct tables_list_key *list,
                       uint64_t ordinal, struct tables_chunk *ret_chunk, enum varve_status *status)
{
    struct list_key_bytes made;
    struct db_bytes key = make_key(list, ordinal, &made), value;
    bool sought = db_cursor_move(cursor, DB_SEEK, &key, &value, status);

    if (sought && is_of_list(key, &made) && ordinal_of(key) == ordinal)
        return take_row(txn, list->table, &made, key, value, ret_chunk, status);
    if (step_back(cursor, sought, &key, &value, status) && is_of_list(key, &made))
        return take_row(txn, list->table, &made, key, value, ret_chunk, status);
    if (!sought || *status != VARVE_OK)
        return false;
    /* Nothing of the list is at or below: its first chunk is what the seek had found, if it has any. */
    key = make_key(list, ordinal, &made);
    return db_cursor_move(cursor, DB_SEEK, &key, &value, status) &&
           take_row(txn, list->table, &made, key, value, ret_chunk, status);
}

bool tables_seek_chunk(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal,
                       struct tables_chunk *ret_chunk, enum varve_status *status)
{
    struct db_cursor *cursor;
    bool found;

    if (is_name_too_long(key))
        return false;
    *status = db_cursor_open(txn, key->table, &cursor);
    if (*status != VARVE_OK)
        return false;
    if (key->table == DB_STREAM_EVENTS && ordinal != UINT64_MAX)
        ordinal -= ordinal % TABLES_STREAM_CHUNK; /* Where its chunk begins: usually found at once. */
    found = seek_chunk(txn, cursor, key, ordinal, ret_chunk, status);
    db_cursor_close(cursor);
    return found;
}

bool tables_next_chunk(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal, bool backwards,
                       struct tables_chunk *ret_chunk, enum varve_status *status)
{
    struct list_key_bytes made;
    struct db_bytes at, value;
    struct db_cursor *cursor;
    bool found;

    if (is_name_too_long(key) || (!backwards && ordinal == UINT64_MAX))
        return false;
    *status = db_cursor_open(txn, key->table, &cursor);
    if (*status != VARVE_OK)
        return false;
    at = make_key(key, backwards ? ordinal : ordinal + 1, &made);
    found = db_cursor_move(cursor, DB_SEEK, &at, &value, status);
    if (backwards)
        found = step_back(cursor, found, &at, &value, status);
    found = found && take_row(txn, key->table, &made, at, value, ret_chunk, status);
    db_cursor_close(cursor);
    return found;
}

/* ---- adding ---- */

/* A chunk in the making, behind what was there before. */
struct growing {
    uint64_t first_ordinal;
    uint32_t count, most;
    uint8_t bytes[CHUNK_ROOM];
};

static void grow_from(struct growing *growing, const struct tables_chunk *chunk)
{
    growing->first_ordinal = chunk->first_ordinal;
    growing->count = chunk->count;
    memcpy(growing->bytes + VALUES_AT, chunk->values, 8u * (size_t)chunk->count);
}

/* Fill up to what a chunk may hold; returns how many values went in. */
static uint32_t grow(struct growing *growing, const uint64_t *values, uint32_t count)
{
    uint32_t room = growing->most - growing->count, taken = count < room ? count : room;

    memcpy(growing->bytes + VALUES_AT + 8u * (size_t)growing->count, values, 8u * (size_t)taken);
    growing->count += taken;
    return taken;
}

static enum varve_status put_chunk(struct db_txn *txn, const struct tables_list_key *list, struct growing *growing)
{
    struct list_key_bytes made;
    struct db_bytes key = make_key(list, growing->first_ordinal, &made);
    uint16_t count = (uint16_t)growing->count;
    size_t size = VALUES_AT + 8u * (size_t)count;
    struct db_bytes value = { growing->bytes, size + ROW_CHECKSUM };

    growing->bytes[0] = ROW_FORMAT;
    growing->bytes[1] = 0;
    memcpy(growing->bytes + COUNT_AT, &count, sizeof(count));
    row_seal(list->table, key, growing->bytes, size);
    /* A stream's first event usually means that its id is the newest. */
    if (list->table == DB_STREAM_EVENTS && growing->first_ordinal == 0)
        return db_put_newest(txn, list->table, key, value);
    return db_put(txn, list->table, key, value);
}

/* A stream's chunk that holds the version before `ordinal`, to be continued with it. */
static enum varve_status find_stream_end(struct db_txn *txn, const struct tables_list_key *list, uint64_t ordinal,
                                         struct growing *growing)
{
    uint64_t first = ordinal - ordinal % TABLES_STREAM_CHUNK;
    struct list_key_bytes made;
    struct db_bytes key = make_key(list, first, &made), value;
    enum varve_status status = VARVE_OK;
    struct tables_list_key found;
    struct tables_chunk chunk;

    growing->first_ordinal = first;
    growing->count = 0;
    if (first == ordinal)
        return VARVE_OK;
    if (!db_get(txn, list->table, key, &value, &status))
        return status != VARVE_OK ? status : damaged_chunk(txn, list, first, "the chunk is missing");
    status = tables_read_chunk(txn, list->table, key, value, &found, &chunk);
    if (status == VARVE_OK && first + chunk.count != ordinal)
        status = damaged_chunk(txn, list, first, "the chunk does not end where the next event follows");
    if (status == VARVE_OK)
        grow_from(growing, &chunk);
    return status;
}

static enum varve_status find_name_end(struct db_txn *txn, const struct tables_list_key *list, uint64_t ordinal,
                                       struct growing *growing)
{
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;

    growing->first_ordinal = ordinal;
    growing->count = 0;
    if (!tables_seek_chunk(txn, list, UINT64_MAX, &chunk, &status))
        return status;
    if (tables_chunk_value(&chunk, chunk.count - 1) >= ordinal)
        return damaged_chunk(txn, list, chunk.first_ordinal, "the chunk holds positions above what is settled");
    if (chunk.count < TABLES_NAME_CHUNK)
        grow_from(growing, &chunk);
    return VARVE_OK;
}

enum varve_status tables_add_to_list(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal,
                                     const uint64_t *values, uint32_t count)
{
    bool of_stream = key->table == DB_STREAM_EVENTS;
    struct growing growing;
    enum varve_status status;

    if (count == 0)
        return VARVE_OK;
    growing.most = of_stream ? TABLES_STREAM_CHUNK : TABLES_NAME_CHUNK;
    status = of_stream ? find_stream_end(txn, key, ordinal, &growing) : find_name_end(txn, key, ordinal, &growing);
    for (uint32_t done = 0; status == VARVE_OK;) {
        done += grow(&growing, values + done, count - done);
        status = put_chunk(txn, key, &growing);
        if (done == count)
            break;
        growing.first_ordinal = of_stream ? growing.first_ordinal + growing.count : values[done];
        growing.count = 0;
    }
    return status;
}
