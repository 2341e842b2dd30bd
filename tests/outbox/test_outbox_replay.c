/* test_outbox_replay.c - events that are sent again on purpose. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static bool is_over(struct hands *h)
{
    return h->view.replay_number == 0;
}

/* Streams a-1 and b-1 in turn, 100 events; types went and came. */
static struct hands *with_events(void)
{
    struct hands *h = hands_open();

    fake_reset();
    for (unsigned i = 0; i < 10; i++)
        hands_append(h, i % 2 == 0 ? "a-1" : "b-1", i < 5 ? "went" : "came", 10);
    hands_start(h);
    hands_wait_position(h, 100);
    return h;
}

static void replay(struct hands *h, uint64_t from, uint64_t until)
{
    h->order.position = from;
    h->order.until = until;
    if (hands_order(h, VARVE_OUTBOX_REPLAY) != VARVE_OK)
        fail_msg("%s", h->error.message);
}

static void a_range_is_sent_again_once(void **state)
{
    struct hands *h = with_events();

    h->config->max_events = 7;
    replay(h, 11, 60);
    assert_true(h->position == 60 && h->count == 1);
    hands_wait(h, is_over);
    assert_int_equal(fake_sent(NULL, 0, true), 50);
    for (uint64_t position = 11; position <= 60; position++)
        assert_int_equal(fake_sent(NULL, position, true), 1);
    assert_int_equal(fake_sent(NULL, 0, false), 100);
    assert_int_equal(hands_remembered(h, "$outbox.replayed"), 1);
    for (size_t i = 0; i < fake.count; i++)
        assert_true(fake.records[i].replay <= 1);
    assert_int_equal(outbox_figures_of(h->outbox)->events_replayed, 50);
    hands_close(h);
}

static void only_a_stream_or_a_type(void **state)
{
    struct hands *h = with_events();

    h->order.stream = varve_view_str("a-1");
    replay(h, 1, 0);
    assert_int_equal(h->position, 100);
    hands_wait(h, is_over);
    assert_int_equal(fake_sent("varve.a", 0, true), 50);
    assert_int_equal(fake_sent("varve.b", 0, true), 0);
    h->order.stream = varve_view_str("b-1");
    h->order.type = varve_view_str("came");
    replay(h, 1, 0);
    assert_int_equal(h->count, 2);
    hands_wait(h, is_over);
    assert_int_equal(fake_sent("varve.b", 0, true), 30);
    hands_close(h);
}

/* The last positions of the range are the outbox's own notes, which are not sent, and events follow behind them. */
static void a_range_that_ends_with_what_is_not_sent(void **state)
{
    struct hands *h = with_events();

    hands_stop(h);
    uint64_t note = varve_store_last_position(h->store);
    assert_true(note > 100); /* The hint of a clean stop. */
    hands_start(h);
    hands_append(h, "a-1", "went", 10);
    hands_wait_position(h, note + 10);
    replay(h, 91, note);
    hands_wait(h, is_over);
    assert_int_equal(fake_sent(NULL, 0, true), 10);
    hands_close(h);
}

static void nothing_above_the_checkpoint_and_one_at_a_time(void **state)
{
    struct hands *h = with_events();

    h->order.position = 5000;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_REPLAY), VARVE_INVALID_ARGUMENT);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_REPLAY), VARVE_INVALID_ARGUMENT); /* 0 */
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    replay(h, 1, 0);
    h->order.position = 1;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_REPLAY), VARVE_OUTBOX_BUSY);
    assert_int_equal(fake_sent(NULL, 0, true), 0);
    outbox_look(h->outbox, &h->view);
    assert_true(h->view.replay_number == 1 && h->view.replay_until == 100 && h->view.retention_floor == 1);
    hands_stop(h); /* It is not forgotten. */
    hands_start(h);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESUME), VARVE_OK);
    hands_wait(h, is_over);
    assert_int_equal(fake_sent(NULL, 0, true), 100);
    hands_close(h);
}

static void an_answer_that_is_lost_sends_nothing_a_third_time(void **state)
{
    struct hands *h = with_events();

    h->config->max_events = 10;
    pthread_mutex_lock(&fake.lock);
    fake.plans[FAKE_SEND] = (struct fake_plan){ OUTBOX_AGAIN, "_TIMED_OUT", 2, 1, true };
    pthread_mutex_unlock(&fake.lock);
    replay(h, 1, 0);
    hands_wait(h, is_over);
    for (uint64_t position = 1; position <= 100; position++)
        assert_int_equal(fake_sent(NULL, position, true), 1);
    hands_close(h);
}

static void what_is_refused_now_is_left_out(void **state)
{
    struct hands *h = with_events();

    pthread_mutex_lock(&fake.lock);
    fake.poison[0] = 33;
    pthread_mutex_unlock(&fake.lock);
    replay(h, 1, 0);
    hands_wait(h, is_over);
    assert_int_equal(fake_sent(NULL, 0, true), 99);
    assert_int_equal(fake_sent(NULL, 33, true), 0);
    assert_int_equal(h->view.dead_streams, 0);
    assert_non_null(strstr(hands_log(h), "outbox.replay_skipped outbox=t number=1 position=33"));
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_sent_again_once),
        cmocka_unit_test(only_a_stream_or_a_type),
        cmocka_unit_test(a_range_that_ends_with_what_is_not_sent),
        cmocka_unit_test(nothing_above_the_checkpoint_and_one_at_a_time),
        cmocka_unit_test(an_answer_that_is_lost_sends_nothing_a_third_time),
        cmocka_unit_test(what_is_refused_now_is_left_out),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
