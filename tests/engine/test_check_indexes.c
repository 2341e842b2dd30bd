/* test_check_indexes.c - indexes that are not sound in themselves. */
#include "support/check_fixture.h"

/* Lists that are no lists: their checksums are right. */
static void put_list(struct db_txn *txn, enum db_table table, const uint64_t *values)
{
    struct tables_list_key key = { table, 0, varve_view_str("zz") };
    enum varve_status status = tables_add_to_list(txn, &key, values[0], values, 3);

    assert_int_equal(status, VARVE_OK);
}

static void falling_category(struct db_txn *txn)
{
    put_list(txn, DB_CATEGORIES, (const uint64_t[]){ 5, 4, 6 });
}

static void twice_in_a_type(struct db_txn *txn)
{
    put_list(txn, DB_TYPES, (const uint64_t[]){ 5, 6, 6 });
}

static void lost_run_chunk(struct db_txn *txn)
{
    check_delete_row(txn, DB_IDS, DB_LAST);
}

static void flipped_type(struct db_txn *txn)
{
    check_flip_value(txn, DB_TYPES, 9);
}

static void flipped_run(struct db_txn *txn)
{
    check_flip_value(txn, DB_CORRELATIONS, 100);
}

static const struct check_damage damages[] = {
    { "chunk of a run gone", lost_run_chunk, true, "table ids, run" },
    { "bit of a type's list", flipped_type, true, "table types, \"order.sent\", position" },
    { "bit of a run", flipped_run, true, "table correlations, run" },
    { "a category's list falls", falling_category, true, "categories, \"zz\", position 5: the positions" },
    { "a type's list repeats", twice_in_a_type, true, "types, \"zz\", position 5: the positions" },
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
