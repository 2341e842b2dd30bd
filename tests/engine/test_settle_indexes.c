/* test_settle_indexes.c - the indexes that a store keeps are settled, slice by slice, and no others. */
#include "support/log_check.h"

#include "engine/runs.h"
#include "engine/settle_parts.h"

static void only_what_is_kept_is_written(void **state)
{
    static const struct {
        unsigned index;
        enum db_table table;
    } kept[] = {
        { VARVE_INDEX_CATEGORY, DB_CATEGORIES },
        { VARVE_INDEX_TYPE, DB_TYPES },
        { VARVE_INDEX_CORRELATION, DB_CORRELATIONS },
        { VARVE_INDEX_ID, DB_IDS },
    };

    for (unsigned indexes = 0; indexes <= VARVE_INDEX_ALL; indexes++) {
        struct log_fixture log;

        log_open(&log, indexes);
        for (uint64_t i = 0; i < 20; i++)
            log_append(&log, i % 2 == 0 ? "order-1" : "item-7", i % 3 == 0 ? "a" : "b", i % 4, 10);
        log_settle(&log);
        struct db_txn *txn = db_fixture_read(&log.db);
        for (size_t i = 0; i < COUNT_OF(kept); i++) {
            struct db_table_size size;

            assert_int_equal(db_get_table_size(txn, kept[i].table, &size), VARVE_OK);
            assert_int_equal(size.entries > 0, (indexes & kept[i].index) != 0);
        }
        log_check_lists(txn, &log);
        log_check_runs(txn, &log);
        db_abort(txn);
        log_close(&log);
    }
}

/* Keys of one layer are spread over slices; none is settled twice, none left out. */
static void slices_share_out_the_entries(void **state)
{
    static const uint32_t slice_events[] = { 1, 2, 7, 50, 99, 100, 101 };
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(slice_events); i++) {
        uint64_t random = i;
        struct log_fixture log;

        log_open(&log, VARVE_INDEX_ALL);
        log_random_layer(&log, 100, 10, &random);
        assert_int_equal(tail_freeze(log.tail), VARVE_OK);
        assert_int_equal(settle_slices(log.db.db, tail_frozen(log.tail), slice_events[i], 100, &error), VARVE_OK);
        tail_drop_frozen(log.tail);
        log_check(&log);
        log_close(&log);
    }
}

static void system_streams_are_indexed_too(void **state)
{
    struct tables_list_key type = { DB_TYPES, 0, varve_view_str("$metadata") };
    struct tables_list_key category = { DB_CATEGORIES, 0, varve_view_str("$$order") };
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;
    struct log_fixture log;

    log_open(&log, VARVE_INDEX_ALL);
    log_append(&log, "order-1", "t", 0, 1);
    log_change(&log, "order-1", "{\"max_count\":1}");
    log_settle(&log);
    struct db_txn *txn = db_fixture_read(&log.db);
    assert_true(tables_seek_chunk(txn, &type, 0, &chunk, &status));
    assert_int_equal(tables_chunk_value(&chunk, 0), 2);
    assert_true(tables_seek_chunk(txn, &category, 0, &chunk, &status));
    assert_int_equal(tables_chunk_value(&chunk, 0), 2);
    db_abort(txn);
    log_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_kept_is_written),
        cmocka_unit_test(slices_share_out_the_entries),
        cmocka_unit_test(system_streams_are_indexed_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
