/* tables_events.c - the table of events: blocks of consecutive records, each behind a table of offsets.
 *
 *   [format 1][0][u16 count][u32 offset of each record, and of the end][u64 checksum of what is before][records] */
#include <assert.h>
#include <string.h>

#include "row.h"
#include "tables.h"
#include "varve/record.h"

enum { PAGE = 4096, PAGE_HEADER = 16, COUNT_AT = 2, OFFSETS_AT = 4 };

static size_t offsets_end(uint32_t count)
{
    return OFFSETS_AT + 4u * ((size_t)count + 1);
}

static size_t header_size(uint32_t count)
{
    return offsets_end(count) + ROW_CHECKSUM;
}

static uint32_t offset_of(const uint8_t *block, uint32_t i)
{
    uint32_t offset;

    memcpy(&offset, block + OFFSETS_AT + 4u * (size_t)i, sizeof(offset));
    return offset;
}

/* ---- reading ---- */

/* NULL when the value is a block, else what is wrong. */
static const char *block_problem(struct db_bytes key, struct db_bytes value, uint32_t *ret_count)
{
    const uint8_t *bytes = value.data;
    uint16_t count;

    if (key.size != sizeof(uint64_t))
        return "its key is damaged";
    if (value.size < header_size(1))
        return "it is too short";
    memcpy(&count, bytes + COUNT_AT, sizeof(count));
    if (bytes[0] != ROW_FORMAT || count == 0 || count > TABLES_BLOCK_RECORDS || value.size < header_size(count))
        return "its header is damaged";
    if (!row_is_sound(DB_EVENTS, key, bytes, offsets_end(count)))
        return "its offsets do not match their checksum";
    if (offset_of(bytes, 0) != header_size(count) || offset_of(bytes, count) != value.size)
        return "its offsets do not fit its size";
    *ret_count = count;
    return NULL;
}

enum varve_status tables_read_block(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                    struct tables_block *ret_block)
{
    uint64_t first_position = 0;
    uint32_t count = 0;
    const char *problem = block_problem(key, value, &count);

    if (key.size == sizeof(first_position))
        memcpy(&first_position, key.data, sizeof(first_position));
    if (problem != NULL)
        return db_damaged(txn, "table events, block of position %llu: %s", (unsigned long long)first_position, problem);
    *ret_block = (struct tables_block){ first_position, count, value.data, value.size };
    return VARVE_OK;
}

/* The row with the greatest key <= position. */
static bool find_row(struct db_cursor *cursor, uint64_t position, struct db_bytes *ret_key, struct db_bytes *ret_value,
                     enum varve_status *status)
{
    struct db_bytes key = { &position, sizeof(position) };
    bool found = db_cursor_move(cursor, DB_SEEK, &key, ret_value, status);

    if (found && (key.size != sizeof(position) || memcmp(key.data, &position, sizeof(position)) != 0))
        found = db_cursor_move(cursor, DB_PREV, &key, ret_value, status);
    else if (!found && *status == VARVE_OK)
        found = db_cursor_move(cursor, DB_LAST, &key, ret_value, status);
    *ret_key = key;
    return found;
}

static enum varve_status get_block(struct db_txn *txn, struct db_cursor *cursor, uint64_t position,
                                   struct tables_block *ret_block)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes key, value;
    struct tables_block block;

    if (!find_row(cursor, position, &key, &value, &status))
        return status == VARVE_OK ? VARVE_EVENT_NOT_FOUND : status;
    status = tables_read_block(txn, key, value, &block);
    if (status != VARVE_OK)
        return status;
    if (position - block.first_position < block.count) {
        *ret_block = block;
        return VARVE_OK;
    }
    if (db_cursor_move(cursor, DB_NEXT, &key, &value, &status))
        return db_damaged(txn, "table events: no block holds position %llu", (unsigned long long)position);
    return status == VARVE_OK ? VARVE_EVENT_NOT_FOUND : status;
}

enum varve_status tables_get_block(struct db_txn *txn, uint64_t position, struct tables_block *ret_block)
{
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(txn, DB_EVENTS, &cursor);

    if (status != VARVE_OK)
        return status;
    status = get_block(txn, cursor, position, ret_block);
    db_cursor_close(cursor);
    return status;
}

bool tables_block_record(const struct tables_block *block, uint32_t i, const uint8_t **ret_record, uint32_t *ret_size)
{
    uint32_t from, to;

    if (i >= block->count)
        return false;
    from = offset_of(block->bytes, i);
    to = offset_of(block->bytes, i + 1);
    if (from < header_size(block->count) || from >= to || to > block->size)
        return false;
    *ret_record = block->bytes + from;
    *ret_size = to - from;
    return true;
}

/* ---- adding ---- */

/* Records in the order in which they are to stand: those of the last block, copied because it will be written anew, and
 * the new ones. */
struct queue {
    uint64_t first_position;   /* of item 0 */
    uint32_t old_count, count; /* count: with the old ones */
    struct tables_block old;
    tables_record_at record_at;
    const void *user;
    uint8_t old_bytes[TABLES_BLOCK_BYTES];
};

