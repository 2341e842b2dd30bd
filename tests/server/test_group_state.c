/* test_group_state.c - the rules of a consumer group, one by one. */
#include "group_fixture.h"

#include "varve/wire.h"

enum { KEY_A = 1, KEY_B = 2, KEY_C = 3 };

static void an_acked_event_moves_the_checkpoint_and_comes_back(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    add_events(&f, 2, 1, KEY_B);
    expect_nothing(&f); /* Nobody is there. */
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    expect_delivery(&f, 1, 2, 1);
    ack(&f, 1, 2);
    assert_int_equal(group_state_checkpoint(f.state), 0); /* 1 is unfinished. */
    ack(&f, 1, 1);
    assert_int_equal(group_state_checkpoint(f.state), 2);
    expect_nothing(&f);
    assert_int_equal(f.released, 2);
    group_fixture_teardown(&f);
}

static void the_checkpoint_follows_what_was_looked_at(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    group_state_looked_at(f.state, 40);
    assert_int_equal(group_state_checkpoint(f.state), 40);
    add_events(&f, 50, 1, KEY_A);
    assert_int_equal(group_state_checkpoint(f.state), 49); /* What lies between was looked at. */
    group_state_looked_at(f.state, 90);
    assert_int_equal(group_state_checkpoint(f.state), 49);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 50, 1);
    ack(&f, 1, 50);
    assert_int_equal(group_state_checkpoint(f.state), 90); /* Never past the end of what was seen. */
    group_fixture_teardown(&f);
}

static void events_of_a_key_go_one_at_a_time_in_order(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 3, KEY_A);
    join_ready(&f, 1);
    join_ready(&f, 2);
    for (uint64_t position = 1; position <= 3; position++) {
        struct group_action action = next_action(&f);
        assert_int_equal(action.kind, GROUP_DELIVER);
        assert_int_equal(action.position, position);
        expect_nothing(&f);
        ack(&f, action.epoch, position);
    }
    group_fixture_teardown(&f);
}

static void the_fewest_in_flight_come_first_then_turns(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t key = 1; key <= 7; key++)
        add_events(&f, key, 1, key);
    for (uint64_t epoch = 1; epoch <= 3; epoch++)
        join_ready(&f, epoch);
    expect_delivery(&f, 1, 1, 1);
    expect_delivery(&f, 2, 2, 1);
    expect_delivery(&f, 3, 3, 1);
    expect_delivery(&f, 1, 4, 1);
    ack(&f, 3, 3);
    ack(&f, 1, 1);
    expect_delivery(&f, 3, 5, 1); /* None in flight against one each. */
    expect_delivery(&f, 2, 6, 1); /* One each: the longest without. */
    expect_delivery(&f, 1, 7, 1);
    group_fixture_teardown(&f);
}

static void limits_of_group_and_consumer_are_kept(void **unused)
{
    struct group_fixture f;
    struct group_state_limits limits = { .max_in_flight = 3, .consumer_max_in_flight = 2, .ack_timeout_ms = 1000,
                                         .max_attempts = 3 };

    group_fixture_begin(&f, limits, 0);
    for (uint64_t key = 1; key <= 9; key++)
        add_events(&f, key, 1, key);
    assert_true(group_state_join(f.state, 1, 1)); /* Asks for less. */
    group_state_set_ready(f.state, 1, true);
    expect_delivery(&f, 1, 1, 1);
    expect_nothing(&f);
    assert_true(group_state_join(f.state, 2, 50)); /* Asks for more than it may. */
    group_state_set_ready(f.state, 2, true);
    expect_delivery(&f, 2, 2, 1);
    expect_delivery(&f, 2, 3, 1);
    expect_nothing(&f);
    join_ready(&f, 3);
    expect_nothing(&f); /* The group has its three. */
    assert_int_equal(group_state_member_in_flight(f.state, 2), 2);
    limits.max_in_flight = 4;
    group_state_set_limits(f.state, &limits);
    expect_delivery(&f, 3, 4, 1);
    limits.max_in_flight = limits.consumer_max_in_flight = 1;
    group_state_set_limits(f.state, &limits); /* Lowered: what is out stays out. */
    expect_nothing(&f);
    ack(&f, 2, 2);
    expect_nothing(&f);
    group_fixture_teardown(&f);
}

static void who_is_not_ready_gets_nothing(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    add_events(&f, 2, 1, KEY_B);
    assert_true(group_state_join(f.state, 1, 0));
    expect_nothing(&f);
    group_state_set_ready(f.state, 1, true);
    expect_delivery(&f, 1, 1, 1);
    group_state_set_ready(f.state, 1, false);
    expect_nothing(&f);
    ack(&f, 1, 1); /* What it has it may finish. */
    group_state_set_ready(f.state, 99, true); /* Nobody. */
    expect_nothing(&f);
    group_fixture_teardown(&f);
}

