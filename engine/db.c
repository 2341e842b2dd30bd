/* db.c - transactions on LMDB, behind the rules we found it to need: see docs/decisions/0004-lmdb-layout.md.
 *
 * Each transaction keeps one cursor per table for its point writes: settling goes through keys in order, and a cursor
 * that is already on the right page finds the next key there without descending from the root. */
#include "db.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "db_pace.h"
#include "db_parts.h"

const char *const db_table_names[DB_TABLES] = {
    [DB_META] = "meta",
    [DB_EVENTS] = "events",
    [DB_STREAMS] = "streams",
    [DB_STREAM_EVENTS] = "stream_events",
    [DB_CATEGORIES] = "categories",
    [DB_TYPES] = "types",
    [DB_CORRELATIONS] = "correlations",
    [DB_IDS] = "ids",
    [DB_SAGAS] = "sagas",
    [DB_SAGA_INDEX] = "saga_index",
    [DB_SAGA_COUNTS] = "saga_counts",
};

struct db_cursor {
    MDB_cursor *lmdb;
    struct db_txn *txn;
    enum db_table table;
};

struct db_txn {
    MDB_txn *lmdb;
    struct db *db;
    bool writes;
    MDB_cursor *writers[DB_TABLES];       /* of a write transaction, opened when first needed */
    struct db_cursor *spares[DB_TABLES];  /* given back by db_cursor_close() */
    struct varve_error fault;       /* the first; its status is VARVE_OK while there was none */
};

/* ---- what went wrong ---- */

enum varve_status db_status_of(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return VARVE_OK;
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
    case MDB_CURSOR_FULL:
        return VARVE_CORRUPT;
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return VARVE_DISK_FULL;
    case EROFS:
        return VARVE_READ_ONLY;
    case ENOMEM:
    case MDB_READERS_FULL:
        return VARVE_NO_MEMORY;
    default:
        return VARVE_IO;
    }
}

enum varve_status db_fail_code(struct varve_error *error, int code, const char *doing)
{
    return varve_fail(error, db_status_of(code), NULL, "store.mdb: %s: %s", doing, mdb_strerror(code));
}

/* The same inside a transaction: the first fault is the one worth telling. */
static enum varve_status keep_code(struct db_txn *txn, int code, const char *doing, enum db_table table)
{
    char what[64];

    if (txn->fault.status == VARVE_OK) {
        snprintf(what, sizeof(what), "%s table %s", doing, db_table_names[table]);
        db_fail_code(&txn->fault, code, what);
    }
    return db_status_of(code);
}

enum varve_status db_explain(const struct db_txn *txn, enum varve_status status, struct varve_error *error)
{
    if (status == VARVE_OK)
        return status;
    if (txn->fault.status != status)
        return varve_fail(error, status, NULL, "store.mdb: %s", varve_status_meaning(status));
    if (error != NULL)
        *error = txn->fault;
    return status;
}

enum varve_status db_damaged(struct db_txn *txn, const char *format, ...)
{
    char what[320];
    va_list arguments;

    if (txn->fault.status == VARVE_OK) {
        va_start(arguments, format);
        vsnprintf(what, sizeof(what), format, arguments);
        va_end(arguments);
        varve_fail(&txn->fault, VARVE_CORRUPT, NULL, "store.mdb: %s", what);
    }
    return VARVE_CORRUPT;
}

void db_forget(struct db_txn *txn)
{
    txn->fault.status = VARVE_OK;
}

/* ---- transactions ---- */

static enum varve_status begin(struct db *db, bool writes, struct db_txn **ret_txn, struct varve_error *error)
{
    struct db_txn *txn = calloc(1, sizeof(*txn));
    int code;

    if (txn == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "store.mdb: no memory for a transaction");
    txn->db = db;
    txn->writes = writes;
    code = mdb_txn_begin(db->env, NULL, writes ? 0 : MDB_RDONLY, &txn->lmdb);
    if (code != 0) {
        free(txn);
        return db_fail_code(error, code, writes ? "beginning to write" : "beginning to read");
    }
    *ret_txn = txn;
    return VARVE_OK;
}

enum varve_status db_begin_read(struct db *db, struct db_txn **ret_txn, struct varve_error *error)
{
    return begin(db, false, ret_txn, error);
}

