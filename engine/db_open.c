/* db_open.c - store.mdb as a whole: made aside and put in place, opened with its tables, closed. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db_pages.h"
#include "db_parts.h"
#include "db_walk.h"

enum { MAX_READERS = 1024, FILE_MODE = 0640, MAX_PATH = 4096 };
#define ENV_FLAGS (MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD)

static enum varve_status open_env(const char *path, uint64_t map_size_bytes, unsigned flags, MDB_env **ret_env,
                                  struct varve_error *error)
{
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);

    if (code != 0)
        return db_fail_code(error, code, "making an environment");
    if (code == 0)
        code = mdb_env_set_mapsize(env, map_size_bytes);
    if (code == 0)
        code = mdb_env_set_maxreaders(env, MAX_READERS);
    if (code == 0)
        code = mdb_env_set_maxdbs(env, DB_TABLES);
    if (code == 0)
        code = mdb_env_open(env, path, ENV_FLAGS | flags, FILE_MODE);
    if (code != 0) {
        mdb_env_close(env);
        return db_fail_code(error, code, "opening");
    }
    *ret_env = env;
    return VARVE_OK;
}

/* Open the first `count` tables, or make them (with MDB_CREATE), in one transaction. */
static enum varve_status open_tables(MDB_env *env, unsigned txn_flags, unsigned table_flags, int count,
                                     MDB_dbi *ret_tables, struct varve_error *error)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(env, NULL, txn_flags, &txn);

    if (code != 0)
        return db_fail_code(error, code, "beginning a transaction");
    for (int table = 0; table < count && code == 0; table++) {
        unsigned kind = table == DB_EVENTS ? MDB_INTEGERKEY : 0, found = 0;

        code = mdb_dbi_open(txn, db_table_names[table], kind | table_flags, &ret_tables[table]);
        if (code == 0)
            code = mdb_dbi_flags(txn, ret_tables[table], &found);
        if (code == 0 && found != kind)
            code = MDB_INCOMPATIBLE;
        if (code == MDB_NOTFOUND)
            code = MDB_INVALID; /* Ours has them all from its first transaction on. */
    }
    if (code == 0)
        code = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return code == 0 ? VARVE_OK : db_fail_code(error, code, "opening the tables");
}

static enum varve_status touch_file(const struct varve_os *os, const char *path, struct varve_error *error)
{
    int fd = os->open(os->self, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);

    if (fd >= 0)
        fd = os->close(os->self, fd);
    return fd >= 0 ? VARVE_OK
                   : varve_fail(error, db_status_of(-fd), NULL, "%s: cannot create: %s", path, strerror(-fd));
}

/* How many tables the file has: all, or all that there were at first. */
static enum varve_status count_tables(MDB_env *env, int *ret_count, struct varve_error *error)
{
    MDB_dbi catalogue;
    MDB_stat stat;
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    if (code == 0)
        code = mdb_dbi_open(txn, NULL, 0, &catalogue);
    if (code == 0)
        code = mdb_stat(txn, catalogue, &stat);
    mdb_txn_abort(txn);
    if (code != 0)
        return db_fail_code(error, code, "counting the tables");
    *ret_count = stat.ms_entries == DB_FIRST_TABLES ? DB_FIRST_TABLES : DB_TABLES;
    return VARVE_OK;
}

/* Make the file aside, with all tables and synced by its first commit, and give it its name last: a crash on the way
 * leaves no store.mdb at all, only a beginning that the next attempt writes over. */
static enum varve_status create_file(const char *path, const struct varve_os *os, uint64_t map_size_bytes,
                                     struct varve_error *error)
{
    MDB_env *env = NULL;
    MDB_dbi tables[DB_TABLES];
    char fresh[MAX_PATH], folder[MAX_PATH];
    const char *slash = strrchr(path, '/');
    enum varve_status status;
    int rc;

    if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >= sizeof(fresh))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "the path is longer than %d bytes", MAX_PATH - 5);
    snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1, slash == NULL ? "." : path);

    status = touch_file(os, fresh, error);
    if (status == VARVE_OK)
        status = open_env(fresh, map_size_bytes, MDB_NOLOCK, &env, error); /* Nobody else knows of it yet. */
    if (status == VARVE_OK) {
        status = open_tables(env, 0, MDB_CREATE, DB_TABLES, tables, error);
        mdb_env_close(env);
    }
    if (status != VARVE_OK)
        return status;
    rc = os->rename(os->self, fresh, path);
    if (rc == 0)
        rc = os->sync_directory(os->self, folder);
    return rc == 0 ? VARVE_OK
                   : varve_fail(error, db_status_of(-rc), NULL, "%s: cannot put in place: %s", path, strerror(-rc));
}

static enum varve_status open_handle(const char *path, uint64_t map_size_bytes, bool read_only, struct db *db,
                                     struct varve_error *error)
{
    unsigned env_flags = read_only ? MDB_RDONLY | MDB_NOLOCK : 0;
    enum varve_status status = open_env(path, map_size_bytes, env_flags, &db->env, error);
    MDB_stat stat;
    int dead, count = 0;

    if (status == VARVE_OK)
        status = count_tables(db->env, &count, error);
    if (status == VARVE_OK && count < DB_TABLES && !read_only)
        status = open_tables(db->env, 0, MDB_CREATE, DB_TABLES, db->tables, error);
    else if (status == VARVE_OK)
        status = open_tables(db->env, MDB_RDONLY, 0, count, db->tables, error);
    if (status != VARVE_OK)
        return status;
    if (!read_only)
        mdb_reader_check(db->env, &dead); /* Slots of a process that was killed would keep old pages for ever. */
    mdb_env_stat(db->env, &stat);
    db->page_size = stat.ms_psize;
    assert(mdb_env_get_maxkeysize(db->env) == (int)DB_MAX_KEY);
    return VARVE_OK;
}

enum varve_status db_open(const char *path, const struct varve_os *os, uint64_t map_size_bytes, bool read_only,
                          struct db **ret_db, struct varve_error *error)
{
    enum varve_status status = db_pages_prepare(path, os, read_only, error);
    struct db *db;

    if (status == VARVE_NOT_A_STORE && !read_only)
        status = create_file(path, os, map_size_bytes, error);
    else if (status == VARVE_OK)
        status = db_walk_roots(path, os, error); /* LMDB would crash on garbage in these. */
    if (status != VARVE_OK)
        return status;

    db = calloc(1, sizeof(*db));
    if (db == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "store.mdb: no memory for its handle");
    status = open_handle(path, map_size_bytes, read_only, db, error);
    if (status != VARVE_OK) {
        db_close(db);
        return status;
    }
    *ret_db = db;
    return VARVE_OK;
}

void db_close(struct db *db)
{
    if (db == NULL)
        return;
    if (db->env != NULL)
        mdb_env_close(db->env);
    free(db);
}

uint64_t db_size_bytes(struct db *db)
{
    MDB_envinfo info;

    mdb_env_info(db->env, &info);
    return ((uint64_t)info.me_last_pgno + 1) * db->page_size;
}
