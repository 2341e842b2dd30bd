/* runs_format.h - how runs lie in their table; private to runs.c (reading) and runs_merge.c (writing).
 *
 *   directory  key: 20 zero bytes. [format 1][0][0][0][u32 count][run ...][u64 checksum]; runs in order of positions
 *   chunk      key: run number u32 BE, hash u64 BE and position u64 BE of its first entry.
 *              [format 1][0][u16 count][u64 hash, u64 position ...][u64 checksum]; sorted by hash, then position */
#ifndef ENGINE_RUNS_FORMAT_H
#define ENGINE_RUNS_FORMAT_H

#include <string.h>

#include "big_endian.h"
#include "row.h"
#include "runs.h"

#define RUN_CHUNK 254u /* entries of a full chunk: one fills an overflow page */
enum { RUN_KEY = 20, RUN_CHUNK_ENTRIES_AT = 4, RUN_CHUNK_COUNT_AT = 2, RUNS_COUNT_AT = 4, RUNS_AT = 8 };

struct run { /* as it lies in the directory */
    uint32_t number, zero;
    uint64_t count, first_position, last_position;
};
_Static_assert(sizeof(struct run) == 32 && sizeof(struct run_entry) == 16, "as in docs/disk-format-store.md");
_Static_assert(RUN_CHUNK_ENTRIES_AT + 16 * RUN_CHUNK + ROW_CHECKSUM <= 4096 - 16, "one value fills an overflow page");

static inline struct db_bytes run_key(uint32_t number, uint64_t hash, uint64_t position, uint8_t bytes[RUN_KEY])
{
    store_be32(bytes, number);
    store_be64(bytes + 4, hash);
    store_be64(bytes + 12, position);
    return (struct db_bytes){ bytes, RUN_KEY };
}

static inline bool run_is_before(const struct run_entry *a, const struct run_entry *b)
{
    return a->hash != b->hash ? a->hash < b->hash : a->position < b->position;
}

/* The directory, in the map: *ret_runs may be unaligned, read it with run_at(). An empty table has no runs. */
enum varve_status runs_directory(struct db_txn *txn, enum db_table table, const uint8_t **ret_runs,
                                 uint32_t *ret_count);

static inline struct run run_at(const uint8_t *runs, uint32_t i)
{
    struct run run;

    memcpy(&run, runs + i * sizeof(run), sizeof(run));
    return run;
}

/* A chunk in the map. */
struct run_chunk {
    uint32_t number, count;
    const uint8_t *entries;
};
static inline struct run_entry run_chunk_entry(const struct run_chunk *chunk, uint32_t i)
{
    struct run_entry entry;

    memcpy(&entry, chunk->entries + i * sizeof(entry), sizeof(entry));
    return entry;
}
/* The row at a cursor as a chunk of this run. false: of another run, or (in *status) damaged. */
bool runs_take_chunk(struct db_txn *txn, enum db_table table, uint32_t number, struct db_bytes key,
                     struct db_bytes value, struct run_chunk *ret_chunk, enum varve_status *status);

#endif
