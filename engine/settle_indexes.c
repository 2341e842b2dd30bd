/* settle_indexes.c - the indexes of a layer besides streams: posting lists by name, and runs by id. */
#include <assert.h>
#include <stdlib.h>

#include "runs.h"
#include "settle_parts.h"

static enum varve_status settle_names(const struct settle_slice *slice, enum tail_kind kind, enum db_table table)
{
    const struct tail_layer *layer = slice->plan->layer;
    enum varve_status status = VARVE_OK;
    struct tail_key key;
    uint32_t cursor = 0;

    while (status == VARVE_OK && tail_layer_next_key(layer, kind, &cursor, &key)) {
        struct tables_list_key list = { .table = table, .name = key.name };
        uint32_t from = settle_count_below(key.offsets, key.count, slice->begin);
        uint32_t to = settle_count_below(key.offsets, key.count, slice->end);

        status = settle_list(slice->txn, &list, 0, tail_layer_first_position(layer), key.offsets + from, to - from);
    }
    return status;
}

static enum varve_status settle_correlations(const struct settle_slice *slice, struct run_entry *entries)
{
    const struct tail_layer *layer = slice->plan->layer;
    uint64_t first_position = tail_layer_first_position(layer);
    struct tail_key key;
    uint32_t cursor = 0;
    size_t count = 0;

    while (tail_layer_next_key(layer, TAIL_CORRELATION, &cursor, &key)) {
        uint32_t to = settle_count_below(key.offsets, key.count, slice->end);
        uint64_t hash = runs_hash(slice->plan->meta.hash_seed, (const struct varve_uuid *)key.name.data);

        assert(key.name.size == sizeof(struct varve_uuid));
        for (uint32_t i = settle_count_below(key.offsets, key.count, slice->begin); i < to; i++) {
            assert(count < slice->end - slice->begin); /* An event has one correlation id at most. */
            entries[count++] = (struct run_entry){ hash, first_position + key.offsets[i] };
        }
    }
    return runs_add(slice->txn, DB_CORRELATIONS, entries, count);
}

static enum varve_status settle_ids(const struct settle_slice *slice, struct run_entry *entries)
{
    const struct tail_layer *layer = slice->plan->layer;
    uint64_t first_position = tail_layer_first_position(layer), seed = slice->plan->meta.hash_seed;
    uint32_t size;

    for (uint32_t i = slice->begin; i < slice->end; i++) {
        struct varve_uuid id = varve_record_id(tail_layer_record(layer, i, &size));

        entries[i - slice->begin] = (struct run_entry){ runs_hash(seed, &id), first_position + i };
    }
    return runs_add(slice->txn, DB_IDS, entries, slice->end - slice->begin);
}

static enum varve_status settle_runs(const struct settle_slice *slice)
{
    const unsigned indexes = slice->plan->meta.indexes;
    enum varve_status status = VARVE_OK;
    struct run_entry *entries;

    if ((indexes & (VARVE_INDEX_CORRELATION | VARVE_INDEX_ID)) == 0)
        return VARVE_OK;
    entries = malloc((slice->end - slice->begin) * sizeof(*entries));
    if (entries == NULL)
        return VARVE_NO_MEMORY;
    if ((indexes & VARVE_INDEX_CORRELATION) != 0)
        status = settle_correlations(slice, entries);
    if (status == VARVE_OK && (indexes & VARVE_INDEX_ID) != 0)
        status = settle_ids(slice, entries);
    free(entries);
    return status;
}

enum varve_status settle_indexes(const struct settle_slice *slice)
{
    const unsigned indexes = slice->plan->meta.indexes;
    enum varve_status status = VARVE_OK;

    if ((indexes & VARVE_INDEX_CATEGORY) != 0)
        status = settle_names(slice, TAIL_CATEGORY, DB_CATEGORIES);
    if (status == VARVE_OK && (indexes & VARVE_INDEX_TYPE) != 0)
        status = settle_names(slice, TAIL_TYPE, DB_TYPES);
    return status == VARVE_OK ? settle_runs(slice) : status;
}
