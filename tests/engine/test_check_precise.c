/* test_check_precise.c - indexes that are sound, but not what the log says: which entries. */
#include "support/check_fixture.h"

#include "engine/runs.h"

static void lost_type(struct db_txn *txn)
{
    check_delete_row(txn, DB_TYPES, DB_LAST);
}

static void lost_category(struct db_txn *txn)
{
    check_delete_row(txn, DB_CATEGORIES, DB_LAST);
}

static void emptied_correlations(struct db_txn *txn)
{
    struct db_table_size size;

    for (size.entries = 1; size.entries > 0;) {
        assert_int_equal(db_get_table_size(txn, DB_CORRELATIONS, &size), VARVE_OK);
        if (size.entries > 0)
            check_delete_row(txn, DB_CORRELATIONS, DB_FIRST);
    }
}

static void extra_type(struct db_txn *txn)
{
    uint64_t position = check_settled(txn) + 1;
    struct tables_list_key key = { DB_TYPES, 0, varve_view_str("order.paid") };

    assert_int_equal(tables_add_to_list(txn, &key, position, &position, 1), VARVE_OK);
}

/* The last event is of one category; list it under another as well. */
static void wrong_category(struct db_txn *txn)
{
    uint64_t position = check_settled(txn);
    struct tables_list_key key = { DB_CATEGORIES, 0, varve_view_str("zebra") };

    assert_int_equal(tables_add_to_list(txn, &key, position, &position, 1), VARVE_OK);
}

static void extra_id(struct db_txn *txn)
{
    struct run_entry entry = { 12345, check_settled(txn) + 1 };

    assert_int_equal(runs_add(txn, DB_IDS, &entry, 1), VARVE_OK);
}

static const struct check_damage damages[] = {
    { "list of a type gone", lost_type, true, "types, position 3: the event is missing from the index" },
    { "list of a category gone", lost_category, true, "categories, position 1: the event is missing" },
    { "correlations gone", emptied_correlations, true, "correlations, position 2: the event is missing" },
    { "type of no event", extra_type, true, "listed under \"order.paid\", but there is no such event" },
    { "category of another", wrong_category, true, "listed under \"zebra\", but the event is not of it" },
    { "id of no event", extra_id, true, "listed, but there is no such event" },
};

static void every_damage_is_named(void **state)
{
    check_damages(damages, COUNT_OF(damages));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_damage_is_named),
    };
    return cmocka_run_group_tests(tests, check_make_store, check_remove_store);
}
