/* test_check_journal.c - the journal's frames, and how its records go on from what is settled. */
#include "support/check_fixture.h"

#include <stdlib.h>
#include <unistd.h>

static void a_flipped_bit_is_named(void **state)
{
    char segment[TEMP_DIR_PATH + 32];
    uint64_t offset = 2 * 4096 + 100; /* in the second block: of a frame that others follow */

    check_append_and_die();
    for (unsigned number = 1;; number++) {
        snprintf(segment, sizeof(segment), "%s/journal/%08u", check_directory_path, number);
        assert_true(number < 100);
        if (access(segment, F_OK) == 0)
            break;
    }
    check_flip_bit(segment, offset * 8);
    struct varve_check_report report = check_run(false);
    assert_true(report.findings > 0);
    assert_non_null(strstr(check_findings, "journal/"));
    assert_non_null(strstr(check_findings, "offset 8192"));
    check_flip_bit(segment, offset * 8);
    check_expect_sound(true);
}

/* Change store.mdb under the journal's feet, look, and put it back. */
static void expect_with(void (*change)(struct db_txn *txn), const char *says)
{
    char saved[sizeof(check_store_file) + 8], command[3 * sizeof(check_store_file)];
    struct db_fixture f = { .db = NULL };

    snprintf(saved, sizeof(saved), "%s.saved", check_store_file);
    snprintf(command, sizeof(command), "cp '%s' '%s'", check_store_file, saved);
    assert_int_equal(system(command), 0);
    snprintf(f.path, sizeof(f.path), "%s", check_store_file);
    db_fixture_reopen(&f);
    struct db_txn *txn = db_fixture_write(&f);
    change(txn);
    db_fixture_commit(txn);
    db_close(f.db);
    check_run(true);
    if (strstr(check_findings, says) == NULL)
        fail_msg("%s", check_findings);
    assert_int_equal(rename(saved, check_store_file), 0);
}

static void raise_version(struct db_txn *txn)
{
    struct stream_state state;

    assert_int_equal(tables_get_stream(txn, varve_view_str("order-0"), &state), VARVE_OK);
    state.version++;
    assert_int_equal(tables_put_stream(txn, varve_view_str("order-0"), &state), VARVE_OK);
}

static void raise_settled(struct db_txn *txn)
{
    struct tables_meta meta;

    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    meta.settled_position += 1000;
    assert_int_equal(tables_put_meta(txn, &meta), VARVE_OK);
}

static void it_goes_on_from_what_is_settled(void **state)
{
    check_append_and_die();
    check_expect_sound(true);
    expect_with(raise_version, "of \"order-0\", but version");
    expect_with(raise_settled, "but the store has settled up to");
    check_expect_sound(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_is_named),
        cmocka_unit_test(it_goes_on_from_what_is_settled),
    };
    return cmocka_run_group_tests(tests, check_make_store, check_remove_store);
}
