/* view.h - one look at the whole log: what is settled, through an LMDB transaction, and what is not yet, through the
 * tail.
 *
 * A view is short-lived: begun for one batch, ended after it, so that it pins no pages. The two halves always meet:
 * when the settler has moved events while we looked, the view renews its transaction and looks again.
 *
 * Positions above `visible` at its beginning are never shown. */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "store_parts.h"
#include "tables.h"

struct view {
    struct varve_store *store;
    struct db_txn *txn;
    uint64_t settled;           /* of txn */
    uint64_t visible;
    uint64_t hash_seed;
    bool sequential;            /* hint to read ahead */
    bool block_held;            /* `block` is of this txn */
    struct tables_block block;
    const uint8_t *hinted_from, *hinted_until;
};

enum varve_status view_begin(struct view *view, struct varve_store *store, bool sequential, struct varve_error *error);
void view_end(struct view *view);

/* Hold the tail's read lock with a transaction that reaches up to the tail; tail_unlock_read() lets go. On failure
 * nothing is held. */
enum varve_status view_lock_tail(struct view *view, struct varve_error *error);

/* The published state of a stream; STREAM_NOT_FOUND when it never was. state.version can be -1 (never was, but
 * staged). */
enum varve_status view_state(struct view *view, struct varve_view stream, struct stream_state *ret_state,
                             struct varve_error *error);
/* The position of a version that the stream has; CORRUPT when it cannot be found. */
enum varve_status view_version_position(struct view *view, struct varve_view stream, uint64_t version,
                                        uint64_t *ret_position, struct varve_error *error);

/* Where matching events are, a few at a time.
 *   kind STREAM: ordinals are versions; else positions. From `from` (inclusive), ascending or descending.
 * *ret_count == 0 means that there are no more. */
struct view_query {
    enum varve_read_kind kind;      /* not ALL */
    struct varve_view name;
    struct varve_uuid correlation_id;
    bool backwards;
};
enum { VIEW_ROOM = 256 };
struct view_positions {
    uint64_t ordinals[VIEW_ROOM];   /* of positions[i]: its version for STREAM, else the position itself */
    uint64_t positions[VIEW_ROOM];
    size_t count;
};
enum varve_status view_positions(struct view *view, const struct view_query *query, uint64_t from, size_t room,
                                 struct view_positions *ret, struct varve_error *error);

/* Take the record at a position (1 .. visible) out, verified. `take` is given the bytes, which live during the call
 * only; it returns false when it has no room. CORRUPT names the position. */
typedef bool (*view_take)(void *user, const uint8_t *record, uint32_t size);
enum varve_status view_record(struct view *view, uint64_t position, view_take take, void *user, bool *ret_taken,
                              struct varve_error *error);

/* The first position whose recorded_at is not below `time_us`; visible + 1 when there is none. */
enum varve_status view_position_at_time(struct view *view, int64_t time_us, uint64_t *ret_position,
                                        struct varve_error *error);

#endif
