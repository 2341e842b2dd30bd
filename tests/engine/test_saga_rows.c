/* test_saga_rows.c - a settled row, and what it means when there is none. */
#include "engine/saga_rows.h"
#include "support/db_fixture.h"

static void put_row(struct db_txn *txn, const char *id)
{
    struct saga_row before, row;

    saga_row_init(&before);
    saga_row_init(&row);
    row.status = VARVE_SAGA_RUNNING;
    row.version = 3;
    row.position = 40;
    row.step = varve_view_str("pay");
    assert_int_equal(tables_put_saga(txn, varve_view_str("order"), varve_view_str(id), &before, &row), VARVE_OK);
}

static void what_absence_means(void **ignored)
{
    static const struct { const char *label, *stream; int64_t stream_version; unsigned status; int64_t version; }
    cases[] = {
        { "a row", "$saga-order-1", 3, VARVE_SAGA_RUNNING, 3 },
        { "no row and no events", "$saga-order-2", -1, SAGA_NONE, -1 },
        { "no row but events", "$saga-order-2", 5, SAGA_ARCHIVED, 5 },
        { "no saga's stream", "$saga-order", 5, SAGA_NONE, -1 },
    };
    struct db_fixture fixture;

    db_fixture_open(&fixture);
    struct db_txn *txn = db_fixture_write(&fixture);
    put_row(txn, "1");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_state state = { .version = cases[i].stream_version, .last_position = 77 };
        struct saga_row row;
        struct varve_error error;
        assert_int_equal(saga_rows_settled(txn, varve_view_str(cases[i].stream), &state, &row, &error), VARVE_OK);
        CHECK_CASE(row.status == cases[i].status && row.version == cases[i].version, cases[i].label);
        CHECK_CASE(row.status != SAGA_ARCHIVED || row.position == 77, cases[i].label);
    }
    db_abort(txn);
    db_fixture_close(&fixture);
}

static void damage_is_named(void **ignored)
{
    struct stream_state state = { .version = 3 };
    struct db_fixture fixture;
    struct saga_row row;
    struct varve_error error;

    db_fixture_open(&fixture);
    struct db_txn *txn = db_fixture_write(&fixture);
    put_row(txn, "1");
    db_fixture_flip(txn, DB_SAGAS, (struct db_bytes){ "order\0" "1", 7 }, 9, 2);
    assert_int_equal(saga_rows_settled(txn, varve_view_str("$saga-order-1"), &state, &row, &error), VARVE_CORRUPT);
    assert_string_equal(error.message, "saga order \"1\": its row in store.mdb is damaged");
    db_abort(txn);
    db_fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_absence_means),
        cmocka_unit_test(damage_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
