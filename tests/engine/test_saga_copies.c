/* test_saga_copies.c - sagas copied out: texts, errors without their escapes, states, and memory that cannot be had. */
#include "engine/saga_copies.h"
#include "support/check.h"
#include "support/fail_alloc.h"
#include "support/transact_fixture.h"

#include <stdlib.h>

static struct saga_row row_of(const char *step, const char *error_json)
{
    struct saga_row row;

    saga_row_init(&row);
    row.status = VARVE_SAGA_FAILED;
    row.version = 4;
    row.position = 44;
    row.failed_at_us = 99;
    row.step = varve_view_str(step);
    row.error_json = varve_view_str(error_json);
    return row;
}

static void copies_need_nothing_else(void **ignored)
{
    struct saga_copies copies = { 0 };
    char type[] = "order", id[] = "1", step[] = "pay", error[] = "\"a \\\"b\\\"\"";
    struct saga_row row = row_of(step, error), bare = row_of("", "");

    assert_true(saga_copies_add(&copies, varve_view_str(type), varve_view_str(id), &row));
    assert_true(saga_copies_add(&copies, varve_view_str("x"), varve_view_str("y"), &bare));
    memset(type, '#', sizeof(type));
    memset(id, '#', sizeof(id));
    memset(step, '#', sizeof(step));
    memset(error, '#', sizeof(error));
    assert_int_equal(saga_copies_row(&copies, 0)->position, 44);
    struct varve_saga *sagas = saga_copies_pack(&copies, 2, 0);
    saga_copies_free(&copies);
    assert_true(varve_view_equal(sagas[0].type, varve_view_str("order")));
    assert_true(varve_view_equal(sagas[0].id, varve_view_str("1")));
    assert_true(varve_view_equal(sagas[0].step, varve_view_str("pay")));
    assert_true(varve_view_equal(sagas[0].error, varve_view_str("a \"b\"")));
    assert_int_equal(sagas[0].status, VARVE_SAGA_FAILED);
    assert_int_equal(sagas[0].failed_at_us, 99);
    assert_true(sagas[0].completed_at_us == VARVE_TIME_NONE && !sagas[0].has_state);
    assert_true(varve_view_equal(sagas[1].id, varve_view_str("y")));
    assert_int_equal(sagas[1].step.size + sagas[1].error.size, 0);
    free(sagas);
}

static void states_are_read_from_their_events(void **ignored)
{
    struct saga_copies copies = { 0 };
    struct store_fixture f;
    struct view view;
    struct saga_row row = row_of("s", "");

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(transact(&f, "a:any=. *order-1:begin=state"), "ok a@0-0/1-1 *order-1@0-0/2-2");
    assert_int_equal(view_begin(&view, f.store, false, &f.error), VARVE_OK);
    assert_true(saga_copies_add(&copies, varve_view_str("order"), varve_view_str("0"), &row));
    row.state_position = 2;
    assert_true(saga_copies_add(&copies, varve_view_str("order"), varve_view_str("1"), &row));
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(saga_copies_add_state(&copies, i, &view, &f.error), VARVE_OK);
    view_end(&view);
    struct varve_saga *sagas = saga_copies_pack(&copies, 2, 0);
    assert_false(sagas[0].has_state);
    assert_true(sagas[1].has_state && varve_view_equal(sagas[1].state, varve_view_str("state")));
    free(sagas);
    saga_copies_free(&copies);
    fixture_free(&f);
}

static void without_memory_nothing_is_added(void **ignored)
{
    struct saga_copies copies = { 0 };
    struct saga_row row = row_of("s", "");

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (int i = 0; i < 40; i++)
        for (unsigned nth = 1;; nth++) {
            size_t count = copies.count;
            fail_alloc_arm(nth);
            bool added = saga_copies_add(&copies, varve_view_str("order"), varve_view_str("1"), &row);
            assert_true(fail_alloc_disarm() == !added);
            assert_int_equal(copies.count, count + added);
            if (added)
                break;
        }
    fail_alloc_arm(1);
    assert_null(saga_copies_pack(&copies, 40, 0));
    assert_true(fail_alloc_disarm());
    saga_copies_free(&copies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_need_nothing_else),
        cmocka_unit_test(states_are_read_from_their_events),
        cmocka_unit_test(without_memory_nothing_is_added),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
