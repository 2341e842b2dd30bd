/* test_group_state_events.c - the table of events: full, empty again, without memory. */
#include "group_fixture.h"

#include "support/fail_alloc.h"

enum { MANY_KEYS = 997 };

/* Deliver and ack all that can be. */
static uint64_t drain(struct group_fixture *f)
{
    uint64_t acked = 0;
    struct group_action action;

    for (group_state_next_action(f->state, f->now_ms, &action); action.kind != GROUP_NOTHING;
         group_state_next_action(f->state, f->now_ms, &action)) {
        if (action.kind != GROUP_DELIVER)
            continue;
        assert_int_equal(group_state_ack(f->state, action.epoch, action.position), VARVE_OK);
        acked++;
    }
    return acked;
}

static void as_many_as_promised_are_held_and_let_go(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (int round = 0; round < 2; round++) {
        uint64_t first = 1 + (uint64_t)round * GROUP_STATE_MAX_EVENTS;
        for (uint64_t i = 0; i < GROUP_STATE_MAX_EVENTS; i++)
            assert_true(group_state_add(f.state, first + i, i % MANY_KEYS, &f));
        assert_int_equal(group_state_room(f.state), 0);
        group_state_check(f.state);
        uint64_t epoch = (uint64_t)round + 1;
        join_ready(&f, epoch);
        assert_int_equal(drain(&f), GROUP_STATE_MAX_EVENTS);
        group_state_leave(f.state, epoch, false);
        assert_int_equal(group_state_room(f.state), GROUP_STATE_MAX_EVENTS);
        assert_int_equal(group_state_checkpoint(f.state), first + GROUP_STATE_MAX_EVENTS - 1);
    }
    assert_int_equal(f.state->capacity, GROUP_STATE_MAX_EVENTS); /* Not more because some came and went. */
    group_fixture_teardown(&f);
}

static uint64_t reason_bytes(const struct group_fixture *f)
{
    struct group_state_figures figures;

    group_state_get_figures(f->state, &figures);
    return figures.reason_bytes;
}

static void nack_because(struct group_fixture *f, enum varve_nack action, const char *reason)
{
    assert_int_equal(group_state_nack(f->state, 1, 1, action, 0, varve_view_str(reason), f->now_ms), VARVE_OK);
}

/* Their owner charges them to its memory. */
static void reasons_are_counted_while_they_are_kept(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, 7);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    nack_because(&f, VARVE_NACK_RETRY, "no luck today");
    assert_int_equal(reason_bytes(&f), 13);
    expect_delivery(&f, 1, 1, 2);
    nack_because(&f, VARVE_NACK_RETRY, "none");
    assert_int_equal(reason_bytes(&f), 4);
    expect_delivery(&f, 1, 1, 3);
    ack(&f, 1, 1);
    expect_nothing(&f);
    assert_int_equal(reason_bytes(&f), 0);
    group_fixture_teardown(&f);
}

static void positions_are_found_while_they_are_held(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    assert_int_equal(group_events_find(f.state, 1), GROUP_NONE);
    for (uint64_t position = 10; position <= 5000; position += 10)
        add_events(&f, position, 1, position % 7);
    for (uint64_t position = 1; position <= 5010; position++)
        assert_int_equal(group_events_find(f.state, position) != GROUP_NONE, position % 10 == 0 && position <= 5000);
    join_ready(&f, 1);
    drain(&f);
    assert_int_equal(group_events_find(f.state, 10), GROUP_NONE);
    group_fixture_teardown(&f);
}

/* Each allocation that growing makes fails once; the event that could not be added can be added after. */
static void without_memory_nothing_changes(void **unused)
{
    unsigned refused = 0;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned nth = 1, fired = 1; fired; nth++) {
        struct group_fixture f;

        group_fixture_setup(&f);
        add_events(&f, 1, 64, 1);
        fail_alloc_arm(nth);
        bool added = group_state_add(f.state, 65, 2, &f);
        fired = fail_alloc_disarm();
        assert_int_equal(added, !fired);
        refused += fired;
        group_state_check(f.state);
        if (!added)
            assert_true(group_state_add(f.state, 65, 2, &f));
        join_ready(&f, 1);
        assert_int_equal(drain(&f), 65);
        group_fixture_teardown(&f);
    }
    assert_int_equal(refused, 9);
}

static void a_reason_that_cannot_be_kept_is_no_nack(void **unused)
{
    struct group_fixture f;

    if (!FAIL_ALLOC_WORKS)
        skip();
    group_fixture_setup(&f);
    add_events(&f, 1, 1, 1);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    fail_alloc_arm(1);
    enum varve_status status = group_state_nack(f.state, 1, 1, VARVE_NACK_PARK, 0, varve_view_str("why"), 0);
    assert_true(fail_alloc_disarm());
    assert_int_equal(status, VARVE_NO_MEMORY);
    ack(&f, 1, 1); /* It is still with the member. */
    group_fixture_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_as_promised_are_held_and_let_go),
        cmocka_unit_test(reasons_are_counted_while_they_are_kept),
        cmocka_unit_test(positions_are_found_while_they_are_held),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(a_reason_that_cannot_be_kept_is_no_nack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
