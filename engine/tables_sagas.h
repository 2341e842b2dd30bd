/* tables_sagas.h - the sagas in store.mdb: their rows, the keys they are listed by, and how many there are.
 *
 *   sagas         type 0 id                   -> row, checksum
 *   saga_index    a key of saga_keys.h        -> type 0 id, checksum
 *   saga_counts   type                        -> five counts (u64 LE, by status), checksum
 *
 * Layouts, byte by byte, in docs/disk-format-store.md. */
#ifndef ENGINE_TABLES_SAGAS_H
#define ENGINE_TABLES_SAGAS_H

#include "db.h"
#include "saga_keys.h"

/* VARVE_OK, VARVE_SAGA_NOT_FOUND (*ret_row untouched), or a fault. Its views point into the map. */
enum varve_status tables_get_saga(struct db_txn *txn, struct varve_view type, struct varve_view id,
                                  struct saga_row *ret_row);
/* Put the row and the keys it is listed by in place of what was there, and count it; a row that is not listed
 * (archived) is taken away. `before`: what tables_get_saga() said (SAGA_NONE when nothing), copied by the caller or
 * still valid up to this call. */
enum varve_status tables_put_saga(struct db_txn *txn, struct varve_view type, struct varve_view id,
                                  const struct saga_row *before, const struct saga_row *row);
/* One row or entry as it stands in its table; CORRUPT when it is none. */
enum varve_status tables_read_saga(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                   struct varve_view *ret_type, struct varve_view *ret_id, struct saga_row *ret_row);
enum varve_status tables_read_saga_entry(struct db_txn *txn, struct db_bytes key, struct db_bytes value,
                                         struct saga_key *ret_key, struct varve_view *ret_type,
                                         struct varve_view *ret_id);
/* Every type that ever was, in order, until `visit` returns false. */
typedef bool (*tables_visit_saga_counts)(void *user, struct varve_view type,
                                         const uint64_t by_status[VARVE_SAGA_STATUSES]);
enum varve_status tables_each_saga_counts(struct db_txn *txn, tables_visit_saga_counts visit, void *user);

#endif
