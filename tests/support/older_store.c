/* older_store.c - see older_store.h. */
#include "older_store.h"

#include <inttypes.h>
#include <lmdb.h>
#include <xxhash.h>

#include "check.h"
#include "engine/db.h"

void older_store_drop_tables(const char *store_file)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi table;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, DB_TABLES), 0);
    assert_int_equal(mdb_env_open(env, store_file, MDB_NOSUBDIR, 0640), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    for (int i = DB_FIRST_TABLES; i < DB_TABLES; i++) {
        assert_int_equal(mdb_dbi_open(txn, db_table_names[i], 0, &table), 0);
        assert_int_equal(mdb_drop(txn, table, 1), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void write_older_format(const char *file)
{
    char text[1024], *checksum;
    FILE *stream = fopen(file, "r+");
    size_t size;

    assert_non_null(stream);
    size = fread(text, 1, sizeof(text) - 1, stream);
    text[size] = '\0';
    assert_non_null(strstr(text, "\nformat 2\n"));
    strstr(text, "\nformat 2\n")[8] = '1';
    checksum = strstr(text, "checksum ");
    assert_non_null(checksum);
    assert_int_equal(fseek(stream, 0, SEEK_SET), 0);
    assert_int_equal(fwrite(text, 1, (size_t)(checksum - text), stream), checksum - text);
    fprintf(stream, "checksum %016" PRIx64 "\n", XXH3_64bits(text, (size_t)(checksum - text)));
    assert_int_equal(fclose(stream), 0);
}

void older_store_make(const char *directory)
{
    char file[4096];

    snprintf(file, sizeof(file), "%s/store.mdb", directory);
    older_store_drop_tables(file);
    snprintf(file, sizeof(file), "%s/format", directory);
    write_older_format(file);
}
