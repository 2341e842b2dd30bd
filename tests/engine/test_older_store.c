/* test_older_store.c - a store of a varve that knew no sagas opens, keeps what it has, and belongs to ours from then
 * on. */
#include "engine/format.h"
#include "support/check_fixture.h"
#include "support/older_store.h"

static int format_of_store(void)
{
    enum format_verdict verdict;
    struct format format;

    assert_int_equal(format_look(check_directory_path, varve_os_default(), &verdict, &format, NULL), VARVE_OK);
    assert_int_equal(verdict, FORMAT_STORE);
    return format.version;
}

static void a_check_changes_nothing(void **state)
{
    older_store_make(check_directory_path);
    assert_int_equal(format_of_store(), 1);
    check_expect_sound(false);
    check_expect_sound(true);
    assert_int_equal(format_of_store(), 1);
}

static void opening_makes_it_one_of_ours(void **state)
{
    uint64_t last;

    older_store_make(check_directory_path);
    struct varve_store *store = check_open_store();
    last = varve_store_last_position(store);
    assert_true(last > 100);
    assert_int_equal(varve_store_close(store), VARVE_OK);
    assert_int_equal(format_of_store(), 2);
    check_expect_sound(true);
    store = check_open_store();
    assert_int_equal(varve_store_last_position(store), last);
    assert_int_equal(varve_store_close(store), VARVE_OK);
}

/* Its events may be in the journal only: what was committed but not settled by the older one. */
static void what_was_not_settled_is_kept(void **state)
{
    uint64_t last;

    check_append_and_die();
    older_store_make(check_directory_path);
    struct varve_store *store = check_open_store();
    last = varve_store_last_position(store);
    assert_int_equal(varve_store_close(store), VARVE_OK);
    check_expect_sound(true);
    store = check_open_store();
    assert_int_equal(varve_store_last_position(store), last);
    assert_int_equal(varve_store_close(store), VARVE_OK);
}

/* The tables are made first: with them and the older format it is still the older one's, and it opens. */
static void interrupted_between_tables_and_format(void **state)
{
    struct db_fixture f = { .db = NULL };

    older_store_make(check_directory_path);
    snprintf(f.path, sizeof(f.path), "%s", check_store_file);
    db_fixture_reopen(&f);
    db_close(f.db);
    assert_int_equal(format_of_store(), 1);
    check_expect_sound(true);
    struct varve_store *store = check_open_store();
    assert_int_equal(varve_store_close(store), VARVE_OK);
    assert_int_equal(format_of_store(), 2);
    check_expect_sound(true);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, check_make_store, check_remove_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_check_changes_nothing),
        WITH_STORE(opening_makes_it_one_of_ours),
        WITH_STORE(what_was_not_settled_is_kept),
        WITH_STORE(interrupted_between_tables_and_format),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
