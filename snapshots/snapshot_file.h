/* snapshot_file.h - snapshots.mdb: judged and opened, made anew when it is damaged or gone, written through LMDB, and
 * read without it (varve/page_file.h), so that no damage can crash the process or lead it astray. */
#ifndef SNAPSHOTS_SNAPSHOT_FILE_H
#define SNAPSHOTS_SNAPSHOT_FILE_H

#include <lmdb.h>

#include "varve/page_file.h"

#include "snapshot_row.h"

enum snapshot_table { SNAPSHOT_META, SNAPSHOT_ROWS, SNAPSHOT_DATA, SNAPSHOT_TABLES };

struct snapshot_file {
    char path[4096];
    struct varve_snapshots_options options; /* `os` is set */
    struct varve_uuid database_id;
    MDB_env *env;                    /* NULL: it could not be opened; everything else here is nothing then */
    MDB_dbi tables[SNAPSHOT_TABLES];
    struct varve_page_file pages;
    struct varve_page_sums *sums;
    uint64_t device, inode;
};

/* Open DIR/snapshots.mdb or make it; what is damaged, or of another store, is made anew, and `damaged` is told.
 * `*ret_roots` is what it holds. */
enum varve_status snapshot_file_open(struct snapshot_file *file, const char *directory,
                                     const struct varve_uuid *database_id,
                                     const struct varve_snapshots_options *options, struct varve_page_roots *ret_roots,
                                     struct varve_error *error);
void snapshot_file_close(struct snapshot_file *file);
/* Close it and open it again; with `why`, which `damaged` is told, as an empty one. After a failure it is closed, and
 * this is to be called again before anything else. */
enum varve_status snapshot_file_renew(struct snapshot_file *file, const char *why, struct varve_page_roots *ret_roots,
                                      struct varve_error *error);
/* Is it closed, or has somebody deleted it, or put another in its place? */
bool snapshot_file_is_gone(const struct snapshot_file *file);
void snapshot_file_tell(const struct snapshot_file *file, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Begin to write; `roots` are those of the last commit. CORRUPT: the file is damaged, and LMDB must not touch it. */
enum varve_status snapshot_file_begin(struct snapshot_file *file, const struct varve_page_roots *roots,
                                      MDB_txn **ret_txn, struct varve_error *error);
/* Commit, and the new roots. Ends the transaction in any case. */
enum varve_status snapshot_file_commit(struct snapshot_file *file, MDB_txn *txn, struct varve_page_roots *ret_roots,
                                       struct varve_error *error);
void snapshot_file_abort(MDB_txn *txn);
/* Its pages must have been looked at: varve_page_cursor_seek(), and _check_around() before deleting. */
enum varve_status snapshot_file_put(struct snapshot_file *file, MDB_txn *txn, enum snapshot_table table,
                                    const struct snapshot_key *key, struct varve_view value, struct varve_error *error);
enum varve_status snapshot_file_delete(struct snapshot_file *file, MDB_txn *txn, enum snapshot_table table,
                                       const struct snapshot_key *key, struct varve_error *error);

#endif