enum varve_status db_begin_write(struct db *db, struct db_txn **ret_txn, struct varve_error *error)
{
    return begin(db, true, ret_txn, error);
}

static void end_cursor(struct db_cursor *cursor)
{
    mdb_cursor_close(cursor->lmdb);
    free(cursor);
}

static void end_cursors(struct db_txn *txn)
{
    for (int table = 0; table < DB_TABLES; table++) {
        if (txn->writers[table] != NULL)
            mdb_cursor_close(txn->writers[table]);
        if (txn->spares[table] != NULL)
            end_cursor(txn->spares[table]);
        txn->writers[table] = NULL;
        txn->spares[table] = NULL;
    }
}

enum varve_status db_commit(struct db_txn *txn, struct varve_error *error)
{
    int code;

    end_cursors(txn);
    db_pace_set_hurry(&txn->db->hurry);
    code = mdb_txn_commit(txn->lmdb);
    db_pace_set_hurry(NULL);
    free(txn);
    return code == 0 ? VARVE_OK : db_fail_code(error, code, "committing");
}

void db_set_hurry(struct db *db, bool hurry)
{
    __atomic_store_n(&db->hurry, hurry, __ATOMIC_RELAXED);
}

void db_abort(struct db_txn *txn)
{
    if (txn == NULL)
        return;
    end_cursors(txn);
    mdb_txn_abort(txn->lmdb);
    free(txn);
}

enum varve_status db_renew(struct db_txn *txn, struct varve_error *error)
{
    int code;

    assert(!txn->writes);
    end_cursors(txn);
    mdb_txn_reset(txn->lmdb);
    code = mdb_txn_renew(txn->lmdb);
    txn->fault.status = VARVE_OK;
    return code == 0 ? VARVE_OK : db_fail_code(error, code, "renewing a read");
}

/* ---- point reads and writes ---- */

static MDB_val val_of(struct db_bytes bytes)
{
    return (MDB_val){ .mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data };
}

static int writer_of(struct db_txn *txn, enum db_table table, MDB_cursor **ret_cursor)
{
    int code = 0;

    assert(txn->writes);
    if (txn->writers[table] == NULL)
        code = mdb_cursor_open(txn->lmdb, txn->db->tables[table], &txn->writers[table]);
    *ret_cursor = txn->writers[table];
    return code;
}

bool db_get(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes *ret,
            enum varve_status *status)
{
    MDB_val lmdb_key = val_of(key), value;
    MDB_cursor *writer;
    int code;

    if (txn->writes) {
        code = writer_of(txn, table, &writer);
        if (code == 0)
            code = mdb_cursor_get(writer, &lmdb_key, &value, MDB_SET);
    } else {
        code = mdb_get(txn->lmdb, txn->db->tables[table], &lmdb_key, &value);
    }
    if (code == 0) {
        *ret = (struct db_bytes){ value.mv_data, value.mv_size };
        return true;
    }
    if (code != MDB_NOTFOUND)
        *status = keep_code(txn, code, "reading", table);
    return false;
}

static enum varve_status put(struct db_txn *txn, enum db_table table, struct db_bytes key, MDB_val *value,
                             unsigned flags)
{
    MDB_val lmdb_key = val_of(key);
    MDB_cursor *writer;
    int code = writer_of(txn, table, &writer);

    if (code == 0)
        code = mdb_cursor_put(writer, &lmdb_key, value, flags);
    return code == 0 ? VARVE_OK : keep_code(txn, code, "writing", table);
}

enum varve_status db_put(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value)
{
    MDB_val lmdb_value = val_of(value);

    return put(txn, table, key, &lmdb_value, 0);
}

enum varve_status db_append(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value)
{
    MDB_val lmdb_value = val_of(value);

    return put(txn, table, key, &lmdb_value, MDB_APPEND);
}

enum varve_status db_put_newest(struct db_txn *txn, enum db_table table, struct db_bytes key, struct db_bytes value)
{
    MDB_val lmdb_key = val_of(key), lmdb_value = val_of(value);
    MDB_cursor *writer;
    int code = writer_of(txn, table, &writer);