static const uint8_t *item(const struct queue *queue, uint32_t i, uint32_t *ret_size)
{
    const uint8_t *record = NULL;

    if (i >= queue->old_count)
        return queue->record_at(queue->user, i - queue->old_count, ret_size);
    return tables_block_record(&queue->old, i, &record, ret_size) ? record : NULL;
}

/* How many items from `first` on make the next block: as many as may, or, when more follow, fewer if the last page they
 * take would stay nearly empty. */
static uint32_t block_count(const struct queue *queue, uint32_t first)
{
    size_t sizes[TABLES_BLOCK_RECORDS + 1] = { 0 }; /* of a block of so many */
    size_t records = 0, pages;
    uint32_t count = 0, fewer, size;

    while (count < TABLES_BLOCK_RECORDS && first + count < queue->count) {
        item(queue, first + count, &size);
        records += size;
        if (count > 0 && header_size(count + 1) + records > TABLES_BLOCK_BYTES)
            break;
        count++;
        sizes[count] = header_size(count) + records;
    }
    pages = (sizes[count] + PAGE_HEADER + PAGE - 1) / PAGE;
    if (first + count == queue->count || pages < 2)
        return count;
    for (fewer = count; fewer > 0 && sizes[fewer] + PAGE_HEADER > (pages - 1) * PAGE;)
        fewer--;
    return fewer * pages > count * (pages - 1) ? fewer : count; /* More records per page? */
}

static size_t block_size(const struct queue *queue, uint32_t first, uint32_t count)
{
    size_t total = header_size(count);
    uint32_t size;

    for (uint32_t i = 0; i < count; i++) {
        item(queue, first + i, &size);
        total += size;
    }
    return total;
}

static void fill_block(const struct queue *queue, uint32_t first, uint32_t count, struct db_bytes key, uint8_t *bytes)
{
    uint16_t short_count = (uint16_t)count;
    uint32_t offset = (uint32_t)header_size(count), size;

    bytes[0] = ROW_FORMAT;
    bytes[1] = 0;
    memcpy(bytes + COUNT_AT, &short_count, sizeof(short_count));
    for (uint32_t i = 0; i <= count; i++) {
        memcpy(bytes + OFFSETS_AT + 4u * (size_t)i, &offset, sizeof(offset));
        if (i < count) {
            const uint8_t *record = item(queue, first + i, &size);

            memcpy(bytes + offset, record, size);
            offset += size;
        }
    }
    row_seal(DB_EVENTS, key, bytes, offsets_end(count));
}

static enum varve_status write_block(struct db_txn *txn, const struct queue *queue, uint32_t first, uint32_t count)
{
    uint64_t position = queue->first_position + first;
    struct db_bytes key = { &position, sizeof(position) };
    size_t size = block_size(queue, first, count);
    enum varve_status status;
    void *bytes;

    if (queue->old_count > 0 && first == 0)
        status = db_reserve(txn, DB_EVENTS, key, size, &bytes);
    else
        status = db_append_reserve(txn, DB_EVENTS, key, size, &bytes);
    if (status == VARVE_OK)
        fill_block(queue, first, count, key, bytes);
    return status;
}

/* Take in the last block if it may have room. */
static enum varve_status take_last(struct db_txn *txn, struct queue *queue)
{
    enum varve_status status = tables_get_block(txn, queue->first_position - 1, &queue->old);

    if (status != VARVE_OK && status != VARVE_EVENT_NOT_FOUND)
        return status;
    if (status != VARVE_OK || queue->old.first_position + queue->old.count != queue->first_position)
        return db_damaged(txn, "table events: it does not end where position %llu is to follow",
                          (unsigned long long)queue->first_position);
    if (queue->old.count >= TABLES_BLOCK_RECORDS || queue->old.size >= TABLES_BLOCK_BYTES)
        return VARVE_OK;
    for (uint32_t i = 0, size; i < queue->old.count; i++) {
        const uint8_t *record;

        if (!tables_block_record(&queue->old, i, &record, &size))
            return db_damaged(txn, "table events, block of position %llu: its offsets are out of order",
                              (unsigned long long)queue->old.first_position);
    }
    memcpy(queue->old_bytes, queue->old.bytes, queue->old.size);
    queue->old.bytes = queue->old_bytes;
    queue->old_count = queue->old.count;
    queue->first_position -= queue->old_count;
    return VARVE_OK;
}

enum varve_status tables_add_events(struct db_txn *txn, uint64_t first_position, uint32_t count,
                                    tables_record_at record_at, const void *user)
{
    struct queue queue;
    enum varve_status status = VARVE_OK;
    uint32_t done = 0;

    queue.first_position = first_position;
    queue.old_count = 0;
    queue.record_at = record_at;
    queue.user = user;
    if (first_position > 1 && count > 0)
        status = take_last(txn, &queue);
    queue.count = queue.old_count + count;

    while (status == VARVE_OK && done < queue.count) {
        uint32_t next = block_count(&queue, done);

        if (done > 0 || next != queue.old_count) /* Else the last block was full in its way, and stays. */
            status = write_block(txn, &queue, done, next);
        done += next;
    }
    return status;
}
