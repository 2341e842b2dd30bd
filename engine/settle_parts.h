/* settle_parts.h - what settle.c shares with settle_streams.c, settle_sagas.c and settle_indexes.c; private to them. */
#ifndef ENGINE_SETTLE_PARTS_H
#define ENGINE_SETTLE_PARTS_H

#include "settle.h"
#include "tables.h"

/* A stream of the layer, in order of first appearance: all that is needed of its key, because to go back to the tail
 * for each of some hundred thousand keys would mean to wait for memory each time. */
struct settle_stream {
    struct stream_state state; /* after the layer's last event; its id is the final one */
    const uint32_t *offsets;
    int64_t first_version;
    uint32_t count;
    uint32_t done;   /* how many of its offsets are settled */
    uint32_t next;   /* offset of the first that is not; UINT32_MAX when all are */
    bool is_new;     /* has no row yet */
};

/* An entry of a sorted list of streams. */
struct settle_order {
    uint64_t rank;    /* what was sorted by last: eight bytes of the name, or the id */
    const char *name; /* its first byte; not for lists by id */
    uint32_t name_size;
    uint32_t stream;  /* index */
};

/* All that is known before anything is written. */
struct settle_plan {
    const struct tail_layer *layer;
    struct tables_meta meta;
    struct settle_stream *streams;
    struct settle_order *by_name, *by_id;
    uint32_t stream_count, new_streams;
    uint32_t first_saga, saga_count; /* in by_name: the streams of sagas */
};

/* The part of the layer that one transaction takes: offsets [begin, end). */
struct settle_slice {
    struct db_txn *txn;
    struct settle_plan *plan;
    uint32_t begin, end;
    bool is_last;
};

/* Find every stream's id, giving new ones out; *plan must be zeroed but for layer and meta. Reads through `txn`. */
enum varve_status settle_plan_streams(struct settle_plan *plan, struct db_txn *txn, uint32_t begin);
void settle_plan_free(struct settle_plan *plan);
/* Rows and posting lists of the slice's streams; counts new streams in plan->meta. Afterwards they are done up to
 * end. */
enum varve_status settle_streams(struct settle_slice *slice);
/* Categories, types, correlations and ids, as far as meta.indexes keeps them. */
enum varve_status settle_indexes(const struct settle_slice *slice);

/* How many of the ascending offsets are below `offset`. */
uint32_t settle_count_below(const uint32_t *offsets, uint32_t count, uint32_t offset);
/* Settle from where the table ends up to offset `until` of the layer, `slice_events` at a time; 0: as many as is
 * good. */
enum varve_status settle_slices(struct db *db, const struct tail_layer *layer, uint32_t slice_events, uint32_t until,
                                struct varve_error *error);
/* Add positions first_position + offsets[i] to a list; `ordinal` is ignored for names. */
enum varve_status settle_list(struct db_txn *txn, const struct tables_list_key *list, uint64_t ordinal,
                              uint64_t first_position, const uint32_t *offsets, uint32_t count);

#endif
