/* test_db.c - transactions, cursors and faults of engine/db.c. */
#include "support/db_fixture.h"

static void get_puts_deletes(void **state)
{
    struct db_fixture f;
    struct db_bytes value;
    enum varve_status status = VARVE_OK;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(db_put(txn, DB_STREAMS, db_text("a"), db_text("one")), VARVE_OK);
    assert_int_equal(db_append(txn, DB_STREAMS, db_text("b"), db_text("two")), VARVE_OK);
    assert_int_equal(db_put_newest(txn, DB_STREAMS, db_text("0"), db_text("zero")), VARVE_OK); /* not the newest */
    assert_int_equal(db_put_newest(txn, DB_STREAMS, db_text("c"), db_text("three")), VARVE_OK);
    assert_int_equal(db_delete(txn, DB_STREAMS, db_text("a")), VARVE_OK);
    assert_int_equal(db_delete(txn, DB_STREAMS, db_text("never")), VARVE_OK);
    assert_false(db_get(txn, DB_STREAMS, db_text("a"), &value, &status));
    db_fixture_commit(txn);

    db_fixture_reopen(&f);
    txn = db_fixture_read(&f);
    assert_false(db_get(txn, DB_STREAMS, db_text("a"), &value, &status));
    assert_int_equal(status, VARVE_OK);
    assert_true(db_get(txn, DB_STREAMS, db_text("0"), &value, &status));
    assert_memory_equal(value.data, "zero", 4);
    assert_true(db_get(txn, DB_STREAMS, db_text("c"), &value, &status));
    assert_int_equal(value.size, 5);
    assert_false(db_get(txn, DB_TYPES, db_text("c"), &value, &status)); /* tables are apart */
    db_abort(txn);
    db_fixture_close(&f);
}

static void reserve_is_written_in_place(void **state)
{
    struct db_fixture f;
    struct db_bytes value;
    enum varve_status status = VARVE_OK;
    void *room;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(db_append_reserve(txn, DB_TYPES, db_text("k"), 100000, &room), VARVE_OK);
    memset(room, 'x', 100000);
    assert_int_equal(db_reserve(txn, DB_TYPES, db_text("j"), 10, &room), VARVE_OK);
    memset(room, 'y', 10);
    db_fixture_commit(txn);
    txn = db_fixture_read(&f);
    assert_true(db_get(txn, DB_TYPES, db_text("k"), &value, &status));
    assert_int_equal(value.size, 100000);
    assert_int_equal(((const char *)value.data)[99999], 'x');
    db_abort(txn);
    db_fixture_close(&f);
}

static void an_aborted_write_never_was(void **state)
{
    struct db_fixture f;
    struct db_bytes value;
    enum varve_status status = VARVE_OK;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(db_put(txn, DB_META, db_text("k"), db_text("v")), VARVE_OK);
    db_abort(txn);
    txn = db_fixture_read(&f);
    assert_false(db_get(txn, DB_META, db_text("k"), &value, &status));
    db_abort(txn);
    db_abort(NULL);
    db_fixture_close(&f);
}

