/* settle_streams.c - the streams of a layer: their ids, rows and posting lists. Everything is done in the order of the
 * keys, so that neighbours on a page are met together. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "name_sort.h"
#include "settle_sagas.h"
#include "streams_meta.h"

/* ---- planning ---- */

static uint32_t count_keys(const struct tail_layer *layer, enum tail_kind kind)
{
    uint32_t cursor = 0, count = 0;
    struct tail_key key;

    while (tail_layer_next_key(layer, kind, &cursor, &key))
        count++;
    return count;
}

static void set_done(struct settle_stream *stream, uint32_t done)
{
    stream->done = done;
    stream->next = done < stream->count ? stream->offsets[done] : UINT32_MAX;
}

static void list_streams(struct settle_plan *plan, uint32_t begin)
{
    uint32_t cursor = 0, n = 0;
    struct tail_key key;

    while (tail_layer_next_key(plan->layer, TAIL_STREAM, &cursor, &key)) {
        struct settle_stream *stream = &plan->streams[n];

        *stream = (struct settle_stream){
            .state = key.state,
            .offsets = key.offsets,
            .first_version = key.first_version,
            .count = key.count,
        };
        set_done(stream, settle_count_below(key.offsets, key.count, begin));
        plan->by_name[n] = (struct settle_order){ 0, key.name.data, (uint32_t)key.name.size, n };
        n++;
    }
    assert(n == plan->stream_count);
}

/* Streams are met in the order of their names or ids, but lie in that of their appearance: have the one that is due
 * soon fetched while this one is worked on. */
static void fetch_ahead(const struct settle_plan *plan, const struct settle_order *orders, uint32_t i)
{
    enum { AHEAD = 8, LINE = 64 };

    if (i + AHEAD < plan->stream_count) {
        const char *stream = (const char *)&plan->streams[orders[i + AHEAD].stream];

        __builtin_prefetch(stream);
        __builtin_prefetch(stream + LINE);
        __builtin_prefetch(orders[i + AHEAD].name);
    }
}

static struct varve_view name_of(const struct settle_order *order)
{
    return varve_view_of(order->name, order->name_size);
}

/* The id in the stream's row, 0 without one. The cursor goes through names in order. */
static enum varve_status look_up_id(struct db_txn *txn, struct db_cursor *cursor, struct varve_view name,
                                    uint64_t *ret_id)
{
    struct db_bytes key = { name.data, name.size }, value;
    enum varve_status status = VARVE_OK;
    struct stream_state state = { 0 };

    if (db_cursor_move(cursor, DB_SEEK, &key, &value, &status) && key.size == name.size &&
        memcmp(key.data, name.data, name.size) == 0)
        status = tables_read_stream(txn, key, value, &state);
    *ret_id = state.id;
    return status;
}

static enum varve_status look_up_ids(struct settle_plan *plan, struct db_txn *txn)
{
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(txn, DB_STREAMS, &cursor);

    if (status != VARVE_OK)
        return status;
    for (uint32_t i = 0; i < plan->stream_count && status == VARVE_OK; i++) {
        struct settle_stream *stream = &plan->streams[plan->by_name[i].stream];

        fetch_ahead(plan, plan->by_name, i);
        if (stream->state.id == 0) /* New to the tail, perhaps only because its row was not settled when it met it. */
            status = look_up_id(txn, cursor, name_of(&plan->by_name[i]), &stream->state.id);
    }
    db_cursor_close(cursor);
    return status;
}

static void give_ids(struct settle_plan *plan)
{
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        struct settle_stream *stream = &plan->streams[i];

        stream->is_new = stream->state.id == 0;
        if (stream->is_new)
            stream->state.id = plan->meta.next_stream_id++;
        plan->new_streams += stream->is_new;
        plan->by_id[i] = (struct settle_order){ .rank = stream->state.id, .stream = i };
    }
}

enum varve_status settle_plan_streams(struct settle_plan *plan, struct db_txn *txn, uint32_t begin)
{
    enum varve_status status;

    plan->stream_count = count_keys(plan->layer, TAIL_STREAM);
    plan->streams = calloc((size_t)plan->stream_count + 1, sizeof(*plan->streams));
    plan->by_name = calloc((size_t)plan->stream_count + 1, sizeof(*plan->by_name));
    plan->by_id = calloc((size_t)plan->stream_count + 1, sizeof(*plan->by_id));
    if (plan->streams == NULL || plan->by_name == NULL || plan->by_id == NULL)
        return VARVE_NO_MEMORY;
    list_streams(plan, begin);
    sort_by_name(plan->by_name, plan->stream_count);
    settle_find_sagas(plan);
    status = look_up_ids(plan, txn);
    if (status != VARVE_OK)
        return status;
    give_ids(plan);
    sort_by_rank(plan->by_id, plan->stream_count);
    return VARVE_OK;
}

void settle_plan_free(struct settle_plan *plan)
{
    free(plan->streams);
    free(plan->by_name);
    free(plan->by_id);
}