    if (code == 0)
        code = mdb_cursor_put(writer, &lmdb_key, &lmdb_value, MDB_APPEND);
    if (code == MDB_KEYEXIST) /* Not the greatest; nothing was written. */
        code = mdb_cursor_put(writer, &lmdb_key, &lmdb_value, 0);
    return code == 0 ? VARVE_OK : keep_code(txn, code, "writing", table);
}

static enum varve_status reserve(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t size,
                                 unsigned flags, void **ret)
{
    MDB_val value = { .mv_size = size, .mv_data = NULL };
    enum varve_status status = put(txn, table, key, &value, MDB_RESERVE | flags);

    if (status == VARVE_OK)
        *ret = value.mv_data;
    return status;
}

enum varve_status db_reserve(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t size, void **ret)
{
    return reserve(txn, table, key, size, 0, ret);
}

enum varve_status db_append_reserve(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t size,
                                    void **ret)
{
    return reserve(txn, table, key, size, MDB_APPEND, ret);
}

enum varve_status db_delete(struct db_txn *txn, enum db_table table, struct db_bytes key)
{
    MDB_val lmdb_key = val_of(key), value;
    MDB_cursor *writer;
    int code = writer_of(txn, table, &writer);

    if (code == 0)
        code = mdb_cursor_get(writer, &lmdb_key, &value, MDB_SET);
    if (code == 0)
        code = mdb_cursor_del(writer, 0);
    return code == 0 || code == MDB_NOTFOUND ? VARVE_OK : keep_code(txn, code, "deleting from", table);
}

enum varve_status db_get_table_size(struct db_txn *txn, enum db_table table, struct db_table_size *ret_size)
{
    MDB_stat stat;
    int code = mdb_stat(txn->lmdb, txn->db->tables[table], &stat);

    if (code != 0)
        return keep_code(txn, code, "measuring", table);
    *ret_size = (struct db_table_size){ .entries = stat.ms_entries, .leaf_pages = stat.ms_leaf_pages };
    return VARVE_OK;
}

/* ---- cursors ---- */

enum varve_status db_cursor_open(struct db_txn *txn, enum db_table table, struct db_cursor **ret_cursor)
{
    struct db_cursor *cursor = txn->spares[table];
    int code;

    if (cursor != NULL) {
        txn->spares[table] = NULL;
        *ret_cursor = cursor;
        return VARVE_OK;
    }
    cursor = malloc(sizeof(*cursor));
    code = cursor == NULL ? ENOMEM : 0;
    if (code == 0)
        code = mdb_cursor_open(txn->lmdb, txn->db->tables[table], &cursor->lmdb);
    if (code != 0) {
        free(cursor);
        return keep_code(txn, code, "opening a cursor on", table);
    }
    cursor->txn = txn;
    cursor->table = table;
    *ret_cursor = cursor;
    return VARVE_OK;
}

void db_cursor_close(struct db_cursor *cursor)
{
    if (cursor == NULL)
        return;
    if (cursor->txn->spares[cursor->table] == NULL)
        cursor->txn->spares[cursor->table] = cursor;
    else
        end_cursor(cursor);
}

bool db_cursor_move(struct db_cursor *cursor, enum db_move move, struct db_bytes *key, struct db_bytes *ret_value,
                    enum varve_status *status)
{
    static const MDB_cursor_op ops[] = {
        [DB_FIRST] = MDB_FIRST, [DB_LAST] = MDB_LAST, [DB_NEXT] = MDB_NEXT,
        [DB_PREV] = MDB_PREV,   [DB_SEEK] = MDB_SET_RANGE,
    };
    MDB_val lmdb_key = val_of(*key), value;
    int code = mdb_cursor_get(cursor->lmdb, &lmdb_key, &value, ops[move]);

    if (code == 0) {
        *key = (struct db_bytes){ lmdb_key.mv_data, lmdb_key.mv_size };
        *ret_value = (struct db_bytes){ value.mv_data, value.mv_size };
        return true;
    }
    if (code != MDB_NOTFOUND)
        *status = keep_code(cursor->txn, code, "walking", cursor->table);
    return false;
}

void db_will_need(const void *at, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)at & ~(page - 1);

    madvise((void *)from, (uintptr_t)at + size - from, MADV_WILLNEED);
}
