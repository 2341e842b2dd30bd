/* test_group_state_hold.c - what a consumer group does with events that a transaction holds. */
#include "group_fixture.h"

enum { KEY_A = 1 };

static void what_is_held_is_finished_or_given_back(void **unused)
{
    struct group_fixture f;
    struct group_state_figures figures;

    group_fixture_setup(&f);
    add_events(&f, 1, 3, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    hold(&f, 1, 1);
    f.now_ms += 10 * GROUP_FIXTURE_FAR; /* It has no deadline. */
    expect_nothing(&f);
    group_state_get_figures(f.state, &figures);
    assert_int_equal(figures.held, 1);
    assert_int_equal(figures.in_flight, 1);
    settle(&f, 1, 1, false);
    assert_int_equal(group_state_next_due_ms(f.state), f.now_ms + GROUP_FIXTURE_FAR); /* Now it has a new one. */
    hold(&f, 1, 1);
    assert_int_equal(group_state_checkpoint(f.state), 0);
    settle(&f, 1, 1, true);
    assert_int_equal(group_state_checkpoint(f.state), 1);
    expect_delivery(&f, 1, 2, 1);
    assert_int_equal(f.released, 1);
    group_state_get_figures(f.state, &figures);
    assert_int_equal(figures.held, 0);
    assert_int_equal(figures.acked, 1);
    group_fixture_teardown(&f);
}

static void what_is_held_counts_as_in_flight(void **unused)
{
    struct group_fixture f;
    struct group_state_limits limits = { .max_in_flight = 2, .consumer_max_in_flight = 1, .ack_timeout_ms = 1000,
                                         .max_attempts = 3 };

    group_fixture_begin(&f, limits, 0);
    for (uint64_t key = 1; key <= 4; key++)
        add_events(&f, key, 1, key);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    hold(&f, 1, 1);
    expect_nothing(&f); /* Its member has as many as it may. */
    join_ready(&f, 2);
    expect_delivery(&f, 2, 2, 1);
    join_ready(&f, 3);
    expect_nothing(&f); /* The group has. */
    group_state_leave(f.state, 1, false);
    expect_delivery(&f, 3, 3, 1); /* An orphan is nobody's. */
    settle(&f, 1, 1, true);
    group_fixture_teardown(&f);
}

static void what_a_leaver_held_goes_to_others_when_it_was_not_stored(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t key = 0; key < 3; key++)
        add_events(&f, 1 + 10 * key, 2, 1 + key);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    expect_delivery(&f, 1, 11, 1);
    expect_delivery(&f, 1, 21, 1);
    hold(&f, 1, 1);
    hold(&f, 1, 11);
    group_state_leave(f.state, 1, false);
    join_ready(&f, 2);
    expect_delivery(&f, 2, 21, 2); /* Only this one was not held. */
    expect_nothing(&f);
    settle(&f, 1, 1, false);
    expect_delivery(&f, 2, 1, 2);
    settle(&f, 1, 11, true);
    expect_delivery(&f, 2, 12, 1);
    group_fixture_teardown(&f);
}

static void what_a_leaver_held_is_parked_at_its_last_attempt(void **unused)
{
    static const struct { const char *label; bool politely; } cases[] = { { "lost", false }, { "left", true } };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct group_fixture f;
        struct group_state_limits limits = { .max_in_flight = 9, .consumer_max_in_flight = 9, .ack_timeout_ms = 1000,
                                             .max_attempts = 1 };

        group_fixture_begin(&f, limits, 0);
        add_events(&f, 1, 1, KEY_A);
        join_ready(&f, 1);
        expect_delivery(&f, 1, 1, 1);
        hold(&f, 1, 1);
        group_state_leave(f.state, 1, cases[i].politely);
        join_ready(&f, 2);
        expect_nothing(&f);
        settle(&f, 1, 1, false);
        if (cases[i].politely)
            expect_delivery(&f, 2, 1, 1);
        else
            expect_settling(&f, GROUP_PARK, 1, "consumer_lost");
        group_fixture_teardown(&f);
    }
}

/* That it is resolved was in the transaction; nothing is left to be made durable. */
static void a_replay_that_is_stored_is_resolved(void **unused)
{
    struct group_fixture f;
    bool replay = false;

    group_fixture_setup(&f);
    group_state_looked_at(f.state, 50);
    assert_true(group_state_replay(f.state, 7, KEY_A, &f));
    join_ready(&f, 1);
    expect_delivery(&f, 1, 7, 1);
    assert_int_equal(group_state_hold(f.state, 1, 7, &replay), VARVE_OK);
    assert_true(replay);
    settle(&f, 1, 7, false);
    hold(&f, 1, 7);
    settle(&f, 1, 7, true);
    expect_nothing(&f);
    assert_int_equal(f.released, 1);
    assert_int_equal(group_state_checkpoint(f.state), 50);
    group_fixture_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_finished_or_given_back),
        cmocka_unit_test(what_is_held_counts_as_in_flight),
        cmocka_unit_test(what_a_leaver_held_goes_to_others_when_it_was_not_stored),
        cmocka_unit_test(what_a_leaver_held_is_parked_at_its_last_attempt),
        cmocka_unit_test(a_replay_that_is_stored_is_resolved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
