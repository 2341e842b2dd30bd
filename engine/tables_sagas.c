/* tables_sagas.c - see tables_sagas.h. */
#include "tables_sagas.h"

#include <assert.h>
#include <string.h>

#include "row.h"

/* Written as they lie in memory: little-endian, no gaps (big_endian.h refuses other machines). */
struct row_head { /* then the step, the error as JSON, and the checksum of all */
    uint8_t format, status, content_type, step_size;
    uint16_t error_size, zero;
    int64_t version;
    uint64_t position, state_position;
    int64_t started_at_us, updated_at_us, completed_at_us, failed_at_us, deadline_us;
    uint8_t correlation_id[16];
};
_Static_assert(sizeof(struct row_head) == 88, "as in docs/disk-format-store.md");

struct counts_row {
    uint8_t format, zero[7];
    uint64_t by_status[VARVE_SAGA_STATUSES];
    uint64_t checksum;
};
_Static_assert(sizeof(struct counts_row) == 56, "as in docs/disk-format-store.md");

enum { ROW_ROOM = sizeof(struct row_head) + VARVE_SAGA_MAX_STEP + SAGA_MAX_ERROR_JSON + ROW_CHECKSUM };

/* ---- reading ---- */

static enum varve_status damaged_row(struct db_txn *txn, struct varve_view type, struct varve_view id,
                                     const char *problem)
{
    return db_damaged(txn, "table sagas: the row of \"%.*s\" of type %.*s %s", (int)id.size, id.data, (int)type.size,
                      type.data, problem);
}

static void unpack(const struct row_head *head, const char *texts, struct saga_row *ret_row)
{
    *ret_row = (struct saga_row){
        .status = head->status,
        .content_type = (enum varve_content_type)head->content_type,
        .version = head->version,
        .position = head->position,
        .state_position = head->state_position,
        .started_at_us = head->started_at_us,
        .updated_at_us = head->updated_at_us,
        .completed_at_us = head->completed_at_us,
        .failed_at_us = head->failed_at_us,
        .deadline_us = head->deadline_us,
        .step = { texts, head->step_size },
        .error_json = { texts + head->step_size, head->error_size },
    };
    memcpy(ret_row->correlation_id.bytes, head->correlation_id, sizeof(head->correlation_id));
}

enum varve_status tables_read_saga(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                   struct varve_view *ret_type, struct varve_view *ret_id, struct saga_row *ret_row)
{
    struct varve_view type, id;
    struct row_head head;

    if (!saga_name_decode(varve_view_of(key.data, key.size), &type, &id))
        return db_damaged(txn, "table sagas: a key of %zu bytes is damaged", key.size);
    if (value.size < sizeof(head) + ROW_CHECKSUM || value.size > ROW_ROOM ||
        !row_is_sound(DB_SAGAS, key, value.data, value.size - ROW_CHECKSUM))
        return damaged_row(txn, type, id, "does not match its checksum");
    memcpy(&head, value.data, sizeof(head));
    if (head.format != ROW_FORMAT || head.status >= VARVE_SAGA_STATUSES ||
        head.content_type > VARVE_CONTENT_OCTET_STREAM || head.step_size > VARVE_SAGA_MAX_STEP ||
        value.size != sizeof(head) + head.step_size + head.error_size + ROW_CHECKSUM)
        return damaged_row(txn, type, id, "is of an unknown format");
    unpack(&head, (const char *)value.data + sizeof(head), ret_row);
    *ret_type = type;
    *ret_id = id;
    return VARVE_OK;
}

static bool can_be_name(struct varve_view type, struct varve_view id)
{
    return type.size > 0 && type.size <= VARVE_SAGA_MAX_TYPE && id.size > 0 && id.size <= VARVE_SAGA_MAX_ID;
}

enum varve_status tables_get_saga(struct db_txn *txn, struct varve_view type, struct varve_view id,
                                  struct saga_row *ret_row)
{
    enum varve_status status = VARVE_OK;
    char name[SAGA_NAME_MAX];
    struct db_bytes key = { name, 0 }, value;

