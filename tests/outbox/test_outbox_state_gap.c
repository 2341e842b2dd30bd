/* test_outbox_state_gap.c - the gap between transactions: up when the coordinator was not ready, slowly down again. */
#include "state_driver.h"
#include "support/check.h"

static struct outbox_state machine(bool transactional, int32_t gap_us)
{
    struct outbox_settings settings = driven_settings();
    struct outbox_state state;

    settings.transactional = transactional;
    settings.gap_us = gap_us;
    outbox_state_init(&state, &settings, 1);
    return state;
}

static void it_grows_at_once_and_shrinks_slowly(void **unused)
{
    struct outbox_state state = machine(true, -1);

    assert_int_equal(state.gap_us, 2000);
    outbox_state_tune_gap(&state, 2000);
    for (int i = 0; i < 5; i++)
        outbox_state_tune_gap(&state, 23000);
    assert_int_equal(state.gap_us, 7000);
    for (int i = 0; i < 100; i++)
        outbox_state_tune_gap(&state, 2000);
    assert_int_equal(state.gap_us, 6125);
    for (int i = 0; i < 800; i++)
        outbox_state_tune_gap(&state, 2000);
    assert_true(state.gap_us < 3000);
    for (int i = 0; i < 1000; i++)
        outbox_state_tune_gap(&state, 2000);
    assert_int_equal(state.gap_us, 1000);
}

static void it_has_a_most(void **unused)
{
    struct outbox_state state = machine(true, -1);

    outbox_state_tune_gap(&state, 1000);
    for (int i = 0; i < 40; i++) {
        outbox_state_tune_gap(&state, 1000000);
        outbox_state_tune_gap(&state, 1000);
    }
    assert_int_equal(state.gap_us, 20000);
}

/* A cluster that became slow for good is not one whose coordinator is never ready. */
static void what_is_usual_is_learnt(void **unused)
{
    struct outbox_state state = machine(true, -1);

    outbox_state_tune_gap(&state, 60000); /* The first, as it happens, was late itself. */
    outbox_state_tune_gap(&state, 2000);
    assert_int_equal(state.gap_us, 2000);
    for (int i = 0; i < 1000; i++)
        outbox_state_tune_gap(&state, 30000);
    int64_t most = state.gap_us;
    for (int i = 0; i < 1000; i++)
        outbox_state_tune_gap(&state, 30000);
    assert_true(state.gap_us < most);
}

static void it_stays_where_it_is_set(void **unused)
{
    struct outbox_state fixed = machine(true, 7000), none = machine(false, -1);

    for (int i = 0; i < 300; i++) {
        outbox_state_tune_gap(&fixed, i % 2 ? 1000 : 50000);
        outbox_state_tune_gap(&none, i % 2 ? 1000 : 50000);
    }
    assert_int_equal(fixed.gap_us, 7000);
    assert_int_equal(none.gap_us, 0);
}

static void transactions_without_messages_say_nothing(void **unused)
{
    struct outbox_state state = machine(true, -1);

    for (int i = 0; i < 300; i++)
        outbox_state_tune_gap(&state, 0);
    assert_int_equal(state.gap_us, 2000);
    assert_int_equal(state.ack_baseline_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_at_once_and_shrinks_slowly), cmocka_unit_test(it_has_a_most),
        cmocka_unit_test(what_is_usual_is_learnt), cmocka_unit_test(it_stays_where_it_is_set),
        cmocka_unit_test(transactions_without_messages_say_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
