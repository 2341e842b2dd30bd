/* test_group_state_members.c - members come and go, up to as many as may be. */
#include "group_fixture.h"

#include "support/fail_alloc.h"

static void as_many_as_may_join_and_are_found(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t epoch = 1; epoch <= VARVE_MAX_CONSUMERS; epoch++)
        join_ready(&f, 3 * epoch);
    assert_false(group_state_join(f.state, 9999, 0));
    for (uint64_t epoch = 0; epoch <= 3 * VARVE_MAX_CONSUMERS + 1; epoch++)
        assert_int_equal(group_members_find(f.state, epoch) != GROUP_NONE,
                         epoch % 3 == 0 && epoch > 0 && epoch <= 3 * VARVE_MAX_CONSUMERS);
    for (uint64_t epoch = 6; epoch <= 3 * VARVE_MAX_CONSUMERS; epoch += 6)
        assert_true(group_state_leave(f.state, epoch, false));
    group_state_check(f.state);
    assert_int_equal(group_members_find(f.state, 6), GROUP_NONE);
    assert_int_not_equal(group_members_find(f.state, 9), GROUP_NONE);
    join_ready(&f, 10000); /* A slot of those who left. */
    assert_int_equal(f.state->member_count, VARVE_MAX_CONSUMERS / 2 + 1);
    group_fixture_teardown(&f);
}

static void work_is_shared_evenly(void **unused)
{
    enum { MEMBERS = 7, EVENTS = 70 };
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t epoch = 1; epoch <= MEMBERS; epoch++)
        join_ready(&f, epoch);
    for (uint64_t position = 1; position <= EVENTS; position++)
        add_events(&f, position, 1, position);
    while (next_action(&f).kind != GROUP_NOTHING) {
    }
    for (uint64_t epoch = 1; epoch <= MEMBERS; epoch++)
        assert_int_equal(group_state_member_in_flight(f.state, epoch), EVENTS / MEMBERS);
    assert_int_equal(group_state_member_in_flight(f.state, MEMBERS + 1), 0);
    group_fixture_teardown(&f);
}

/* One event at a time: nobody has any, so it is turns alone that decide. */
static void turns_go_round_when_there_is_little_to_do(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t epoch = 1; epoch <= 3; epoch++)
        join_ready(&f, epoch);
    for (uint64_t position = 1; position <= 9; position++) {
        add_events(&f, position, 1, position);
        expect_delivery(&f, 1 + (position - 1) % 3, position, 1);
        ack(&f, 1 + (position - 1) % 3, position);
    }
    group_fixture_teardown(&f);
}

static void without_memory_nobody_joins(void **unused)
{
    unsigned refused = 0;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned nth = 1, fired = 1; fired; nth++) {
        struct group_fixture f;

        group_fixture_setup(&f);
        for (uint64_t epoch = 1; epoch <= 4; epoch++)
            join_ready(&f, epoch);
        fail_alloc_arm(nth);
        bool joined = group_state_join(f.state, 5, 0);
        fired = fail_alloc_disarm();
        assert_int_equal(joined, !fired);
        refused += fired;
        group_state_check(f.state);
        if (!joined)
            join_ready(&f, 5); /* The epoch was not used up. */
        group_fixture_teardown(&f);
    }
    assert_int_equal(refused, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_may_join_and_are_found), cmocka_unit_test(work_is_shared_evenly),
        cmocka_unit_test(turns_go_round_when_there_is_little_to_do), cmocka_unit_test(without_memory_nobody_joins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