static void a_reader_sees_one_state_until_renewed(void **state)
{
    struct db_fixture f;
    struct db_bytes value;
    enum varve_status status = VARVE_OK;

    db_fixture_open(&f);
    struct db_txn *reader = db_fixture_read(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(db_put(txn, DB_META, db_text("k"), db_text("v")), VARVE_OK);
    db_fixture_commit(txn);
    assert_false(db_get(reader, DB_META, db_text("k"), &value, &status));
    assert_int_equal(db_renew(reader, NULL), VARVE_OK);
    assert_true(db_get(reader, DB_META, db_text("k"), &value, &status));
    db_abort(reader);
    db_fixture_close(&f);
}

static void cursors_walk_and_seek(void **state)
{
    static const char *const keys[] = { "b", "d", "f" };
    struct db_fixture f;
    struct db_cursor *cursor, *second;
    struct db_bytes key = { 0 }, value;
    enum varve_status status = VARVE_OK;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        assert_int_equal(db_put(txn, DB_STREAMS, db_text(keys[i]), db_text(keys[i])), VARVE_OK);
    db_fixture_commit(txn);

    txn = db_fixture_read(&f);
    for (int round = 0; round < 2; round++) { /* The second time the cursor has been used before. */
        assert_int_equal(db_cursor_open(txn, DB_STREAMS, &cursor), VARVE_OK);
        assert_int_equal(db_cursor_open(txn, DB_STREAMS, &second), VARVE_OK);
        assert_true(db_cursor_move(second, DB_LAST, &key, &value, &status));
        assert_true(db_cursor_move(cursor, DB_FIRST, &key, &value, &status));
        assert_memory_equal(key.data, "b", 1);
        assert_false(db_cursor_move(cursor, DB_PREV, &key, &value, &status));
        key = db_text("c");
        assert_true(db_cursor_move(cursor, DB_SEEK, &key, &value, &status));
        assert_memory_equal(key.data, "d", 1);
        assert_true(db_cursor_move(cursor, DB_NEXT, &key, &value, &status));
        assert_memory_equal(key.data, "f", 1);
        assert_false(db_cursor_move(cursor, DB_NEXT, &key, &value, &status));
        key = db_text("g");
        assert_false(db_cursor_move(cursor, DB_SEEK, &key, &value, &status));
        assert_int_equal(status, VARVE_OK);
        db_cursor_close(cursor);
        db_cursor_close(second);
    }
    assert_int_equal(db_renew(txn, NULL), VARVE_OK);
    db_cursor_close(NULL);
    db_abort(txn);
    db_fixture_close(&f);
}

static void faults_say_what_was_done(void **state)
{
    struct db_fixture f;
    struct varve_error error;
    char long_key[DB_MAX_KEY + 1] = { 'k' };

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(db_explain(txn, VARVE_OK, &error), VARVE_OK);
    assert_int_equal(db_put(txn, DB_TYPES, (struct db_bytes){ long_key, sizeof(long_key) }, db_text("v")), VARVE_IO);
    assert_int_equal(db_damaged(txn, "told later"), VARVE_CORRUPT);
    assert_int_equal(db_explain(txn, VARVE_IO, &error), VARVE_IO);
    assert_non_null(strstr(error.message, "writing table types"));
    assert_int_equal(db_explain(txn, VARVE_CORRUPT, &error), VARVE_CORRUPT); /* not the one that was kept */
    assert_null(strstr(error.message, "types"));
    db_abort(txn);

    txn = db_fixture_write(&f);
    assert_int_equal(db_damaged(txn, "block of position %d", 7), VARVE_CORRUPT);
    db_explain(txn, VARVE_CORRUPT, &error);
    assert_non_null(strstr(error.message, "block of position 7"));
    db_abort(txn);
    db_fixture_close(&f);
}

static void a_full_map_is_a_full_disk(void **state)
{
    char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 16];
    enum varve_status status = VARVE_OK;
    struct db *db;
    struct db_txn *txn;
    uint64_t key = 0;
    void *room;

    temp_dir_make(directory);
    snprintf(path, sizeof(path), "%s/store.mdb", directory);
    assert_int_equal(db_open(path, varve_os_default(), 1 << 20, false, &db, NULL), VARVE_OK);
    assert_int_equal(db_begin_write(db, &txn, NULL), VARVE_OK);
    for (; status == VARVE_OK && key < 1000; key++)
        status = db_append_reserve(txn, DB_EVENTS, (struct db_bytes){ &key, sizeof(key) }, 10000, &room);
    assert_int_equal(status, VARVE_DISK_FULL);
    db_abort(txn);
    db_close(db);
    temp_dir_remove(directory);
}

static void sizes_are_told(void **state)
{
    struct db_fixture f;
    struct db_table_size size;

    db_fixture_open(&f);
    uint64_t before = db_size_bytes(f.db);
    struct db_txn *txn = db_fixture_write(&f);
    void *room;
    assert_int_equal(db_reserve(txn, DB_TYPES, db_text("k"), 1 << 20, &room), VARVE_OK);
    assert_int_equal(db_get_table_size(txn, DB_TYPES, &size), VARVE_OK);
    assert_int_equal(size.entries, 1);
    assert_int_equal(size.leaf_pages, 1);
    db_fixture_commit(txn);
    assert_true(db_size_bytes(f.db) >= before + (1 << 20));
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_puts_deletes),
        cmocka_unit_test(reserve_is_written_in_place),
        cmocka_unit_test(an_aborted_write_never_was),
        cmocka_unit_test(a_reader_sees_one_state_until_renewed),
        cmocka_unit_test(cursors_walk_and_seek),
        cmocka_unit_test(faults_say_what_was_done),
        cmocka_unit_test(a_full_map_is_a_full_disk),
        cmocka_unit_test(sizes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