static void a_nack_waits_as_the_group_or_the_consumer_says(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    nack(&f, 1, 1, VARVE_NACK_RETRY);
    assert_int_equal(group_state_next_due_ms(f.state), f.now_ms + 10);
    f.now_ms += 9;
    expect_nothing(&f);
    f.now_ms += 1;
    expect_delivery(&f, 1, 1, 2);
    assert_int_equal(group_state_nack(f.state, 1, 1, VARVE_NACK_RETRY, 7, varve_view_str(""), f.now_ms), VARVE_OK);
    assert_int_equal(group_state_next_due_ms(f.state), f.now_ms + 7);
    f.now_ms += 7;
    expect_delivery(&f, 1, 1, 3);
    nack(&f, 1, 1, VARVE_NACK_RETRY);
    expect_settling(&f, GROUP_PARK, 1, "max_attempts");
    group_fixture_teardown(&f);
}

static void the_last_backoff_is_used_again_and_none_means_at_once(void **unused)
{
    static const struct {
        const char *label;
        uint32_t count, list[2], attempt;
        uint64_t wait_ms;
    } cases[] = {
        { "the first", 2, { 10, 20 }, 1, 10 },      { "the second", 2, { 10, 20 }, 2, 20 },
        { "beyond the list", 2, { 10, 20 }, 5, 20 }, { "no list", 0, { 0 }, 3, 0 },
        { "a list of nothing", 1, { 0 }, 2, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct group_fixture f;
        struct group_state_limits limits = { .max_in_flight = 9, .consumer_max_in_flight = 9, .ack_timeout_ms = 1000,
                                             .max_attempts = 9, .backoff_count = cases[i].count,
                                             .backoff_ms = { cases[i].list[0], cases[i].list[1] } };
        group_fixture_begin(&f, limits, 0);
        add_events(&f, 1, 1, KEY_A);
        join_ready(&f, 1);
        for (uint32_t attempt = 1; attempt <= cases[i].attempt; attempt++) {
            expect_delivery(&f, 1, 1, attempt);
            if (attempt < cases[i].attempt)
                group_state_nack(f.state, 1, 1, VARVE_NACK_RETRY, 0, varve_view_str(""), f.now_ms);
        }
        nack(&f, 1, 1, VARVE_NACK_RETRY);
        uint64_t due = group_state_next_due_ms(f.state);
        CHECK_CASE(due == (cases[i].wait_ms == 0 ? UINT64_MAX : f.now_ms + cases[i].wait_ms), cases[i].label);
        f.now_ms += cases[i].wait_ms;
        expect_delivery(&f, 1, 1, cases[i].attempt + 1);
        group_fixture_teardown(&f);
    }
}

static void a_timeout_is_an_attempt_and_parks_in_the_end(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    uint64_t first = f.now_ms;
    f.now_ms += GROUP_FIXTURE_FAR;
    expect_nothing(&f); /* The backoff runs. */
    assert_int_equal(group_state_ack(f.state, 1, 1), VARVE_FENCED);
    f.now_ms += 10;
    expect_delivery(&f, 1, 1, 2);
    f.now_ms += GROUP_FIXTURE_FAR;
    expect_nothing(&f);
    f.now_ms += 20;
    expect_delivery(&f, 1, 1, 3);
    f.now_ms += GROUP_FIXTURE_FAR;
    struct group_action action = next_action(&f);
    assert_int_equal(action.kind, GROUP_PARK);
    assert_string_equal(action.reason, "timeout");
    assert_int_equal(action.attempt, 3);
    assert_int_equal(action.first_attempt_ms, first);
    assert_int_equal(action.last_error.size, 0);
    group_fixture_teardown(&f);
}

static void extend_moves_the_deadline(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    assert_int_equal(group_state_extend(f.state, 1, 1, 5000, f.now_ms), VARVE_OK);
    f.now_ms += 4999;
    expect_nothing(&f);
    ack(&f, 1, 1);
    assert_int_equal(group_state_extend(f.state, 1, 1, 5000, f.now_ms), VARVE_FENCED);
    assert_int_equal(group_state_next_due_ms(f.state), UINT64_MAX);
    group_fixture_teardown(&f);
}

static void skip_finishes_and_park_waits_until_it_is_durable(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 3, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    nack(&f, 1, 1, VARVE_NACK_SKIP);
    assert_int_equal(group_state_checkpoint(f.state), 1);
    expect_delivery(&f, 1, 2, 1);
    nack(&f, 1, 2, VARVE_NACK_PARK);
    struct group_action action = next_action(&f);
    assert_int_equal(action.kind, GROUP_PARK);
    assert_string_equal(action.reason, "nack");
    assert_memory_equal(action.last_error.data, "because", action.last_error.size);
    expect_nothing(&f); /* The next of its key waits, and so does the checkpoint. */
    assert_int_equal(group_state_checkpoint(f.state), 1);
    assert_true(group_state_parked(f.state, 2));
    assert_int_equal(group_state_checkpoint(f.state), 2);
    expect_delivery(&f, 1, 3, 1);
    group_fixture_teardown(&f);
}

static void stop_tells_once_and_resume_goes_on(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    add_events(&f, 2, 1, KEY_B);
    add_events(&f, 3, 1, KEY_C);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    expect_delivery(&f, 1, 2, 1);
    expect_delivery(&f, 1, 3, 1);
    nack(&f, 1, 2, VARVE_NACK_STOP);
    nack(&f, 1, 1, VARVE_NACK_STOP);
    struct group_action action = next_action(&f);
    assert_int_equal(action.kind, GROUP_STOP);
    assert_int_equal(action.position, 2);
    assert_int_equal(action.epoch, 1);
    assert_memory_equal(action.last_error.data, "because", action.last_error.size);
    assert_true(group_state_is_stopped(f.state));
    ack(&f, 1, 3); /* What is out can be finished. */
    expect_nothing(&f);
    assert_int_equal(group_state_checkpoint(f.state), 0);
    group_state_resume(f.state);
    expect_delivery(&f, 1, 1, 1); /* Not counted. */
    expect_delivery(&f, 1, 2, 1);
    group_fixture_teardown(&f);
}

static void a_group_found_stopped_delivers_nothing_and_tells_nothing(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    group_state_stop(f.state);
    add_events(&f, 1, 1, KEY_A);
    join_ready(&f, 1);
    expect_nothing(&f);
    group_state_resume(f.state);
    expect_delivery(&f, 1, 1, 1);
    group_fixture_teardown(&f);
}

static void what_a_leaver_had_goes_to_others_at_once(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t key = 1; key <= 5; key++)
        add_events(&f, key, 1, key);
    join_ready(&f, 1);
    for (uint64_t position = 1; position <= 3; position++)
        expect_delivery(&f, 1, position, 1);
    assert_true(group_state_leave(f.state, 1, false));
    assert_false(group_state_leave(f.state, 1, false));
    join_ready(&f, 2);
    for (uint64_t position = 1; position <= 3; position++)
        expect_delivery(&f, 2, position, 2); /* As they were, before those that nobody had. */
    expect_delivery(&f, 2, 4, 1);
    group_fixture_teardown(&f);
}

