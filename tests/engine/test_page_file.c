/* test_page_file.c - a file of LMDB judged from the outside: its tables, its roots, its list of free pages. */
#include "support/check.h"
#include "support/random.h"
#include "support/temp_dir.h"

#include "varve/page_file.h"

#include <fcntl.h>
#include <lmdb.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const tables[] = { "one", "two" };
static const char *const others[] = { "one", "too" };

struct fixture {
    char directory[TEMP_DIR_PATH], path[TEMP_DIR_PATH + 16];
    MDB_env *env;
    MDB_dbi dbis[2];
};

static void put_and_delete(struct fixture *fixture, uint64_t *random)
{
    static char value[3000];
    MDB_txn *txn;

    assert_int_equal(mdb_txn_begin(fixture->env, NULL, 0, &txn), 0);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t number = random_below(random, 2000);
        MDB_val key = { .mv_size = sizeof(number), .mv_data = &number };
        MDB_val bytes = { .mv_size = number % 7 == 0 ? sizeof(value) : 40, .mv_data = value };

        if (number % 3 == 0)
            (void)mdb_del(txn, fixture->dbis[i % 2], &key, NULL);
        else
            assert_int_equal(mdb_put(txn, fixture->dbis[i % 2], &key, &bytes, 0), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
}

static void fixture_open(struct fixture *fixture, unsigned commits)
{
    uint64_t random = 11;
    MDB_txn *txn;

    temp_dir_make(fixture->directory);
    snprintf(fixture->path, sizeof(fixture->path), "%s/a.mdb", fixture->directory);
    assert_int_equal(mdb_env_create(&fixture->env), 0);
    assert_int_equal(mdb_env_set_mapsize(fixture->env, 1 << 28), 0);
    assert_int_equal(mdb_env_set_maxdbs(fixture->env, 2), 0);
    assert_int_equal(mdb_env_open(fixture->env, fixture->path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC, 0600), 0);
    assert_int_equal(mdb_txn_begin(fixture->env, NULL, 0, &txn), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(mdb_dbi_open(txn, tables[i], MDB_CREATE, &fixture->dbis[i]), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    for (; commits > 0; commits--)
        put_and_delete(fixture, &random);
}

static void fixture_close(struct fixture *fixture)
{
    mdb_env_close(fixture->env);
    temp_dir_remove(fixture->directory);
}

static enum varve_status walk(struct fixture *fixture, const char *const *names, bool whole, struct varve_error *error)
{
    return varve_page_walk(fixture->path, varve_os_default(), names, 2, whole, NULL, error);
}

static void sound_files_pass(void **state)
{
    struct varve_page_file file;
    struct varve_page_roots roots;
    struct varve_error error;
    struct fixture fixture;
    MDB_envinfo info;

    for (unsigned commits = 0; commits < 40; commits += 13) {
        fixture_open(&fixture, commits);
        assert_int_equal(varve_page_prepare(fixture.path, varve_os_default(), &error), VARVE_OK);
        if (walk(&fixture, tables, true, &error) != VARVE_OK || walk(&fixture, tables, false, &error) != VARVE_OK ||
            varve_page_file_open(fixture.path, varve_os_default(), NULL, &file, &error) != VARVE_OK ||
            varve_page_roots_read(&file, tables, 2, &roots, &error) != VARVE_OK ||
            varve_page_check_free_list(&file, &roots, &error) != VARVE_OK)
            fail_msg("%s", error.message);
        mdb_env_info(fixture.env, &info);
        assert_int_equal(roots.transaction, info.me_last_txnid);
        assert_int_equal(roots.last_page, info.me_last_pgno);
        varve_page_file_close(&file);
        fixture_close(&fixture);
    }
}

static void other_tables_are_told(void **state)
{
    struct varve_page_file file;
    struct varve_page_roots roots;
    struct varve_error error;
    struct fixture fixture;

    fixture_open(&fixture, 3);
    assert_int_equal(walk(&fixture, others, true, &error), VARVE_CORRUPT);
    assert_non_null(strstr(error.message, "a.mdb"));
    assert_int_equal(varve_page_file_open(fixture.path, varve_os_default(), NULL, &file, NULL), VARVE_OK);
    assert_int_equal(varve_page_roots_read(&file, others, 2, &roots, NULL), VARVE_CORRUPT);
    assert_int_equal(varve_page_roots_read(&file, tables, 1, &roots, NULL), VARVE_CORRUPT);
    varve_page_file_close(&file);
    fixture_close(&fixture);
}

static void an_absent_file_is_said(void **state)
{
    struct varve_page_file file;

    assert_int_equal(varve_page_prepare("/nowhere/a.mdb", varve_os_default(), NULL), VARVE_NOT_A_STORE);
    assert_int_equal(varve_page_file_open("/nowhere/a.mdb", varve_os_default(), NULL, &file, NULL),
                     VARVE_NOT_A_STORE);
}

/* The numbers of the free list, in the file: turned over, one bit after the other. */
static void damage_to_the_free_list_is_told(void **state)
{
    struct varve_page_file file;
    struct varve_page_roots roots;
    struct fixture fixture;
    unsigned told = 0;

    fixture_open(&fixture, 30);
    assert_int_equal(varve_page_file_open(fixture.path, varve_os_default(), NULL, &file, NULL), VARVE_OK);
    assert_int_equal(varve_page_roots_read(&file, tables, 2, &roots, NULL), VARVE_OK);
    assert_true(roots.free_list.depth > 0);
    int fd = open(fixture.path, O_RDWR);
    for (unsigned byte = 0; byte < 4096; byte++) {
        off_t at = (off_t)(roots.free_list.root * 4096 + byte);
        uint8_t was, now;

        assert_int_equal(pread(fd, &was, 1, at), 1);
        now = was ^ (uint8_t)(1u << byte % 8);
        assert_int_equal(pwrite(fd, &now, 1, at), 1);
        told += varve_page_check_free_list(&file, &roots, NULL) == VARVE_CORRUPT;
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    assert_true(told > 40);
    assert_int_equal(varve_page_check_free_list(&file, &roots, NULL), VARVE_OK);
    close(fd);
    varve_page_file_close(&file);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_files_pass),
        cmocka_unit_test(other_tables_are_told),
        cmocka_unit_test(an_absent_file_is_said),
        cmocka_unit_test(damage_to_the_free_list_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
