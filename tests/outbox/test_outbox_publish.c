/* test_outbox_publish.c - what is counted and remembered of what was published, in both modes. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static void figures_say_what_was_published(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 30));
    struct outbox_figures *figures = outbox_figures_of(h->outbox);
    assert_int_equal(figures->events_published, 30);
    assert_true(figures->transactions >= 2); /* The claim is one. */
    assert_true(figures->bytes_published > 0);
    assert_true(outbox_figures_quantile(figures, OUTBOX_MEASURE_ACK_US, 500) >= 1000);
    assert_true(outbox_figures_quantile(figures, OUTBOX_MEASURE_PUBLISH_DELAY_US, 500) > 0);
    assert_true(outbox_figures_quantile(figures, OUTBOX_MEASURE_TAKEOVER_US, 500) > 0);
    hands_close(h);
}

static void at_least_once_remembers_in_the_log(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    for (unsigned round = 1; round <= 3; round++) {
        hands_start(h);
        hands_wait_position(h, hands_append(h, "a-1", "went", 10));
        hands_stop(h);
        assert_int_equal(hands_remembered(h, "$outbox.published"), round);
        assert_int_equal(fake_sent(NULL, 0, false), 10 * round);
        assert_int_equal(fake_checkpoint(NULL), 0);
    }
    hands_close(h);
}

static bool has_hint(struct hands *h)
{
    return hands_remembered(h, "$outbox.published") > 0 && h->view.position == h->view.head;
}

static void at_least_once_does_not_follow_its_own_notes(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    hands_wait(h, has_hint);
    size_t notes = hands_remembered(h, "$outbox.published");
    hands_stop(h);
    assert_int_equal(hands_remembered(h, "$outbox.published"), notes);
    hands_close(h);
}

static void at_least_once_repeats_what_it_does_not_know_of(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    pthread_mutex_lock(&fake.lock);
    fake.plans[FAKE_SEND] = (struct fake_plan){ OUTBOX_AGAIN, "_TIMED_OUT", 0, 1, true };
    pthread_mutex_unlock(&fake.lock);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    for (uint64_t position = 1; position <= 10; position++)
        assert_int_equal(fake_sent(NULL, position, false), 2);
    hands_close(h);
}

/* A second is far away: the first transaction that fails is repeated with what came meanwhile. */
static void nothing_is_lost_while_transactions_fail(void **state)
{
    struct hands *h = hands_open();
    uint64_t last = 0;

    fake_reset();
    hands_start(h);
    for (unsigned round = 0; round < 30; round++) {
        fake_plan(round % 2 == 0 ? FAKE_SEND : FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", round % 3, 2);
        last = hands_append(h, round % 2 == 0 ? "a-1" : "b-1", "went", 7);
    }
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), 210);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_say_what_was_published),
        cmocka_unit_test(at_least_once_remembers_in_the_log),
        cmocka_unit_test(at_least_once_does_not_follow_its_own_notes),
        cmocka_unit_test(at_least_once_repeats_what_it_does_not_know_of),
        cmocka_unit_test(nothing_is_lost_while_transactions_fail),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