static void what_loses_every_consumer_is_parked(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 1, KEY_A);
    for (uint64_t epoch = 1; epoch <= 3; epoch++) {
        join_ready(&f, epoch);
        expect_delivery(&f, epoch, 1, (uint32_t)epoch);
        group_state_leave(f.state, epoch, false);
    }
    expect_settling(&f, GROUP_PARK, 1, "consumer_lost");
    assert_true(group_state_parked(f.state, 1));
    expect_nothing(&f);
    assert_int_equal(f.released, 1);
    group_fixture_teardown(&f);
}

static void fewer_attempts_park_what_had_more(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 1, 2, KEY_A);
    join_ready(&f, 1);
    expect_delivery(&f, 1, 1, 1);
    nack(&f, 1, 1, VARVE_NACK_RETRY);
    f.limits.max_attempts = 1;
    group_state_set_limits(f.state, &f.limits);
    f.now_ms += 10;
    expect_settling(&f, GROUP_PARK, 1, "max_attempts");
    group_state_parked(f.state, 1);
    expect_delivery(&f, 1, 2, 1);
    group_fixture_teardown(&f);
}

static void a_replay_is_resolved_or_parked_again(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    join_ready(&f, 1);
    assert_true(group_state_replay(f.state, 7, KEY_A, &f));
    assert_false(group_state_replay(f.state, 7, KEY_A, &f)); /* It is replaying. */
    expect_delivery(&f, 1, 7, 1);
    ack(&f, 1, 7);
    expect_settling(&f, GROUP_RESOLVE, 7, NULL);
    assert_false(group_state_replay(f.state, 7, KEY_A, &f)); /* Not before that is durable. */
    assert_true(group_state_parked(f.state, 7));
    expect_nothing(&f);
    assert_true(group_state_replay(f.state, 7, KEY_A, &f));
    expect_delivery(&f, 1, 7, 1);
    nack(&f, 1, 7, VARVE_NACK_PARK);
    expect_settling(&f, GROUP_REPARK, 7, "nack");
    assert_true(group_state_parked(f.state, 7));
    expect_nothing(&f);
    assert_int_equal(f.released, 2);
    group_fixture_teardown(&f);
}