/* ---- rows ---- */

/* The state as of the slice's end. */
static struct stream_state state_at_end(const struct settle_slice *slice, const struct settle_stream *stream,
                                        uint32_t settled)
{
    const struct tail_layer *layer = slice->plan->layer;
    struct stream_state state = stream->state;
    uint32_t size;

    if (settled < stream->count) { /* More of it follows in later slices. */
        uint32_t last = stream->offsets[settled - 1];

        state.version = stream->first_version + settled - 1;
        state.last_position = tail_layer_first_position(layer) + last;
        state.updated_at_us = varve_record_recorded_at(tail_layer_record(layer, last, &size));
    }
    return state;
}

/* How many of its events are settled when the slice is. */
static uint32_t settled_at_end(const struct settle_slice *slice, const struct settle_stream *stream)
{
    if (slice->is_last || stream->next >= slice->end)
        return slice->is_last ? stream->count : stream->done;
    return settle_count_below(stream->offsets, stream->count, slice->end);
}

static void count_stream(struct tables_meta *meta, struct varve_view name)
{
    if (name.data[0] == '$')
        meta->system_stream_count++;
    else
        meta->stream_count++;
}

static enum varve_status write_row(struct settle_slice *slice, const struct settle_stream *stream,
                                   struct varve_view name)
{
    uint32_t settled = settled_at_end(slice, stream);
    struct stream_state state = state_at_end(slice, stream, settled);

    if (stream->done == 0 && settled > 0 && stream->first_version == 0)
        count_stream(&slice->plan->meta, name);
    return tables_put_stream(slice->txn, name, &state);
}

static int compare_names(struct varve_view a, struct varve_view b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);

    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static const struct settle_stream *find_stream(const struct settle_plan *plan, struct varve_view name)
{
    uint32_t low = 0, high = plan->stream_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare_names(name_of(&plan->by_name[middle]), name);

        if (order == 0)
            return &plan->streams[plan->by_name[middle].stream];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The slice has changes of a stream's metadata. If the stream itself has no event before the slice's end, its row must
 * take them all the same: should the process die after this slice, nobody will look at the changes again. Those of
 * later slices may come along, for they are read again, and end in the same. */
static enum varve_status write_changes(struct settle_slice *slice, struct varve_view target)
{
    const struct settle_stream *stream = find_stream(slice->plan, target);
    struct stream_state row;
    enum varve_status status;

    assert(stream != NULL); /* A change puts its target into the layer. */
    if (stream->done > 0 || stream->next < slice->end)
        return VARVE_OK; /* Its own row has them. */
    stream_state_init(&row);
    status = tables_get_stream(slice->txn, target, &row);
    if (status != VARVE_OK && status != VARVE_STREAM_NOT_FOUND)
        return status;
    row.id = stream->state.id;
    row.truncate_before = stream->state.truncate_before;
    row.max_count = stream->state.max_count;
    row.max_age_us = stream->state.max_age_us;
    row.flags = stream->state.flags;
    return tables_put_stream(slice->txn, target, &row);
}

static enum varve_status write_rows(struct settle_slice *slice)
{
    struct varve_view target;
    const struct settle_plan *plan = slice->plan;
    enum varve_status status = VARVE_OK;

    for (uint32_t i = 0; i < plan->stream_count && status == VARVE_OK; i++) {
        const struct settle_stream *stream = &plan->streams[plan->by_name[i].stream];

        fetch_ahead(plan, plan->by_name, i);
        if (stream->next >= slice->end)
            continue;
        status = write_row(slice, stream, name_of(&plan->by_name[i]));
        if (status == VARVE_OK && streams_meta_target(name_of(&plan->by_name[i]), &target))
            status = write_changes(slice, target);
    }
    return status;
}

/* ---- posting lists ---- */

static enum varve_status write_list(struct settle_slice *slice, struct settle_stream *stream)
{
    struct tables_list_key list = { .table = DB_STREAM_EVENTS, .stream_id = stream->state.id };
    uint32_t done = stream->done, next = stream->next, settled = settled_at_end(slice, stream);
    /* A single offset is at hand; its array would have to be fetched. */
    const uint32_t *offsets = settled - done == 1 ? &next : stream->offsets + done;
    enum varve_status status =
        settle_list(slice->txn, &list, (uint64_t)stream->first_version + done,
                    tail_layer_first_position(slice->plan->layer), offsets, settled - done);

    set_done(stream, settled);
    return status;
}

enum varve_status settle_streams(struct settle_slice *slice)
{
    const struct settle_plan *plan = slice->plan;
    enum varve_status status = write_rows(slice);

    for (uint32_t i = 0; i < plan->stream_count && status == VARVE_OK; i++) {
        struct settle_stream *stream = &plan->streams[plan->by_id[i].stream];

        fetch_ahead(plan, plan->by_id, i);
        if (stream->next < slice->end)
            status = write_list(slice, stream);
    }
    return status;
}
