/* db_fixture.c - see db_fixture.h. */
#include "db_fixture.h"

#include <stdlib.h>

static void open_db(struct db_fixture *fixture)
{
    struct varve_error error;

    if (db_open(fixture->path, varve_os_default(), DB_FIXTURE_MAP, false, &fixture->db, &error) != VARVE_OK)
        fail_msg("%s", error.message);
}

void db_fixture_open(struct db_fixture *fixture)
{
    temp_dir_make(fixture->directory);
    snprintf(fixture->path, sizeof(fixture->path), "%s/store.mdb", fixture->directory);
    open_db(fixture);
}

void db_fixture_reopen(struct db_fixture *fixture)
{
    db_close(fixture->db);
    fixture->db = NULL;
    open_db(fixture);
}

void db_fixture_close(struct db_fixture *fixture)
{
    db_close(fixture->db);
    fixture->db = NULL;
    temp_dir_remove(fixture->directory);
}

struct db_txn *db_fixture_read(struct db_fixture *fixture)
{
    struct db_txn *txn = NULL;

    assert_int_equal(db_begin_read(fixture->db, &txn, NULL), VARVE_OK);
    return txn;
}

struct db_txn *db_fixture_write(struct db_fixture *fixture)
{
    struct db_txn *txn = NULL;

    assert_int_equal(db_begin_write(fixture->db, &txn, NULL), VARVE_OK);
    return txn;
}

void db_fixture_commit(struct db_txn *txn)
{
    struct varve_error error;

    if (db_commit(txn, &error) != VARVE_OK)
        fail_msg("%s", error.message);
}

void db_fixture_flip(struct db_txn *txn, enum db_table table, struct db_bytes key, size_t byte, unsigned bit)
{
    enum varve_status status = VARVE_OK;
    struct db_bytes value;
    uint8_t *copy;

    assert_true(db_get(txn, table, key, &value, &status));
    assert_true(byte < value.size);
    copy = malloc(value.size);
    assert_non_null(copy);
    memcpy(copy, value.data, value.size);
    copy[byte] ^= (uint8_t)(1u << bit);
    assert_int_equal(db_put(txn, table, key, (struct db_bytes){ copy, value.size }), VARVE_OK);
    free(copy);
}
