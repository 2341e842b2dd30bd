/* test_transact_system.c - the server's own part of a transaction, as it is made from what a client asks for. */
#include "support/check.h"
#include "support/fail_alloc.h"

#include "server/transact_system.h"

static enum varve_status make(const struct varve_checkpoint *checkpoints, size_t count, struct transact_system *ret,
                              struct varve_error *error)
{
    const struct varve_transact_request request = { .checkpoints = checkpoints, .checkpoint_count = count };

    return transact_system_make(&request, 100, NULL, ret, error);
}

static void checkpoints_become_events(void **state)
{
    const struct varve_checkpoint checkpoints[] = {
        { varve_view_str("one"), 0, VARVE_EXPECTED_ANY, { { 0 } } },
        { varve_view_str("a reader, the second"), 100, 4, { { 7 } } },
    };
    struct transact_system system;

    assert_int_equal(make(checkpoints, 2, &system, NULL), VARVE_OK);
    assert_int_equal(system.request.stream_count, 2);
    assert_int_equal(system.request.event_count, 2);
    assert_true(varve_view_equal(system.request.streams[1].stream, varve_view_str("$checkpoint-a reader, the second")));
    assert_int_equal(system.request.streams[1].expected, 4);
    assert_int_equal(system.request.stream_of[1], 1);
    assert_true(varve_view_equal(system.request.events[0].type, varve_view_str("$checkpoint.moved")));
    assert_true(varve_view_equal(system.request.events[0].data, varve_view_str("{\"position\":0}")));
    assert_true(varve_view_equal(system.request.events[1].data, varve_view_str("{\"position\":100}")));
    assert_int_equal(system.request.events[1].id.bytes[0], 7);
    transact_system_free(&system);
}

static void none_are_no_part(void **state)
{
    struct transact_system system;

    assert_int_equal(make(NULL, 0, &system, NULL), VARVE_OK);
    assert_int_equal(system.request.stream_count, 0);
    transact_system_free(&system);
}

static void what_cannot_be_is_told(void **state)
{
    struct varve_checkpoint checkpoints[] = {
        { varve_view_str("one"), 1, VARVE_EXPECTED_ANY, { { 0 } } },
        { varve_view_str("two"), 101, VARVE_EXPECTED_ANY, { { 0 } } },
        { varve_view_str("one"), 1, VARVE_EXPECTED_ANY, { { 0 } } },
    };
    struct transact_system system;
    struct varve_error error;

    assert_int_equal(make(checkpoints, 3, &system, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "checkpoints[1].position");
    checkpoints[1].position = 100;
    assert_int_equal(make(checkpoints, 3, &system, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "checkpoints[2].name");
}

static void without_memory_it_is_not_made(void **state)
{
    const struct varve_checkpoint one = { varve_view_str("one"), 1, VARVE_EXPECTED_ANY, { { 0 } } };
    struct transact_system system;

    if (!FAIL_ALLOC_WORKS)
        skip();
    fail_alloc_arm(1);
    enum varve_status status = make(&one, 1, &system, NULL);
    assert_true(fail_alloc_disarm());
    assert_int_equal(status, VARVE_NO_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoints_become_events), cmocka_unit_test(none_are_no_part),
        cmocka_unit_test(what_cannot_be_is_told), cmocka_unit_test(without_memory_it_is_not_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