    if (!can_be_name(type, id))
        return VARVE_SAGA_NOT_FOUND;
    key.size = saga_name_encode(type, id, name);
    if (!db_get(txn, DB_SAGAS, key, &value, &status))
        return status == VARVE_OK ? VARVE_SAGA_NOT_FOUND : status;
    return tables_read_saga(txn, key, value, &type, &id, ret_row);
}

enum varve_status tables_read_saga_entry(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                         struct saga_key *ret_key, struct varve_view *ret_type,
                                         struct varve_view *ret_id)
{
    struct varve_view type, id;
    struct saga_key found;

    if (!saga_key_decode(key.data, key.size, &found))
        return db_damaged(txn, "table saga_index: a key of %zu bytes is damaged", key.size);
    if (value.size < ROW_CHECKSUM || !row_is_sound(DB_SAGA_INDEX, key, value.data, value.size - ROW_CHECKSUM) ||
        !saga_name_decode(varve_view_of(value.data, value.size - ROW_CHECKSUM), &type, &id))
        return db_damaged(txn, "table saga_index: the entry of position %llu does not match its checksum",
                          (unsigned long long)found.position);
    *ret_key = found;
    *ret_type = type;
    *ret_id = id;
    return VARVE_OK;
}

static enum varve_status read_counts(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                     struct counts_row *ret_row)
{
    if (value.size != sizeof(*ret_row) ||
        !row_is_sound(DB_SAGA_COUNTS, key, value.data, sizeof(*ret_row) - ROW_CHECKSUM) ||
        *(const uint8_t *)value.data != ROW_FORMAT)
        return db_damaged(txn, "table saga_counts: the row of \"%.*s\" does not match its checksum", (int)key.size,
                          (const char *)key.data);
    memcpy(ret_row, value.data, sizeof(*ret_row));
    return VARVE_OK;
}

enum varve_status tables_each_saga_counts(struct db_txn *txn, tables_visit_saga_counts visit, void *user)
{
    struct db_bytes key = { NULL, 0 }, value;
    struct db_cursor *cursor;
    struct counts_row row;
    enum varve_status status = db_cursor_open(txn, DB_SAGA_COUNTS, &cursor);

    if (status != VARVE_OK)
        return status;
    for (bool more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status); more;
         more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status)) {
        status = read_counts(txn, key, value, &row);
        if (status != VARVE_OK || !visit(user, varve_view_of(key.data, key.size), row.by_status))
            break;
    }
    db_cursor_close(cursor);
    return status;
}

/* ---- writing ---- */

/* All that is to be written, made before anything is: rows point into the map, and a write moves what lies there. */
struct change {
    struct db_txn *txn;
    char name[SAGA_NAME_MAX];
    size_t name_size, type_size;
    uint8_t row[ROW_ROOM];
    size_t row_size; /* 0: it is to go */
    uint8_t old_keys[2][SAGA_KEY_MAX], new_keys[2][SAGA_KEY_MAX];
    size_t old_sizes[2], new_sizes[2];
    size_t old_count, new_count;
};

static size_t make_keys(const struct saga_row *row, struct varve_view type, uint8_t keys[2][SAGA_KEY_MAX],
                        size_t sizes[2])
{
    struct saga_key decoded[2];
    size_t count = saga_keys_of(row, type, decoded);

    for (size_t i = 0; i < count; i++)
        sizes[i] = saga_key_encode(&decoded[i], keys[i]);
    return count;
}

