/* test_check.c - a sound directory passes, what cannot be looked at is said, no flipped bit of store.mdb is missed. */
#include "support/check_fixture.h"
#include "support/random.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

static void a_sound_store_passes(void **state)
{
    check_expect_sound(false);
    check_expect_sound(true);
    struct varve_check_report settled = check_run(true);
    check_append_and_die();
    check_expect_sound(false);
    check_expect_sound(true);
    struct varve_check_report report = check_run(true);
    assert_int_equal(report.events, settled.events + CHECK_UNSETTLED + 1);
    assert_int_equal(report.streams, settled.streams); /* rows */
    assert_true(report.index_entries > 4 * settled.events);
    assert_true(report.journal_frames >= 1);
}

static void progress_seen(void *user, const char *stage, uint64_t done, uint64_t total)
{
    assert_true(done <= total);
    ++*(unsigned *)user;
}

static void progress_is_told(void **state)
{
    struct varve_check_report report;
    unsigned calls = 0;

    const char *path = check_directory_path;
    assert_int_equal(varve_check_directory(path, true, progress_seen, NULL, &calls, &report, NULL), VARVE_OK);
    assert_true(calls > 3);
}

static void what_cannot_be_looked_at(void **state)
{
    struct varve_check_report report;
    struct varve_error error;
    struct varve_store *store = check_open_store();
    char top[sizeof(check_directory_path)];

    const char *path = check_directory_path;
    assert_int_equal(varve_check_directory(path, true, NULL, NULL, NULL, &report, &error), VARVE_LOCKED);
    assert_int_equal(varve_store_close(store), VARVE_OK);
    snprintf(top, sizeof(top), "%.*s", (int)(strlen(check_directory_path) - strlen("/db")), check_directory_path);
    assert_int_equal(varve_check_directory(top, true, NULL, NULL, NULL, &report, &error), VARVE_NOT_A_STORE);
    assert_int_equal(varve_check_directory("/nowhere/at/all", true, NULL, NULL, NULL, &report, &error),
                     VARVE_NOT_A_STORE);
}

static void lost_meta(struct db_txn *txn)
{
    check_delete_row(txn, DB_META, DB_FIRST);
}

static void flipped_meta(struct db_txn *txn)
{
    check_flip_value(txn, DB_META, 10);
}

static const struct check_damage damages[] = {
    { "meta gone", lost_meta, false, "table meta: the row is missing" },
    { "bit of meta", flipped_meta, false, "table meta: its row does not match" },
};

static void a_damaged_meta_row_is_named(void **state)
{
    check_damages(damages, COUNT_OF(damages));
}

/* Of every key and value. */
static uint64_t fingerprint(void)
{
    struct db *db;
    struct db_txn *txn;
    uint64_t sum = 0;

    assert_int_equal(db_open(check_store_file, varve_os_default(), DB_FIXTURE_MAP, true, &db, NULL), VARVE_OK);
    assert_int_equal(db_begin_read(db, &txn, NULL), VARVE_OK);
    for (int table = 0; table < DB_TABLES; table++) {
        enum varve_status status = VARVE_OK;
        struct db_bytes key = { 0 }, value;
        struct db_cursor *cursor;

        assert_int_equal(db_cursor_open(txn, (enum db_table)table, &cursor), VARVE_OK);
        for (bool more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status); more;
             more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status))
            sum = sum * 31 + (XXH3_64bits(key.data, key.size) ^ XXH3_64bits_withSeed(value.data, value.size, 9));
        assert_int_equal(status, VARVE_OK);
        db_cursor_close(cursor);
    }
    db_abort(txn);
    db_close(db);
    return sum;
}

static void a_flipped_bit_is_found_or_changes_nothing(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed, found = 0;
    uint64_t before = fingerprint();
    struct stat file;

    print_message("seed %llu\n", (unsigned long long)seed);
    assert_int_equal(stat(check_store_file, &file), 0);
    for (int i = 0; i < 600; i++) {
        uint64_t bit = random_below(&random, (uint64_t)file.st_size * 8);

        check_flip_bit(check_store_file, bit);
        if (check_run(true).findings > 0)
            found++;
        else if (fingerprint() != before)
            fail_msg("bit %llu was not found", (unsigned long long)bit);
        check_flip_bit(check_store_file, bit);
    }
    assert_true(found > 0);
    check_expect_sound(true);
}

static void a_missing_file_is_named(void **state)
{
    char saved[sizeof(check_store_file) + 8];

    snprintf(saved, sizeof(saved), "%s.saved", check_store_file);
    assert_int_equal(rename(check_store_file, saved), 0);
    struct varve_check_report report = check_run(true);
    assert_int_equal(report.findings, 1);
    assert_string_equal(check_findings, "store.mdb: the file is missing\n");
    assert_true(report.journal_frames > 0);
    assert_int_equal(rename(saved, check_store_file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_store_passes),
        cmocka_unit_test(progress_is_told),
        cmocka_unit_test(what_cannot_be_looked_at),
        cmocka_unit_test(a_damaged_meta_row_is_named),
        cmocka_unit_test(a_flipped_bit_is_found_or_changes_nothing),
        cmocka_unit_test(a_missing_file_is_named),
    };
    return cmocka_run_group_tests(tests, check_make_store, check_remove_store);
}
