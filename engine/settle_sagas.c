/* settle_sagas.c - see settle_sagas.h. Their streams lie beside each other in the plan's list by name, whose order is
 * that of the table's keys; a layer without sagas costs a search in that list. */
#include "settle_sagas.h"

#include "tables_sagas.h"

#include <string.h>

enum {
    ROWS_PER_NEW_PAGE = 7,  /* with their entries, when pages are two thirds full */
    ENTRIES_TOUCHED = 3,    /* of a saga that changes: two go, one comes somewhere; by change, new ones come last */
};

static struct varve_view name_of(const struct settle_order *order)
{
    return varve_view_of(order->name, order->name_size);
}

static bool is_below_sagas(struct varve_view name)
{
    size_t prefix = strlen(SAGA_PREFIX);
    int order = memcmp(name.data, SAGA_PREFIX, name.size < prefix ? name.size : prefix);

    return order < 0 || (order == 0 && name.size < prefix);
}

void settle_find_sagas(struct settle_plan *plan)
{
    uint32_t low = 0, high = plan->stream_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (is_below_sagas(name_of(&plan->by_name[middle])))
            low = middle + 1;
        else
            high = middle;
    }
    plan->first_saga = low;
    while (low < plan->stream_count && saga_is_stream(name_of(&plan->by_name[low])))
        low++;
    plan->saga_count = low - plan->first_saga;
}

enum varve_status settle_saga_pages(const struct settle_plan *plan, struct db_txn *txn, uint64_t *ret_pages)
{
    struct db_table_size rows, index;
    enum varve_status status = db_get_table_size(txn, DB_SAGAS, &rows);
    uint64_t count = plan->saga_count;

    if (status == VARVE_OK)
        status = db_get_table_size(txn, DB_SAGA_INDEX, &index);
    if (status == VARVE_OK)
        *ret_pages = (count < rows.leaf_pages ? count : rows.leaf_pages) +
                     (ENTRIES_TOUCHED * count < index.leaf_pages ? ENTRIES_TOUCHED * count : index.leaf_pages) +
                     count / ROWS_PER_NEW_PAGE;
    return status;
}

/* Fold the events offsets[0..count) of the layer onto the row. */
static enum varve_status fold(const struct settle_slice *slice, const uint32_t *offsets, uint32_t count,
                              struct saga_row *row)
{
    const struct tail_layer *layer = slice->plan->layer;
    uint32_t size;

    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *record = tail_layer_record(layer, offsets[i], &size);

        if (saga_fold(row, record, size) != VARVE_OK)
            return db_damaged(slice->txn, "the saga's event at position %llu cannot be understood",
                              (unsigned long long)(tail_layer_first_position(layer) + offsets[i]));
    }
    return VARVE_OK;
}

static enum varve_status settle_saga(const struct settle_slice *slice, struct varve_view stream,
                                     const uint32_t *offsets, uint32_t count)
{
    struct saga_row before, row;
    struct varve_view type, id;
    enum varve_status status;

    if (count == 0 || !saga_split(stream, &type, &id))
        return VARVE_OK; /* Nothing of it is in the slice; or it is no saga's, whatever it is. */
    saga_row_init(&before);
    status = tables_get_saga(slice->txn, type, id, &before);
    if (status != VARVE_OK && status != VARVE_SAGA_NOT_FOUND)
        return status;
    row = before;
    status = fold(slice, offsets, count, &row);
    if (status != VARVE_OK || row.status == SAGA_NONE)
        return status;
    return tables_put_saga(slice->txn, type, id, &before, &row);
}

enum varve_status settle_sagas(struct settle_slice *slice)
{
    const struct settle_plan *plan = slice->plan;
    enum varve_status status = VARVE_OK;

    for (uint32_t i = plan->first_saga; i < plan->first_saga + plan->saga_count && status == VARVE_OK; i++) {
        const struct settle_stream *stream = &plan->streams[plan->by_name[i].stream];
        uint32_t from = settle_count_below(stream->offsets, stream->count, slice->begin);
        uint32_t to = settle_count_below(stream->offsets, stream->count, slice->end);

        status = settle_saga(slice, name_of(&plan->by_name[i]), stream->offsets + from, to - from);
    }
    return status;
}
