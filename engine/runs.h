/* runs.h - an index for keys that are random (correlation ids, event ids): sorted runs, one per settle, merged in
 * tiers.
 *
 * An entry is (XXH3-64 of the key with the store's seed, position). A hash is never an identity: a caller compares the
 * record's own id. Runs cover disjoint, ascending ranges of positions, and get smaller towards the newest: there are at
 * most 7 of a size class (a power of 8), and those of 4 Mi entries are never touched again. */
#ifndef ENGINE_RUNS_H
#define ENGINE_RUNS_H

#include "db.h"

#define RUNS_MAX_ENTRIES (UINT64_C(4) << 20) /* of a run that merging makes: the most that one settle rewrites */

struct run_entry {
    uint64_t hash;
    uint64_t position;
};
uint64_t runs_hash(uint64_t seed, const struct varve_uuid *id);

/* Write a new run. Sorts `entries` in place. All positions are above those of earlier runs. Takes up smaller runs
 * before it, and full tiers; bounded work per call. */
enum varve_status runs_add(struct db_txn *txn, enum db_table table, struct run_entry *entries, size_t count);

/* Positions of entries with this hash: ascending from `from` (inclusive), or descending from it; at most `room`.
 * *ret_count < room means that there are no more. */
enum varve_status runs_find(struct db_txn *txn, enum db_table table, uint64_t hash, uint64_t from, bool backwards,
                            uint64_t *ret_positions, size_t room, size_t *ret_count);

/* Every entry, run by run, for the deep check: order, counts and ranges are checked on the way. */
enum varve_status runs_each(struct db_txn *txn, enum db_table table,
                            enum varve_status (*visit)(void *user, const struct run_entry *entry), void *user);

#endif
