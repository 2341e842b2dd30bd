/* test_group_regressions.c - what consumer groups elsewhere got wrong, by the names of the failures. */
#include "group_fixture.h"

enum { KEY_A = 1, KEY_B = 2 };

static void parked_replay_does_not_move_the_checkpoint(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    group_state_looked_at(f.state, 100);
    add_events(&f, 101, 1, KEY_B);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 101, 1);
    assert_true(group_state_replay(f.state, 7, KEY_A, &f));
    assert_int_equal(group_state_checkpoint(f.state), 100); /* Not back to 6, */
    expect_delivery(&f, 1, 7, 1);
    ack(&f, 1, 101);
    assert_int_equal(group_state_checkpoint(f.state), 101); /* and not held back by it. */
    ack(&f, 1, 7);
    expect_settling(&f, GROUP_RESOLVE, 7, NULL);
    group_state_parked(f.state, 7);
    assert_int_equal(group_state_checkpoint(f.state), 101);
    group_fixture_teardown(&f);
}

static void same_event_is_not_parked_twice(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    assert_false(group_state_parked(f.state, 1)); /* Nobody asked for it. */
    nack(&f, 1, 1, VARVE_NACK_PARK);
    assert_false(group_state_parked(f.state, 1)); /* Nor told. */
    assert_int_equal(group_state_nack(f.state, 1, 1, VARVE_NACK_PARK, 0, varve_view_str(""), f.now_ms), VARVE_FENCED);
    expect_settling(&f, GROUP_PARK, 1, "nack");
    assert_int_equal(group_state_nack(f.state, 1, 1, VARVE_NACK_PARK, 0, varve_view_str(""), f.now_ms), VARVE_FENCED);
    f.now_ms += 10 * GROUP_FIXTURE_FAR; /* Its old deadline is gone, too, */
    group_state_leave(f.state, 1, false);      /* and nobody has it who could lose it. */
    expect_nothing(&f);
    assert_true(group_state_parked(f.state, 1));
    assert_false(group_state_parked(f.state, 1));
    expect_nothing(&f);
    assert_int_equal(f.released, 1);
    group_fixture_teardown(&f);
}

static void retry_blocks_its_key_only(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 2, KEY_A);
    add_events(&f, 3, 2, KEY_B);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    expect_delivery(&f, 1, 3, 1);
    nack(&f, 1, 1, VARVE_NACK_RETRY);
    ack(&f, 1, 3);
    expect_delivery(&f, 1, 4, 1); /* The other key goes on, */
    ack(&f, 1, 4);
    expect_nothing(&f);           /* 2 waits behind 1, */
    assert_int_equal(group_state_checkpoint(f.state), 0);
    f.now_ms += 10;
    expect_delivery(&f, 1, 1, 2); /* until that had its turn. */
    ack(&f, 1, 1);
    expect_delivery(&f, 1, 2, 1);
    group_fixture_teardown(&f);
}

static void late_ack_is_fenced(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    group_state_leave(f.state, 1, false);
    join_ready(&f, 2);
    expect_delivery(&f, 2, 1, 2);
    assert_int_equal(group_state_ack(f.state, 1, 1), VARVE_FENCED); /* It is with another now. */
    assert_int_equal(group_state_checkpoint(f.state), 0);
    f.now_ms += GROUP_FIXTURE_FAR;
    expect_nothing(&f);
    assert_int_equal(group_state_ack(f.state, 2, 1), VARVE_FENCED); /* Too late, though still a member. */
    f.now_ms += 20;
    expect_delivery(&f, 2, 1, 3);
    ack(&f, 2, 1); /* It has it again: this one counts. */
    assert_int_equal(group_state_checkpoint(f.state), 1);
    group_fixture_teardown(&f);
}

static void pinned_key_is_not_skipped_when_its_consumer_leaves(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 3, KEY_A); /* One has the first; two more are behind it. */
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    join_ready(&f, 2);
    expect_nothing(&f);
    group_state_leave(f.state, 1, false);
    for (uint64_t position = 1; position <= 3; position++) {
        expect_delivery(&f, 2, position, position == 1 ? 2 : 1);
        assert_int_equal(group_state_checkpoint(f.state), position - 1);
        ack(&f, 2, position);
    }
    assert_int_equal(group_state_checkpoint(f.state), 3);
    group_fixture_teardown(&f);
}

static void transaction_of_a_lost_consumer_is_waited_for(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 2, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    hold(&f, 1, 1);
    group_state_leave(f.state, 1, false);
    join_ready(&f, 2);
    expect_nothing(&f); /* It would be handled twice: */
    settle(&f, 1, 1, true);
    expect_delivery(&f, 2, 2, 1);
    group_fixture_teardown(&f);
}

static void late_outcome_of_a_transaction_is_ignored(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    hold(&f, 1, 1);
    group_state_leave(f.state, 1, false);
    join_ready(&f, 2);
    settle(&f, 1, 1, false);
    assert_false(group_state_settle(f.state, 1, 1, true, f.now_ms)); /* Once. */
    expect_delivery(&f, 2, 1, 2);
    assert_false(group_state_settle(f.state, 1, 1, true, f.now_ms)); /* Another has it by now, */
    hold(&f, 2, 1);
    assert_false(group_state_settle(f.state, 1, 1, true, f.now_ms)); /* and has it in a transaction. */
    assert_int_equal(group_state_checkpoint(f.state), 0);
    settle(&f, 2, 1, true);
    assert_false(group_state_settle(f.state, 2, 1, true, f.now_ms));
    assert_int_equal(group_state_checkpoint(f.state), 1);
    group_fixture_teardown(&f);
}

static void stop_of_a_group_keeps_what_a_transaction_holds(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    add_events(&f, 2, 1, KEY_B);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    expect_delivery(&f, 1, 2, 1);
    hold(&f, 1, 1);
    nack(&f, 1, 2, VARVE_NACK_STOP);
    assert_int_equal(next_action(&f).kind, GROUP_STOP);
    group_state_leave(f.state, 1, false); /* As all members of a group that stops. */
    settle(&f, 1, 1, true);
    assert_int_equal(group_state_checkpoint(f.state), 1);
    group_state_resume(f.state);
    join_ready(&f, 2);
    expect_delivery(&f, 2, 2, 1);
    group_fixture_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parked_replay_does_not_move_the_checkpoint),
        cmocka_unit_test(same_event_is_not_parked_twice),
        cmocka_unit_test(retry_blocks_its_key_only),
        cmocka_unit_test(late_ack_is_fenced),
        cmocka_unit_test(pinned_key_is_not_skipped_when_its_consumer_leaves),
        cmocka_unit_test(transaction_of_a_lost_consumer_is_waited_for),
        cmocka_unit_test(late_outcome_of_a_transaction_is_ignored),
        cmocka_unit_test(stop_of_a_group_keeps_what_a_transaction_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
