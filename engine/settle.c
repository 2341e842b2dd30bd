/* settle.c - a layer of the tail becomes rows of store.mdb. */
#include "settle.h"

#include <assert.h>

#include "settle_sagas.h"

enum {
    SLICE_EVENTS = 1 << 20, /* at most, in one transaction */
    LIST_PORTION = 2000,    /* positions handed over at once: some chunks' worth */
    ROWS_PER_NEW_PAGE = 20, /* of new streams, both tables together, when pages are two thirds full */
    STREAM_PAGES = 2,       /* that an event may dirty, of those two tables, */
    SAGA_PAGES = 8,         /* and of a saga's, of all */
};

uint32_t settle_count_below(const uint32_t *offsets, uint32_t count, uint32_t offset)
{
    uint32_t low = 0, high = count;

    if (count == 0 || offsets[count - 1] < offset)
        return count; /* Nearly always: a layer is one slice. */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (offsets[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum varve_status settle_list(struct db_txn *txn, const struct tables_list_key *list, uint64_t ordinal,
                              uint64_t first_position, const uint32_t *offsets, uint32_t count)
{
    uint64_t values[LIST_PORTION];
    enum varve_status status = VARVE_OK;

    for (uint32_t done = 0, portion; done < count && status == VARVE_OK; done += portion) {
        portion = count - done < LIST_PORTION ? count - done : LIST_PORTION;
        for (uint32_t i = 0; i < portion; i++)
            values[i] = first_position + offsets[done + i];
        status = tables_add_to_list(txn, list, list->table == DB_STREAM_EVENTS ? ordinal + done : values[0], values,
                                    portion);
    }
    return status;
}

/* ---- one slice ---- */

static const uint8_t *slice_record_at(const void *user, uint32_t i, uint32_t *ret_size)
{
    const struct settle_slice *slice = user;

    return tail_layer_record(slice->plan->layer, slice->begin + i, ret_size);
}

static enum varve_status settle_meta(const struct settle_slice *slice)
{
    const struct tail_layer *layer = slice->plan->layer;
    struct tables_meta *meta = &slice->plan->meta;
    uint32_t size;

    meta->settled_position = tail_layer_first_position(layer) + slice->end - 1;
    meta->last_recorded_at_us = varve_record_recorded_at(tail_layer_record(layer, slice->end - 1, &size));
    return tables_put_meta(slice->txn, meta);
}

/* Events come after the indexes: those take up single free pages, which a search for room for a block would have to
 * pass over again and again. */
static enum varve_status write_slice(struct settle_slice *slice)
{
    enum varve_status status = settle_streams(slice);

    if (status == VARVE_OK)
        status = settle_sagas(slice);
    if (status == VARVE_OK)
        status = settle_indexes(slice);
    if (status == VARVE_OK)
        status = tables_add_events(slice->txn, tail_layer_first_position(slice->plan->layer) + slice->begin,
                                   slice->end - slice->begin, slice_record_at, slice);
    return status == VARVE_OK ? settle_meta(slice) : status;
}

static enum varve_status settle_slice(struct db *db, struct settle_slice *slice, struct varve_error *error)
{
    enum varve_status status = db_begin_write(db, &slice->txn, error);

    if (status != VARVE_OK)
        return status;
    status = write_slice(slice);
    if (status == VARVE_OK)
        return db_commit(slice->txn, error);
    db_explain(slice->txn, status, error);
    db_abort(slice->txn);
    return status;
}

/* ---- the layer ---- */

static uint64_t at_most(uint64_t value, uint64_t most)
{
    return value < most ? value : most;
}

/* How many events one transaction may take, so that it dirties no more than DB_DIRTY_PAGES pages: each stream can mean
 * a page of its own in both tables, and each saga some more, but no more pages than there are. */
static enum varve_status choose_slice_events(const struct settle_plan *plan, struct db_txn *txn, uint32_t *ret_events)
{
    struct db_table_size rows, lists;
    enum varve_status status = db_get_table_size(txn, DB_STREAMS, &rows);
    uint64_t pages, saga_pages = 0;

    if (status == VARVE_OK)
        status = db_get_table_size(txn, DB_STREAM_EVENTS, &lists);
    if (status == VARVE_OK)
        status = settle_saga_pages(plan, txn, &saga_pages);
    if (status != VARVE_OK)
        return status;
    pages = at_most(plan->stream_count, rows.leaf_pages) + at_most(plan->stream_count, lists.leaf_pages) +
            plan->new_streams / ROWS_PER_NEW_PAGE + saga_pages;
    if (pages <= DB_DIRTY_PAGES)
        *ret_events = SLICE_EVENTS;
    else if (saga_pages <= DB_DIRTY_PAGES / 2)
        *ret_events = (uint32_t)(DB_DIRTY_PAGES - saga_pages) / STREAM_PAGES;
    else
        *ret_events = DB_DIRTY_PAGES / SAGA_PAGES;
    return VARVE_OK;
}

static enum varve_status make_plan(struct db *db, struct settle_plan *plan, uint32_t *ret_begin,
                                   uint32_t *ret_slice_events, struct varve_error *error)
{
    uint64_t first_position = tail_layer_first_position(plan->layer);
    struct db_txn *txn;
    enum varve_status status = db_begin_read(db, &txn, error);

    if (status != VARVE_OK)
        return status;
    status = tables_get_meta(txn, &plan->meta);
    if (status == VARVE_OK) {
        uint64_t next = plan->meta.settled_position + 1;

        assert(next >= first_position && next <= first_position + tail_layer_count(plan->layer));
        *ret_begin = (uint32_t)(next - first_position);
        status = settle_plan_streams(plan, txn, *ret_begin);
    }
    if (status == VARVE_OK && *ret_slice_events == 0)
        status = choose_slice_events(plan, txn, ret_slice_events);
    db_explain(txn, status, error);
    db_abort(txn);
    return status;
}

enum varve_status settle_slices(struct db *db, const struct tail_layer *layer, uint32_t slice_events, uint32_t until,
                                struct varve_error *error)
{
    struct settle_plan plan = { .layer = layer };
    struct settle_slice slice = { .plan = &plan };
    enum varve_status status = make_plan(db, &plan, &slice.begin, &slice_events, error);

    while (status == VARVE_OK && slice.begin < until) {
        slice.end = until - slice.begin > slice_events ? slice.begin + slice_events : until;
        slice.is_last = slice.end == tail_layer_count(layer);
        status = settle_slice(db, &slice, error);
        slice.begin = slice.end;
    }
    settle_plan_free(&plan);
    return status;
}

enum varve_status settle_layer(struct db *db, const struct tail_layer *layer, struct varve_error *error)
{
    return settle_slices(db, layer, 0, tail_layer_count(layer), error);
}
