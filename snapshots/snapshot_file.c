/* snapshot_file.c - see snapshot_file.h. LMDB is opened without locks: there is one process, one writer at a time, and
 * readers are not LMDB's. */
#include "snapshot_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILE_MODE = 0640,
    FORMAT_VERSION = 1,
    WALK_WHOLE_BYTES = 1 << 30, /* a larger file would keep its store from opening for seconds */
};
#define ENV_FLAGS (MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD | MDB_NOLOCK)

static const char *const table_names[SNAPSHOT_TABLES] = {
    [SNAPSHOT_META] = "meta", [SNAPSHOT_ROWS] = "snapshots", [SNAPSHOT_DATA] = "data"
};
static const struct snapshot_key meta_key = { .bytes = "format", .size = 6 };

struct format_row {
    uint32_t version;
    uint8_t database_id[16];
};

void snapshot_file_tell(const struct snapshot_file *file, const char *format, ...)
{
    char message[512];
    va_list arguments;

    if (file->options.damaged == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    file->options.damaged(file->options.user, message);
}

static enum varve_status status_of(int code)
{
    switch (code) {
    case 0:
        return VARVE_OK;
    case ENOSPC:
    case EDQUOT:
    case MDB_MAP_FULL:
        return VARVE_DISK_FULL;
    case EROFS:
        return VARVE_READ_ONLY;
    case ENOMEM:
        return VARVE_NO_MEMORY;
    default: /* LMDB's own are negative: it did not find what it had written. */
        return code < 0 ? VARVE_CORRUPT : VARVE_IO;
    }
}

static enum varve_status fail_code(struct varve_error *error, int code, const char *doing)
{
    return code == 0 ? VARVE_OK
                     : varve_fail(error, status_of(code), NULL, "snapshots.mdb: %s: %s", doing, mdb_strerror(code));
}

/* ---- making one ---- */

static enum varve_status open_env(const struct snapshot_file *file, const char *path, MDB_env **ret_env,
                                  struct varve_error *error)
{
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);

    if (code != 0)
        return fail_code(error, code, "making an environment");
    code = mdb_env_set_mapsize(env, file->options.map_size_bytes);
    if (code == 0)
        code = mdb_env_set_maxdbs(env, SNAPSHOT_TABLES);
    if (code == 0)
        code = mdb_env_open(env, path, ENV_FLAGS, FILE_MODE);
    if (code != 0) {
        mdb_env_close(env);
        return fail_code(error, code, "opening");
    }
    *ret_env = env;
    return VARVE_OK;
}

static int put_format(const struct snapshot_file *file, MDB_txn *txn, MDB_dbi table)
{
    struct format_row row = { .version = FORMAT_VERSION };
    MDB_val key = { .mv_size = meta_key.size, .mv_data = (void *)(uintptr_t)meta_key.bytes };
    MDB_val value = { .mv_size = sizeof(row), .mv_data = &row };

    memcpy(row.database_id, file->database_id.bytes, sizeof(row.database_id));
    return mdb_put(txn, table, &key, &value, 0);
}

/* Open all tables; with MDB_CREATE make them, and say whose they are. */
static enum varve_status open_tables(const struct snapshot_file *file, MDB_env *env, unsigned create,
                                     MDB_dbi *ret_tables, struct varve_error *error)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(env, NULL, create != 0 ? 0 : MDB_RDONLY, &txn);

    if (code != 0)
        return fail_code(error, code, "beginning a transaction");
    for (int table = 0; table < SNAPSHOT_TABLES && code == 0; table++)
        code = mdb_dbi_open(txn, table_names[table], create, &ret_tables[table]);
    if (code == 0 && create != 0)
        code = put_format(file, txn, ret_tables[SNAPSHOT_META]);
    if (code == 0)
        code = mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return fail_code(error, code, "opening the tables");
}

static enum varve_status fail_errno(struct varve_error *error, int rc, const char *doing)
{
    return varve_fail(error, status_of(-rc), NULL, "snapshots.mdb: cannot %s: %s", doing, strerror(-rc));
}

/* Aside, and renamed over whatever has the name: the file exists whole or not at all. */
static enum varve_status create_file(const struct snapshot_file *file, struct varve_error *error)
{
    const struct varve_os *os = file->options.os;
    char fresh[sizeof(file->path) + 4], folder[sizeof(file->path)];
    MDB_dbi tables[SNAPSHOT_TABLES];
    MDB_env *env = NULL;
    enum varve_status status;
    int rc;