static void replays_have_a_bound(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    for (uint64_t position = 1; position <= GROUP_STATE_MAX_REPLAYS; position++)
        assert_true(group_state_replay(f.state, position, position, &f));
    assert_false(group_state_replay(f.state, GROUP_STATE_MAX_REPLAYS + 1, 1, &f));
    assert_int_equal(group_state_room(f.state), GROUP_STATE_MAX_EVENTS); /* They take no room of others. */
    group_fixture_teardown(&f);
}

static void acks_of_what_was_never_sent_say_so(void **unused)
{
    struct group_fixture f;

    group_fixture_setup(&f);
    add_events(&f, 10, 3, KEY_A);
    join_ready(&f, 1);
    assert_int_equal(group_state_ack(f.state, 1, 10), VARVE_NOT_DELIVERED);
    expect_delivery(&f, 1, 10, 1);
    static const struct {
        const char *label;
        uint64_t epoch, position;
        enum varve_status expected;
    } cases[] = {
        { "behind it in its key", 1, 11, VARVE_NOT_DELIVERED }, { "not of this group", 1, 5, VARVE_NOT_DELIVERED },
        { "past the end", 1, 99, VARVE_NOT_DELIVERED },         { "position 0", 1, 0, VARVE_NOT_DELIVERED },
        { "nobody's epoch", 2, 10, VARVE_FENCED },              { "epoch 0", 0, 10, VARVE_FENCED },
        { "its own", 1, 10, VARVE_OK },                         { "its own, again", 1, 10, VARVE_FENCED },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(group_state_ack(f.state, cases[i].epoch, cases[i].position) == cases[i].expected, cases[i].label);
    group_fixture_teardown(&f);
}

static void figures_count_what_happened(void **unused)
{
    struct group_fixture f;
    struct group_state_figures figures;

    group_fixture_setup(&f);
    for (uint64_t key = 1; key <= 4; key++)
        add_events(&f, key, 1, key);
    group_state_replay(f.state, 100, 9, &f);
    join_ready(&f, 1);
    for (uint64_t position = 1; position <= 4; position++)
        expect_delivery(&f, 1, position, 1);
    ack(&f, 1, 1);
    nack(&f, 1, 2, VARVE_NACK_RETRY);
    group_state_nack(f.state, 1, 3, VARVE_NACK_RETRY, 0, varve_view_str(""), f.now_ms);
    expect_delivery(&f, 1, 3, 2);
    group_state_get_figures(f.state, &figures);
    assert_int_equal(figures.events, 4);
    assert_int_equal(figures.in_flight, 2);
    assert_int_equal(figures.retrying, 1);
    assert_int_equal(figures.replaying, 1);
    assert_int_equal(figures.acked, 1);
    assert_int_equal(figures.redelivered, 1);
    group_fixture_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acked_event_moves_the_checkpoint_and_comes_back),
        cmocka_unit_test(the_checkpoint_follows_what_was_looked_at),
        cmocka_unit_test(events_of_a_key_go_one_at_a_time_in_order),
        cmocka_unit_test(the_fewest_in_flight_come_first_then_turns),
        cmocka_unit_test(limits_of_group_and_consumer_are_kept),
        cmocka_unit_test(who_is_not_ready_gets_nothing),
        cmocka_unit_test(a_nack_waits_as_the_group_or_the_consumer_says),
        cmocka_unit_test(the_last_backoff_is_used_again_and_none_means_at_once),
        cmocka_unit_test(a_timeout_is_an_attempt_and_parks_in_the_end),
        cmocka_unit_test(extend_moves_the_deadline),
        cmocka_unit_test(skip_finishes_and_park_waits_until_it_is_durable),
        cmocka_unit_test(stop_tells_once_and_resume_goes_on),
        cmocka_unit_test(a_group_found_stopped_delivers_nothing_and_tells_nothing),
        cmocka_unit_test(what_a_leaver_had_goes_to_others_at_once),
        cmocka_unit_test(what_loses_every_consumer_is_parked),
        cmocka_unit_test(fewer_attempts_park_what_had_more),
        cmocka_unit_test(a_replay_is_resolved_or_parked_again),
        cmocka_unit_test(replays_have_a_bound),
        cmocka_unit_test(acks_of_what_was_never_sent_say_so),
        cmocka_unit_test(figures_count_what_happened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
