/* test_db_open.c - store.mdb made, opened, looked at only, of an older version, and what fails on the way. */
#include "support/db_fixture.h"
#include "support/fail_alloc.h"
#include "support/fault_os.h"
#include "support/older_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void checking_writes_nothing(void **state)
{
    struct db_fixture f;
    struct db *db = NULL;
    struct stat before, after;
    char lock[sizeof(f.path) + 8];

    db_fixture_open(&f);
    db_close(f.db);
    snprintf(lock, sizeof(lock), "%s-lock", f.path);
    unlink(lock);
    assert_int_equal(stat(f.path, &before), 0);
    assert_int_equal(db_open(f.path, varve_os_default(), DB_FIXTURE_MAP, true, &db, NULL), VARVE_OK);
    f.db = db;
    db_abort(db_fixture_read(&f));
    db_close(db);
    f.db = NULL;
    assert_int_equal(stat(f.path, &after), 0);
    assert_true(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
    assert_int_not_equal(access(lock, F_OK), 0);
    unlink(f.path);
    assert_int_equal(db_open(f.path, varve_os_default(), DB_FIXTURE_MAP, true, &db, NULL), VARVE_NOT_A_STORE);
    assert_int_not_equal(access(f.path, F_OK), 0);
    db_fixture_close(&f);
}

static void a_beginning_left_by_a_crash_is_written_over(void **state)
{
    char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 16], fresh[TEMP_DIR_PATH + 32];
    struct db *db;
    int fd;

    temp_dir_make(directory);
    snprintf(path, sizeof(path), "%s/store.mdb", directory);
    snprintf(fresh, sizeof(fresh), "%s.new", path);
    fd = open(fresh, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "half a page", 11), 11);
    close(fd);
    assert_int_equal(db_open(path, varve_os_default(), DB_FIXTURE_MAP, false, &db, NULL), VARVE_OK);
    assert_int_not_equal(access(fresh, F_OK), 0);
    db_close(db);
    temp_dir_remove(directory);
}

/* Making a file and opening one: each call of the disk fails in turn, and the next attempt finds its way. */
static void every_call_of_the_disk_may_fail(void **state)
{
    for (int exists = 0; exists < 2; exists++) {
        bool fired = true;

        for (unsigned nth = 1; fired; nth++) {
            char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 16];
            struct fault_os fault;
            struct db *db = NULL;
            enum varve_status status;

            temp_dir_make(directory);
            snprintf(path, sizeof(path), "%s/store.mdb", directory);
            fault_os_init(&fault);
            if (exists) {
                assert_int_equal(db_open(path, &fault.os, DB_FIXTURE_MAP, false, &db, NULL), VARVE_OK);
                db_close(db);
            }
            fault_os_arm(&fault, nth, 5, false);
            status = db_open(path, &fault.os, DB_FIXTURE_MAP, false, &db, NULL);
            fired = fault.fired;
            assert_int_equal(status, fired ? VARVE_IO : VARVE_OK);
            fault_os_arm(&fault, 0, 0, false);
            if (fired)
                assert_int_equal(db_open(path, &fault.os, DB_FIXTURE_MAP, false, &db, NULL), VARVE_OK);
            db_close(db);
            temp_dir_remove(directory);
        }
    }
}

/* It gets the tables that it lacks when it is opened for writing; until then it is read without them. */
static void a_file_of_before_there_were_sagas(void **state)
{
    struct db_fixture f;
    struct db_bytes value;
    enum varve_status status = VARVE_OK;
    struct db_txn *txn;

    db_fixture_open(&f);
    txn = db_fixture_write(&f);
    assert_int_equal(db_put(txn, DB_IDS, db_text("k"), db_text("v")), VARVE_OK);
    db_fixture_commit(txn);
    db_close(f.db);
    older_store_drop_tables(f.path);

    assert_int_equal(db_open(f.path, varve_os_default(), DB_FIXTURE_MAP, true, &f.db, NULL), VARVE_OK);
    txn = db_fixture_read(&f);
    assert_true(db_get(txn, DB_IDS, db_text("k"), &value, &status));
    assert_false(db_get(txn, DB_SAGAS, db_text("k"), &value, &status));
    assert_int_equal(status, VARVE_IO);
    db_abort(txn);

    for (int i = 0; i < 2; i++) { /* Made once. */
        db_fixture_reopen(&f);
        txn = db_fixture_write(&f);
        assert_true(db_get(txn, DB_IDS, db_text("k"), &value, &status));
        for (int table = DB_FIRST_TABLES; table < DB_TABLES; table++) {
            status = VARVE_OK;
            assert_int_equal(db_get(txn, (enum db_table)table, db_text("k"), &value, &status), i);
            assert_int_equal(status, VARVE_OK);
            assert_int_equal(db_put(txn, (enum db_table)table, db_text("k"), db_text("v")), VARVE_OK);
        }
        db_fixture_commit(txn);
    }
    db_fixture_close(&f);
}

static void every_allocation_may_fail(void **state)
{
    bool fired = true;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned nth = 1; fired; nth++) {
        char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 16];
        struct db *db = NULL;
        enum varve_status status;

        temp_dir_make(directory);
        snprintf(path, sizeof(path), "%s/store.mdb", directory);
        fail_alloc_arm(nth);
        status = db_open(path, varve_os_default(), DB_FIXTURE_MAP, false, &db, NULL);
        fired = fail_alloc_disarm();
        if (status != VARVE_OK) {
            assert_int_equal(status, VARVE_NO_MEMORY);
            assert_int_equal(db_open(path, varve_os_default(), DB_FIXTURE_MAP, false, &db, NULL), VARVE_OK);
        }
        db_close(db);
        temp_dir_remove(directory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checking_writes_nothing),
        cmocka_unit_test(a_beginning_left_by_a_crash_is_written_over),
        cmocka_unit_test(a_file_of_before_there_were_sagas),
        cmocka_unit_test(every_call_of_the_disk_may_fail),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