    snprintf(fresh, sizeof(fresh), "%s.new", file->path);
    snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(file->path, '/') - file->path) + 1, file->path);
    rc = os->open(os->self, fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
    if (rc >= 0)
        rc = os->close(os->self, rc);
    if (rc < 0)
        return fail_errno(error, rc, "create a new file");
    status = open_env(file, fresh, &env, error);
    if (status == VARVE_OK) {
        status = open_tables(file, env, MDB_CREATE, tables, error);
        mdb_env_close(env);
    }
    if (status != VARVE_OK)
        return status;
    rc = os->rename(os->self, fresh, file->path);
    if (rc == 0)
        rc = os->sync_directory(os->self, folder);
    return rc == 0 ? VARVE_OK : fail_errno(error, rc, "put a new file in place");
}

/* ---- opening it ---- */

static enum varve_status check_format(const struct snapshot_file *file, const struct varve_page_roots *roots,
                                      struct varve_error *error)
{
    struct varve_page_cursor *cursor = NULL;
    struct format_row row = { .version = 0 };
    bool found = false;
    enum varve_status status =
        varve_page_cursor_create(&file->pages, roots, &roots->tables[SNAPSHOT_META], &cursor, error);

    if (status == VARVE_OK)
        status = varve_page_cursor_seek(cursor, meta_key.bytes, meta_key.size, &found, error);
    if (status == VARVE_OK && found)
        status = varve_page_cursor_value(cursor, &row, sizeof(row), error);
    varve_page_cursor_destroy(cursor);
    if (status != VARVE_OK)
        return status;
    if (row.version != FORMAT_VERSION)
        return varve_fail(error, VARVE_CORRUPT, NULL, "snapshots.mdb: it is of a format that is not known here");
    if (memcmp(row.database_id, file->database_id.bytes, sizeof(row.database_id)) != 0)
        return varve_fail(error, VARVE_CORRUPT, NULL, "snapshots.mdb: it belongs to another store");
    return VARVE_OK;
}

static uint64_t size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
}

/* What LMDB would believe is looked at first. */
static enum varve_status judge(struct snapshot_file *file, struct varve_page_roots *ret_roots,
                               struct varve_error *error)
{
    const struct varve_os *os = file->options.os;
    enum varve_status status = varve_page_prepare(file->path, os, error);

    if (status == VARVE_OK)
        status = varve_page_walk(file->path, os, table_names, SNAPSHOT_TABLES,
                                 size_of(file->path) <= WALK_WHOLE_BYTES, file->sums, error);
    if (status == VARVE_OK)
        status = varve_page_file_open(file->path, os, file->sums, &file->pages, error);
    if (status != VARVE_OK)
        return status;
    status = varve_page_roots_read(&file->pages, table_names, SNAPSHOT_TABLES, ret_roots, error);
    if (status == VARVE_OK)
        status = check_format(file, ret_roots, error);
    if (status != VARVE_OK)
        varve_page_file_close(&file->pages);
    return status;
}

static void remember_identity(struct snapshot_file *file)
{
    struct stat info = { .st_size = 0 };

    fstat(file->pages.fd, &info);
    file->device = info.st_dev;
    file->inode = info.st_ino;
}

static enum varve_status open_once(struct snapshot_file *file, struct varve_page_roots *ret_roots,
                                   struct varve_error *error)
{
    enum varve_status status;

    file->sums = varve_page_sums_create(file->options.map_size_bytes);
    if (file->sums == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "snapshots.mdb: no memory for its handle");
    status = judge(file, ret_roots, error);
    if (status == VARVE_OK) {
        status = open_env(file, file->path, &file->env, error);
        if (status == VARVE_OK)
            status = open_tables(file, file->env, 0, file->tables, error);
        if (status == VARVE_OK) {
            remember_identity(file);
            return VARVE_OK;
        }
        mdb_env_close(file->env);
        file->env = NULL;
        varve_page_file_close(&file->pages);
    }
    varve_page_sums_destroy(file->sums);
    file->sums = NULL;
    return status;
}

static enum varve_status create_and_open(struct snapshot_file *file, struct varve_page_roots *ret_roots,
                                         struct varve_error *error)
{
    enum varve_status status = create_file(file, error);
    return status == VARVE_OK ? open_once(file, ret_roots, error) : status;
}

static enum varve_status open_or_make(struct snapshot_file *file, struct varve_page_roots *ret_roots,
                                      struct varve_error *error)
{
    struct varve_error damage = { .status = VARVE_OK };
    enum varve_status status = open_once(file, ret_roots, &damage);

    if (status == VARVE_NOT_A_STORE)
        return create_and_open(file, ret_roots, error);
    if (status == VARVE_CORRUPT || status == VARVE_IO) { /* What cannot be read is as good as damaged. */
        snapshot_file_tell(file, "%s; the file is thrown away and made anew", damage.message);
        return create_and_open(file, ret_roots, error);
    }
    if (status != VARVE_OK && error != NULL)
        *error = damage;
    return status;
}

