/* test_check_events.c - settled records, one by one and in order. */
#include "support/check_fixture.h"

static void change_meta(struct db_txn *txn, uint64_t positions, uint64_t streams)
{
    struct tables_meta meta;

    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    meta.settled_position += positions;
    meta.stream_count += streams;
    assert_int_equal(tables_put_meta(txn, &meta), VARVE_OK);
}

static void settle_too_far(struct db_txn *txn)
{
    change_meta(txn, 1, 0);
}

static void lost_block(struct db_txn *txn)
{
    check_delete_row(txn, DB_EVENTS, DB_FIRST);
}

static void lost_last_block(struct db_txn *txn)
{
    check_delete_row(txn, DB_EVENTS, DB_LAST);
}

static void flipped_record(struct db_txn *txn)
{
    check_flip_value(txn, DB_EVENTS, 1500);
}

static void flipped_offset(struct db_txn *txn)
{
    check_flip_value(txn, DB_EVENTS, 6);
}

static const struct check_damage damages[] = {
    { "settled position", settle_too_far, false, "events: they end with position" },
    { "first block gone", lost_block, false, "the block begins here, but position 1 is due" },
    { "last block gone", lost_last_block, false, "events: they end with position" },
    { "bit of a record", flipped_record, false, "the record does not match its checksum" },
    { "bit of an offset", flipped_offset, false, "its offsets do not match their checksum" },
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