static size_t make_row(const struct saga_row *row, struct db_bytes key, uint8_t bytes[ROW_ROOM])
{
    struct row_head head = {
        .format = ROW_FORMAT,
        .status = (uint8_t)row->status,
        .content_type = (uint8_t)row->content_type,
        .step_size = (uint8_t)row->step.size,
        .error_size = (uint16_t)row->error_json.size,
        .version = row->version,
        .position = row->position,
        .state_position = row->state_position,
        .started_at_us = row->started_at_us,
        .updated_at_us = row->updated_at_us,
        .completed_at_us = row->completed_at_us,
        .failed_at_us = row->failed_at_us,
        .deadline_us = row->deadline_us,
    };
    uint8_t *at = bytes + sizeof(head);

    assert(row->step.size <= VARVE_SAGA_MAX_STEP && row->error_json.size <= SAGA_MAX_ERROR_JSON);
    memcpy(head.correlation_id, row->correlation_id.bytes, sizeof(head.correlation_id));
    memcpy(bytes, &head, sizeof(head));
    if (row->step.size > 0)
        memcpy(at, row->step.data, row->step.size);
    at += row->step.size;
    if (row->error_json.size > 0)
        memcpy(at, row->error_json.data, row->error_json.size);
    at += row->error_json.size;
    row_seal(DB_SAGAS, key, bytes, (size_t)(at - bytes));
    return (size_t)(at - bytes) + ROW_CHECKSUM;
}

static enum varve_status write_row(const struct change *change)
{
    struct db_bytes key = { change->name, change->name_size };

    if (change->row_size == 0)
        return db_delete(change->txn, DB_SAGAS, key);
    return db_put(change->txn, DB_SAGAS, key, (struct db_bytes){ change->row, change->row_size });
}

static enum varve_status write_entries(const struct change *change)
{
    uint8_t value[SAGA_NAME_MAX + ROW_CHECKSUM];
    enum varve_status status = VARVE_OK;

    memcpy(value, change->name, change->name_size);
    for (size_t i = 0; i < change->old_count && status == VARVE_OK; i++)
        status = db_delete(change->txn, DB_SAGA_INDEX, (struct db_bytes){ change->old_keys[i], change->old_sizes[i] });
    for (size_t i = 0; i < change->new_count && status == VARVE_OK; i++) {
        struct db_bytes key = { change->new_keys[i], change->new_sizes[i] };

        row_seal(DB_SAGA_INDEX, key, value, change->name_size);
        status = db_put(change->txn, DB_SAGA_INDEX, key,
                        (struct db_bytes){ value, change->name_size + ROW_CHECKSUM });
    }
    return status;
}

static enum varve_status write_counts(const struct change *change, unsigned old_status, unsigned new_status)
{
    struct db_bytes key = { change->name, change->type_size }, value;
    struct counts_row row = { .format = ROW_FORMAT };
    enum varve_status status = VARVE_OK;

    if (db_get(change->txn, DB_SAGA_COUNTS, key, &value, &status))
        status = read_counts(change->txn, key, value, &row);
    if (status != VARVE_OK)
        return status;
    if (old_status < VARVE_SAGA_STATUSES && row.by_status[old_status]-- == 0)
        return db_damaged(change->txn, "table saga_counts: the row of \"%.*s\" counts fewer sagas than there are",
                          (int)key.size, (const char *)key.data);
    if (new_status < VARVE_SAGA_STATUSES)
        row.by_status[new_status]++;
    row_seal(DB_SAGA_COUNTS, key, (uint8_t *)&row, sizeof(row) - ROW_CHECKSUM);
    return db_put(change->txn, DB_SAGA_COUNTS, key, (struct db_bytes){ &row, sizeof(row) });
}

enum varve_status tables_put_saga(struct db_txn *txn, struct varve_view type, struct varve_view id,
                                  const struct saga_row *before, const struct saga_row *row)
{
    unsigned old_status = before->status, new_status = row->status;
    struct change change;
    enum varve_status status;

    assert(can_be_name(type, id));
    change.txn = txn;
    change.type_size = type.size;
    change.name_size = saga_name_encode(type, id, change.name);
    change.row_size =
        saga_row_is_listed(row) ? make_row(row, (struct db_bytes){ change.name, change.name_size }, change.row) : 0;
    change.old_count = make_keys(before, type, change.old_keys, change.old_sizes);
    change.new_count = make_keys(row, type, change.new_keys, change.new_sizes);
    status = write_row(&change);
    if (status == VARVE_OK)
        status = write_entries(&change);
    return status == VARVE_OK ? write_counts(&change, old_status, new_status) : status;
}