enum varve_status snapshot_file_open(struct snapshot_file *file, const char *directory,
                                     const struct varve_uuid *database_id,
                                     const struct varve_snapshots_options *options, struct varve_page_roots *ret_roots,
                                     struct varve_error *error)
{
    *file = (struct snapshot_file){ .options = *options, .database_id = *database_id };
    if ((size_t)snprintf(file->path, sizeof(file->path), "%s/snapshots.mdb", directory) >= sizeof(file->path))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "the path is longer than %zu bytes",
                          sizeof(file->path) - sizeof("/snapshots.mdb"));
    return open_or_make(file, ret_roots, error);
}

void snapshot_file_close(struct snapshot_file *file)
{
    if (file->env == NULL)
        return;
    mdb_env_close(file->env);
    file->env = NULL;
    varve_page_file_close(&file->pages);
    varve_page_sums_destroy(file->sums);
    file->sums = NULL;
}

enum varve_status snapshot_file_renew(struct snapshot_file *file, const char *why, struct varve_page_roots *ret_roots,
                                      struct varve_error *error)
{
    snapshot_file_close(file);
    if (why == NULL)
        return open_or_make(file, ret_roots, error);
    snapshot_file_tell(file, "%s; the file is thrown away and made anew", why);
    return create_and_open(file, ret_roots, error);
}

bool snapshot_file_is_gone(const struct snapshot_file *file)
{
    struct stat info;

    return file->env == NULL || stat(file->path, &info) != 0 || info.st_dev != file->device ||
           info.st_ino != file->inode;
}

/* ---- writing ---- */

static bool same_tree(const struct varve_page_tree *a, const struct varve_page_tree *b)
{
    return a->root == b->root && a->entries == b->entries && a->depth == b->depth;
}

static bool same_roots(const struct varve_page_roots *a, const struct varve_page_roots *b)
{
    bool same = a->transaction == b->transaction && a->last_page == b->last_page &&
                same_tree(&a->free_list, &b->free_list);

    for (int table = 0; table < SNAPSHOT_TABLES; table++)
        same = same && same_tree(&a->tables[table], &b->tables[table]);
    return same;
}

enum varve_status snapshot_file_begin(struct snapshot_file *file, const struct varve_page_roots *roots,
                                      MDB_txn **ret_txn, struct varve_error *error)
{
    struct varve_page_roots now;
    enum varve_status status = varve_page_roots_read(&file->pages, table_names, SNAPSHOT_TABLES, &now, error);

    if (status == VARVE_OK && !same_roots(&now, roots))
        status = varve_fail(error, VARVE_CORRUPT, NULL, "snapshots.mdb: its roots are not those last written");
    if (status == VARVE_OK)
        status = varve_page_check_free_list(&file->pages, roots, error);
    if (status == VARVE_OK)
        status = fail_code(error, mdb_txn_begin(file->env, NULL, 0, ret_txn), "beginning to write");
    if (status == VARVE_OK)
        varve_page_sums_watch(file->sums);
    return status;
}

enum varve_status snapshot_file_commit(struct snapshot_file *file, MDB_txn *txn, struct varve_page_roots *ret_roots,
                                       struct varve_error *error)
{
    int code = mdb_txn_commit(txn);

    varve_page_sums_watch(NULL);
    if (code != 0)
        return fail_code(error, code, "committing");
    return varve_page_roots_read(&file->pages, table_names, SNAPSHOT_TABLES, ret_roots, error);
}

void snapshot_file_abort(MDB_txn *txn)
{
    mdb_txn_abort(txn);
    varve_page_sums_watch(NULL);
}

static MDB_val val_of(const struct snapshot_key *key)
{
    return (MDB_val){ .mv_size = key->size, .mv_data = (void *)(uintptr_t)key->bytes };
}

enum varve_status snapshot_file_put(struct snapshot_file *file, MDB_txn *txn, enum snapshot_table table,
                                    const struct snapshot_key *key, struct varve_view value, struct varve_error *error)
{
    MDB_val lmdb_key = val_of(key), lmdb_value = { .mv_size = value.size, .mv_data = (void *)(uintptr_t)value.data };

    return fail_code(error, mdb_put(txn, file->tables[table], &lmdb_key, &lmdb_value, 0), "writing");
}

enum varve_status snapshot_file_delete(struct snapshot_file *file, MDB_txn *txn, enum snapshot_table table,
                                       const struct snapshot_key *key, struct varve_error *error)
{
    MDB_val lmdb_key = val_of(key);
    int code = mdb_del(txn, file->tables[table], &lmdb_key, NULL);

    return code == MDB_NOTFOUND ? VARVE_OK : fail_code(error, code, "deleting");
}
