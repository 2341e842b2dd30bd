/* test_outbox.c - the outbox as a whole: each event once and in order, over restarts; woken, stopped, ordered about. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static void publishes_each_event_once_and_in_order(void **state)
{
    struct hands *h = hands_open();
    uint64_t last = 0;

    fake_reset();
    hands_append(h, "a-1", "began", 50); /* Some before it starts, */
    hands_start(h);
    for (unsigned i = 0; i < 50; i++)    /* and some later. */
        last = hands_append(h, i % 2 == 0 ? "a-1" : "b-1", "went", 3);
    hands_wait_position(h, last);
    uint64_t before = 0;
    for (size_t i = 0; i < fake.count; i++) {
        if (fake.records[i].topic[0] == 0)
            continue;
        assert_true(fake.records[i].position > before);
        before = fake.records[i].position;
        assert_string_equal(fake.records[i].topic, fake.records[i].key[0] == 'a' ? "varve.a" : "varve.b");
        assert_int_equal(fake.records[i].partition,
                         outbox_kafka_partition_of(varve_view_str(fake.records[i].key), fake.partitions));
    }
    assert_int_equal(fake_sent(NULL, 0, false), 200);
    assert_true(fake_checkpoint(NULL) >= before);
    hands_close(h);
}

static void a_restart_goes_on_where_the_checkpoint_is(void **state)
{
    struct hands *h = hands_open();
    uint64_t generation = 0;

    fake_reset();
    for (unsigned round = 1; round <= 3; round++) {
        hands_start(h);
        hands_wait_position(h, hands_append(h, "a-1", "went", 10));
        hands_stop(h);
        assert_int_equal(fake_sent(NULL, 0, false), 10 * round);
        fake_checkpoint(&generation);
        assert_int_equal(generation, round);
        assert_true(fake.instances == 0);
    }
    hands_close(h);
}

static bool has_hint(struct hands *h)
{
    return hands_remembered(h, "$outbox.published") > 0 && h->view.position == h->view.head;
}

static void its_own_notes_lead_to_nothing(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    hands_wait(h, has_hint);
    uint64_t sends = fake.sends, position = h->view.position;
    hands_append(h, "a-1", "went", 1);
    hands_wait_position(h, position + 1);
    assert_int_equal(fake.sends, sends + 1);
    assert_int_equal(fake_sent(NULL, 0, false), 2);
    hands_close(h);
}

static void ends_at_once_while_it_backs_off(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 1000000);
    h->config->backoff_min_ms = h->config->backoff_max_ms = 3600 * 1000;
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_BACKOFF);
    assert_int_equal(h->view.breaker, VARVE_BREAKER_OPEN);
    assert_true(h->view.next_attempt_us > outbox_wall_us());
    hands_close(h);
}

static void orders_that_come_too_late_are_refused(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    outbox_stop(h->outbox);
    assert_true(outbox_join(h->outbox, 60000));
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_NOT_READY);
    outbox_look(h->outbox, &h->view);
    assert_int_equal(h->view.phase, VARVE_OUTBOX_STOPPED);
    hands_close(h);
}

static bool is_held(struct hands *h)
{
    pthread_mutex_lock(&fake.lock);
    bool held = fake.held > 0;
    pthread_mutex_unlock(&fake.lock);
    return held;
}

static void a_transaction_under_way_is_ended_before_it_stops(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    fake.hold = true;
    hands_append(h, "a-1", "went", 5);
    hands_wait(h, is_held);
    outbox_stop(h->outbox);
    assert_false(outbox_join(h->outbox, 50));
    pthread_mutex_lock(&fake.lock);
    fake.hold = false;
    pthread_mutex_unlock(&fake.lock);
    hands_close(h);
    assert_true(fake_sent(NULL, 0, false) == 5 || fake_sent(NULL, 0, false) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publishes_each_event_once_and_in_order),
        cmocka_unit_test(a_restart_goes_on_where_the_checkpoint_is),
        cmocka_unit_test(its_own_notes_lead_to_nothing),
        cmocka_unit_test(ends_at_once_while_it_backs_off),
        cmocka_unit_test(orders_that_come_too_late_are_refused),
        cmocka_unit_test(a_transaction_under_way_is_ended_before_it_stops),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
