/* test_outbox_wait.c - what an outbox does while nothing is to be sent. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static void set_suspect(bool suspect)
{
    pthread_mutex_lock(&fake.lock);
    fake.suspect = suspect;
    pthread_mutex_unlock(&fake.lock);
}

static uint64_t epoch(void)
{
    pthread_mutex_lock(&fake.lock);
    uint64_t now = fake.epoch;
    pthread_mutex_unlock(&fake.lock);
    return now;
}

static bool has_second_epoch(struct hands *h)
{
    return epoch() >= 2;
}

static void a_connection_that_breaks_while_it_is_idle_leads_to_a_new_epoch(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    set_suspect(true);
    hands_wait(h, has_second_epoch);
    set_suspect(false);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    assert_int_equal(fake_sent(NULL, 0, false), 2);
    assert_true(outbox_figures_of(h->outbox)->epoch_refreshes > 0);
    assert_int_equal(h->view.failures, 0);
    hands_close(h);
}

static bool has_checkpoint(struct hands *h)
{
    return fake_checkpoint(NULL) >= h->wanted_position;
}

static void a_checkpoint_follows_what_was_only_passed(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->allow_types = (const char *[]){ "wanted" };
    h->config->allow_type_count = 1;
    hands_start(h);
    h->wanted_position = hands_append(h, "a-1", "unwanted", 7);
    hands_wait(h, has_checkpoint);
    assert_int_equal(fake_sent(NULL, 0, false), 0);
    assert_int_equal(outbox_figures_of(h->outbox)->filtered[OUTBOX_FILTER_TYPE_NOT_ALLOWED], 7);
    h->config->allow_types = NULL; /* It was never the configuration's own. */
    h->config->allow_type_count = 0;
    hands_close(h);
}

static void set_hold(bool hold)
{
    pthread_mutex_lock(&fake.lock);
    fake.hold = hold;
    fake.held = 0;
    pthread_mutex_unlock(&fake.lock);
}

static bool is_held(struct hands *h)
{
    pthread_mutex_lock(&fake.lock);
    bool held = fake.held > 0;
    pthread_mutex_unlock(&fake.lock);
    return held;
}

static void no_order_interrupts_a_checkpoint(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->allow_types = (const char *[]){ "wanted" };
    h->config->allow_type_count = 1;
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    set_hold(true);
    hands_append(h, "a-1", "unwanted", 7);
    hands_wait(h, is_held);
    atomic_store(&h->outbox->has_errands, true); /* An order that nobody takes away. */
    set_hold(true);
    hands_wait(h, is_held); /* It was asked, and held again. */
    atomic_store(&h->outbox->has_errands, false);
    set_hold(false);
    h->wanted_position = varve_store_last_position(h->store);
    hands_wait(h, has_checkpoint);
    assert_int_equal(outbox_figures_of(h->outbox)->epoch_refreshes, 0);
    h->config->allow_types = NULL;
    h->config->allow_type_count = 0;
    hands_close(h);
}

static bool has_hint(struct hands *h)
{
    return hands_remembered(h, "$outbox.published") > 0;
}

static void the_log_remembers_the_checkpoint(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    hands_wait(h, has_hint);
    hands_close(h);
}

static bool is_old(struct hands *h)
{
    return h->view.lag_events == 3 && h->view.lag_us > 0;
}

static void the_age_of_what_waits_is_seen_while_kafka_is_away(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 1000000);
    h->config->backoff_min_ms = h->config->backoff_max_ms = 3600 * 1000;
    hands_append(h, "a-1", "went", 3);
    hands_start(h);
    hands_wait(h, is_old);
    hands_close(h);
}

/* The outbox itself has been waiting for Kafka since before these events came. */
static void the_age_of_what_waits_is_learnt_by_who_asks(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    set_hold(true);
    hands_start(h);
    hands_wait(h, is_held); /* The claim. */
    hands_append(h, "a-1", "went", 3);
    outbox_learn_age(h->outbox);
    hands_wait(h, is_old);
    assert_int_equal(h->view.phase, VARVE_OUTBOX_RECOVER);
    set_hold(false);
    hands_close(h);
}

static void who_may_interrupt_whom(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    outbox_stop(h->outbox);
    assert_true(outbox_join(h->outbox, 60000));
    struct outbox *outbox = h->outbox;
    outbox->step = OUTBOX_STEP_INIT;
    assert_true(outbox_is_interrupted(outbox));
    outbox->step = OUTBOX_STEP_PUBLISH;
    outbox->stop_us = outbox_now_us(); /* A transaction has two seconds. */
    assert_false(outbox_is_interrupted(outbox));
    outbox->stop_us -= 10 * OUTBOX_SECOND_US;
    assert_true(outbox_is_interrupted(outbox));
    outbox->stopping = false;
    outbox->has_errands = true;
    assert_false(outbox_is_interrupted(outbox));
    outbox->step = OUTBOX_STEP_LOOK;
    assert_true(outbox_is_interrupted(outbox));
    outbox->ordering = true;
    assert_false(outbox_is_interrupted(outbox));
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_that_breaks_while_it_is_idle_leads_to_a_new_epoch),
        cmocka_unit_test(a_checkpoint_follows_what_was_only_passed),
        cmocka_unit_test(no_order_interrupts_a_checkpoint),
        cmocka_unit_test(the_log_remembers_the_checkpoint),
        cmocka_unit_test(the_age_of_what_waits_is_seen_while_kafka_is_away),
        cmocka_unit_test(the_age_of_what_waits_is_learnt_by_who_asks),
        cmocka_unit_test(who_may_interrupt_whom),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
