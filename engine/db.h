/* db.h - the only caller of LMDB: one environment, its tables, its transactions, and the rules of docs/decisions/.
 *
 * Values handed out point into the map and live until their transaction ends or is renewed; in a write transaction only
 * until the next write. A transaction and its cursors belong to one thread at a time. */
#ifndef ENGINE_DB_H
#define ENGINE_DB_H

#include "varve/os.h"
#include "varve/store.h"

struct db;
struct db_txn;
struct db_cursor;

enum db_table {
    DB_META, DB_EVENTS, DB_STREAMS, DB_STREAM_EVENTS, DB_CATEGORIES, DB_TYPES, DB_CORRELATIONS, DB_IDS,
    DB_SAGAS, DB_SAGA_INDEX, DB_SAGA_COUNTS,
    DB_TABLES /* how many */
};
#define DB_FIRST_TABLES DB_SAGAS /* how many a file has that was made before there were sagas */
extern const char *const db_table_names[DB_TABLES]; /* as in the file and in the docs */

#define DB_MAX_KEY 511u /* bytes */

struct db_bytes {
    const void *data;
    size_t size;
};

/* Open or create the file `path` (DIR/store.mdb) under the store's lock. Rewrites and syncs both meta pages first (see
 * docs/decisions/0004-lmdb-layout.md), sets NOSUBDIR, NOTLS, NORDAHEAD, never NOSYNC, NOMETASYNC or WRITEMAP. A new
 * file is made aside and renamed, so that it exists whole or not at all. `read_only` is for checking a directory that
 * nobody has open: nothing is written and no lock file made; an absent file is NOT_A_STORE then. A file that was made
 * before there were sagas gets their tables, unless it is read only: then nobody must ask for them. */
enum varve_status db_open(const char *path, const struct varve_os *os, uint64_t map_size_bytes, bool read_only,
                          struct db **ret_db, struct varve_error *error);
void db_close(struct db *db); /* NULL allowed */
uint64_t db_size_bytes(struct db *db);  /* of the file in use */

/* How many pages one transaction should dirty at most, each held in memory until the commit. LMDB could take 131,071
 * and then spills, which leaks in 0.9.24 (ITS#9155). */
#define DB_DIRTY_PAGES 80000u

enum varve_status db_begin_read(struct db *db, struct db_txn **ret_txn, struct varve_error *error);
enum varve_status db_begin_write(struct db *db, struct db_txn **ret_txn, struct varve_error *error);
enum varve_status db_commit(struct db_txn *txn, struct varve_error *error); /* ends txn even when it fails */
void db_abort(struct db_txn *txn);                                          /* NULL allowed; ends a read too */
/* Commits from here on, and one under way, wait for no piece (db_pace.h), or do so again. From any thread. */
void db_set_hurry(struct db *db, bool hurry);
/* Let go of the pages and come back on the newest state; nothing handed out before is valid any more, and no cursor may
 * be open. */
enum varve_status db_renew(struct db_txn *txn, struct varve_error *error);

/* Functions below that have no `error` keep what went wrong first in their transaction: db_explain() hands it over (or
 * says `status` in general terms) and returns `status`. db_damaged() keeps a sentence and returns VARVE_CORRUPT. */
enum varve_status db_explain(const struct db_txn *txn, enum varve_status status, struct varve_error *error);
enum varve_status db_damaged(struct db_txn *txn, const char *format, ...) __attribute__((format(printf, 2, 3)));
void db_forget(struct db_txn *txn); /* what went wrong, so that what goes wrong next is kept */

/* Point reads and writes. *ret untouched and false when the key is absent (a fault sets *status). */
bool db_get(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes *ret,
            enum varve_status *status);
enum varve_status db_put(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value);
/* Put a key known to be greater than all present (MDB_APPEND). */
enum varve_status db_append(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value);
/* Put a key that is most likely greater than all present: pages are filled to the end then. */
enum varve_status db_put_newest(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value);
/* Put a value that the caller writes in place: *ret has `size` bytes and lives until the next write. */
enum varve_status db_reserve(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t size, void **ret);
enum varve_status db_append_reserve(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t size,
                                    void **ret);
enum varve_status db_delete(struct db_txn *txn, enum db_table table, struct db_bytes key); /* absent is fine */

struct db_table_size {
    uint64_t entries, leaf_pages;
};
enum varve_status db_get_table_size(struct db_txn *txn, enum db_table table, struct db_table_size *ret_size);

enum db_move { DB_FIRST, DB_LAST, DB_NEXT, DB_PREV, DB_SEEK /* key >= *key */ };
enum varve_status db_cursor_open(struct db_txn *txn, enum db_table table, struct db_cursor **ret_cursor);
void db_cursor_close(struct db_cursor *cursor); /* before its transaction ends; NULL allowed */
/* false: no such entry (or a fault, in *status). `key` is input for DB_SEEK (not empty) and output always. Opening and
 * closing is cheap: a transaction keeps its cursors for the next one who asks. */
bool db_cursor_move(struct db_cursor *cursor, enum db_move move, struct db_bytes *key, struct db_bytes *ret_value,
                    enum varve_status *status);
/* A hint that the bytes of this range of the map will be read soon. */
void db_will_need(const void *at, size_t size);

#endif
