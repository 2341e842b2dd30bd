/* test_db_walk.c - sound files pass; of damaged ones the walk says where, and LMDB survives all those that pass. */
#include "support/log_fixture.h"
#include "support/older_store.h"
#include "support/random.h"

#include "engine/db_walk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char last_where[200], last_what[200];

static void remember(void *user, const char *where, const char *what)
{
    snprintf(last_where, sizeof(last_where), "%s", where);
    snprintf(last_what, sizeof(last_what), "%s", what);
}

static uint64_t count_problems(const char *path)
{
    struct db_walk_report report;
    struct varve_error error;

    if (db_walk(path, varve_os_default(), remember, NULL, &report, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    return report.problems;
}

static void check_sound(const char *path)
{
    if (count_problems(path) != 0)
        fail_msg("%s: %s", last_where, last_what);
}

/* Settles of all sizes: pages are freed, taken again, split and merged. */
static void make_log(struct log_fixture *log, uint64_t settles, uint64_t most, uint64_t *random)
{
    log_open(log, VARVE_INDEX_ALL);
    for (uint64_t i = 0; i < settles; i++) {
        for (uint64_t n = 1 + random_below(random, most); n > 0; n--) {
            char stream[64];

            snprintf(stream, sizeof(stream), "stream-%llu", (unsigned long long)random_below(random, 400));
            log_append(log, stream, "type", random_below(random, 9), (uint32_t)random_below(random, 2000));
        }
        log_settle(log);
    }
}

static void what_settling_writes_is_sound(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;
    struct log_fixture log;

    print_message("seed %llu\n", (unsigned long long)seed);
    log_open(&log, 0);
    check_sound(log.db.path); /* a new file */
    log_close(&log);
    make_log(&log, 60, 300, &random);
    check_sound(log.db.path);
    log_close(&log);
}

static void flip(const char *path, uint64_t bit)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    close(fd);
}

/* Read every key and the ends of every value through LMDB. */
static volatile uint8_t sum;
static void read_all(const char *path)
{
    struct db *db;
    struct db_txn *txn;

    if (db_open(path, varve_os_default(), DB_FIXTURE_MAP, true, &db, NULL) != VARVE_OK)
        return;
    assert_int_equal(db_begin_read(db, &txn, NULL), VARVE_OK);
    for (int table = 0; table < DB_TABLES; table++) {
        enum varve_status status = VARVE_OK;
        struct db_bytes key = { 0 }, value;
        struct db_cursor *cursor;

        assert_int_equal(db_cursor_open(txn, (enum db_table)table, &cursor), VARVE_OK);
        for (bool more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status); more;
             more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status)) {
            sum = ((const uint8_t *)key.data)[key.size - 1];
            if (value.size > 0)
                sum = ((const uint8_t *)value.data)[0] + ((const uint8_t *)value.data)[value.size - 1];
        }
        assert_int_equal(status, VARVE_OK);
        db_cursor_close(cursor);
    }
    db_abort(txn);
    db_close(db);
}

/* Flip bits of the heads of pages, where the structure is, and of any other place. */
static void flipped_bits_are_found_or_harm_nobody(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed, found = 0, tried = 3000;
    struct log_fixture log;
    struct stat file;

    print_message("seed %llu\n", (unsigned long long)seed);
    make_log(&log, 25, 60, &random);
    db_close(log.db.db);
    log.db.db = NULL;
    assert_int_equal(stat(log.db.path, &file), 0);
    for (uint64_t i = 0; i < tried; i++) {
        uint64_t page = random_below(&random, (uint64_t)file.st_size / 4096);
        uint64_t bit = page * 4096 * 8 + random_below(&random, i % 2 == 0 ? 24 * 8 : 4096 * 8);

        flip(log.db.path, bit);
        if (count_problems(log.db.path) > 0)
            found++;
        else
            read_all(log.db.path);
        flip(log.db.path, bit);
    }
    assert_true(found > tried / 60);
    assert_true(found < tried);
    check_sound(log.db.path);
    db_fixture_reopen(&log.db);
    log_close(&log);
}

static void garbage_and_lost_ends_are_found(void **state)
{
    uint64_t random = 5;
    struct log_fixture log;
    struct stat file;
    bool found = false;

    make_log(&log, 10, 60, &random);
    db_close(log.db.db);
    log.db.db = NULL;
    assert_int_equal(stat(log.db.path, &file), 0);
    for (off_t size = file.st_size - 4096; size >= 0; size -= 20 * 4096) {
        assert_int_equal(truncate(log.db.path, size), 0);
        if (count_problems(log.db.path) == 0)
            read_all(log.db.path); /* Only free pages were lost. */
        else
            found = true;
    }
    assert_true(found);
    for (int round = 0; round < 20; round++) { /* Sound meta pages that lead into garbage. */
        db_fixture_close(&log.db);
        db_fixture_open(&log.db);
        db_close(log.db.db);
        log.db.db = NULL;
        int fd = open(log.db.path, O_RDWR);
        for (off_t at = 8192; at < 8192 + 3 * 4096; at++) {
            uint8_t byte = (uint8_t)random_next(&random);
            assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        }
        close(fd);
        assert_true(count_problems(log.db.path) > 0);
        assert_int_equal(db_open(log.db.path, varve_os_default(), DB_FIXTURE_MAP, false, &log.db.db, NULL),
                         VARVE_CORRUPT);
    }
    log_close(&log);
}

static void a_file_of_before_there_were_sagas_is_sound(void **state)
{
    uint64_t random = 7;
    struct log_fixture log;

    make_log(&log, 3, 60, &random);
    db_close(log.db.db);
    log.db.db = NULL;
    older_store_drop_tables(log.db.path);
    check_sound(log.db.path);
    db_fixture_reopen(&log.db);
    check_sound(log.db.path);
    log_close(&log);
}

static void an_absent_file_is_said(void **state)
{
    const struct varve_os *os = varve_os_default();
    struct db_walk_report report;

    assert_int_equal(db_walk("/nowhere/store.mdb", os, remember, NULL, &report, NULL), VARVE_NOT_A_STORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_settling_writes_is_sound),
        cmocka_unit_test(flipped_bits_are_found_or_harm_nobody),
        cmocka_unit_test(garbage_and_lost_ends_are_found),
        cmocka_unit_test(a_file_of_before_there_were_sagas_is_sound),
        cmocka_unit_test(an_absent_file_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
