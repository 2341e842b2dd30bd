/* tables.h - keys and values of every table of store.mdb, and typed access to them. Layouts, byte by byte, in
 * docs/disk-format-store.md.
 *
 *   meta           "store" -> settled_position, next_stream_id, stream counts, database id
 *   events         first position (u64) -> block: up to 64 consecutive records behind an offset table
 *   streams        name -> stream_state
 *   stream_events  stream id, first version (u64 BE each) -> chunk of positions (u64 LE); n-th = first version + n
 *   categories     name, 0, first position (u64 BE) -> chunk of positions
 *   types          name, 0, first position (u64 BE) -> chunk of positions
 *   correlations   sorted runs of (hash of the id, position), see runs.h
 *   ids            the same for event ids
 *
 * Every value holds a checksum that covers its key as well; records have their own. A row that fails it is
 * VARVE_CORRUPT, and db_explain() names it. Reads take a transaction and see exactly what is settled in it. */
#ifndef ENGINE_TABLES_H
#define ENGINE_TABLES_H

#include "db.h"
#include "stream_state.h"

struct tables_meta {
    uint64_t settled_position;
    uint64_t next_stream_id;        /* from 1 */
    uint64_t stream_count;          /* client streams that ever had an event */
    uint64_t system_stream_count;
    int64_t last_recorded_at_us;    /* of the settled position */
    uint32_t indexes;               /* VARVE_INDEX_* */
    struct varve_uuid database_id;
    uint64_t hash_seed;             /* of the runs, random, fixed at creation (from the format file) */
};
/* NOT_A_STORE when the meta table is empty. */
enum varve_status tables_get_meta(struct db_txn *txn, struct tables_meta *ret_meta);
enum varve_status tables_put_meta(struct db_txn *txn, const struct tables_meta *meta);

/* ---- streams ---- */

/* VARVE_OK, VARVE_STREAM_NOT_FOUND (no row, *ret_state untouched), or a fault. */
enum varve_status tables_get_stream(struct db_txn *txn, struct varve_view name, struct stream_state *ret_state);
enum varve_status tables_put_stream(struct db_txn *txn, struct varve_view name, const struct stream_state *state);
/* Names with `prefix`, greater than `after`, in order, until `visit` returns false. */
typedef bool (*tables_visit_stream)(void *user, struct varve_view name, const struct stream_state *state);
enum varve_status tables_each_stream(struct db_txn *txn, struct varve_view prefix, struct varve_view after,
                                     tables_visit_stream visit, void *user);
/* One row as it stands in the table; CORRUPT when it is none. */
enum varve_status tables_read_stream(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                     struct stream_state *ret_state);

/* ---- events ---- */

#define TABLES_BLOCK_RECORDS 64u
#define TABLES_BLOCK_BYTES 65520u /* 16 pages; a larger record stands alone */

/* A block of the events table, in the map. */
struct tables_block {
    uint64_t first_position;
    uint32_t count;
    const uint8_t *bytes; /* the value */
    size_t size;
};
/* The block that holds `position`; VARVE_EVENT_NOT_FOUND above settled; VARVE_CORRUPT when its offsets do not add
 * up. */
enum varve_status tables_get_block(struct db_txn *txn, uint64_t position, struct tables_block *ret_block);
/* One row as it stands in the table; CORRUPT when it is no block. */
enum varve_status tables_read_block(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                    struct tables_block *ret_block);
/* Its i-th record, not yet verified; false when there is none. Whoever verifies it should hold its position against
 * first_position + i as well. */
bool tables_block_record(const struct tables_block *block, uint32_t i, const uint8_t **ret_record, uint32_t *ret_size);

/* Add `count` records behind all others, the first at `first_position`. The last block is written anew with more
 * records when it has room. `record_at` gives the i-th of them. */
typedef const uint8_t *(*tables_record_at)(const void *user, uint32_t i, uint32_t *ret_size);
enum varve_status tables_add_events(struct db_txn *txn, uint64_t first_position, uint32_t count,
                                    tables_record_at record_at, const void *user);

/* ---- posting lists ---- */

#define TABLES_STREAM_CHUNK 250u /* values of a full chunk; two fill a page; the n-th begins at version 250 n */
#define TABLES_NAME_CHUNK 508u   /* one fills a page of its own */

/* A chunk of a posting list, in the map; values are unaligned little-endian u64: read them with
 * tables_chunk_value(). */
struct tables_chunk {
    uint64_t first_ordinal; /* stream_events: version of value 0. Else: position of value 0. */
    uint32_t count;
    const uint8_t *values;
};
static inline uint64_t tables_chunk_value(const struct tables_chunk *chunk, uint32_t i)
{
    uint64_t value;
    __builtin_memcpy(&value, chunk->values + 8u * (size_t)i, 8);
    return value;
}
/* The posting list of a stream (by id), or of a category or type (by name). */
struct tables_list_key {
    enum db_table table;   /* DB_STREAM_EVENTS, DB_CATEGORIES, DB_TYPES */
    uint64_t stream_id;
    struct varve_view name;
};
/* The chunk with the greatest first_ordinal <= ordinal; when there is none, the first chunk of the list. false: the
 * list is empty (or a fault, in *status). */
bool tables_seek_chunk(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal,
                       struct tables_chunk *ret_chunk, enum varve_status *status);
/* The neighbour: first chunk with first_ordinal > ordinal (forwards), or last with first_ordinal < ordinal. */
bool tables_next_chunk(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal, bool backwards,
                       struct tables_chunk *ret_chunk, enum varve_status *status);
/* One row as it stands in the table, and whose it is (name points into the key); CORRUPT when it is no chunk. */
enum varve_status tables_read_chunk(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value,
                                    struct tables_list_key *ret_key, struct tables_chunk *ret_chunk);
/* Add ascending values at a list's end. For streams `ordinal` is the version of values[0], else it is values[0]. */
enum varve_status tables_add_to_list(struct db_txn *txn, const struct tables_list_key *key, uint64_t ordinal,
                                     const uint64_t *values, uint32_t count);

#endif
