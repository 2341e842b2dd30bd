/* test_outbox_recover.c - what an outbox makes of the checkpoint that it finds. */
#include "fake_kafka.h"
#include "hands_fixture.h"

/* Somebody else's claim; with his epoch, when he took over. */
static void claim(struct hands *h, uint64_t position, uint64_t sum, uint64_t generation, bool takes_over)
{
    struct varve_stats stats;
    struct outbox_checkpoint checkpoint = { .position = position, .position_sum = sum, .generation = generation,
                                            .owner.bytes = { 7 } };
    uint8_t value[OUTBOX_CHECKPOINT_BYTES];
    struct outbox_note note = { .key = varve_view_str("ck/t"), .value = { (const char *)value, sizeof(value) } };

    varve_store_stats(h->store, &stats);
    checkpoint.database_id = stats.database_id;
    outbox_checkpoint_encode(&checkpoint, value);
    pthread_mutex_lock(&fake.lock);
    fake.epoch += takes_over;
    fake_apply(NULL, 0, &note, 1);
    pthread_mutex_unlock(&fake.lock);
}

static uint64_t sum_at(struct hands *h, uint64_t position)
{
    uint64_t sum;

    assert_int_equal(outbox_sum_at(h->store, position, &sum, &h->error), VARVE_OK);
    return sum;
}

static void goes_on_behind_the_checkpoint_of_a_process_before(void **state)
{
    struct hands *h = hands_open();
    uint64_t generation;

    fake_reset();
    hands_append(h, "a-1", "went", 10);
    claim(h, 6, sum_at(h, 6), 41, true);
    hands_start(h);
    hands_wait_position(h, 10);
    assert_int_equal(fake_sent(NULL, 0, false), 4);
    assert_int_equal(fake_sent(NULL, 7, false), 1);
    assert_int_equal(fake_checkpoint(&generation), 10);
    assert_int_equal(generation, 42);
    hands_close(h);
}

static void another_log_is_no_checkpoint_of_ours(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_append(h, "a-1", "went", 10);
    claim(h, 6, sum_at(h, 6) + 1, 1, true); /* Another event was there. */
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_DIVERGED);
    assert_int_equal(fake_sent(NULL, 0, false), 0);
    hands_close(h);
}

static void a_checkpoint_that_is_gone_halts_it(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    uint64_t last = hands_append(h, "a-1", "went", 10);
    hands_wait_position(h, last);
    hands_stop(h);
    fake_reset();
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_CHECKPOINT_MISSING);
    assert_true(h->view.retention_floor <= last);
    h->order.reset_to = VARVE_RESET_HINT;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    assert_int_equal(fake_sent(NULL, 0, false), 1);
    hands_close(h);
}

/* Kafka forgets what it has acknowledged, before the log remembers it. */
static void a_checkpoint_that_is_gone_is_missed_at_once(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    uint64_t published = hands_append(h, "a-1", "went", 10);
    hands_wait_position(h, published);
    pthread_mutex_lock(&fake.lock);
    fake.count = 0;
    fake.plans[FAKE_SEND] = (struct fake_plan){ OUTBOX_AGAIN, "_TRANSPORT", 0, 1, false };
    pthread_mutex_unlock(&fake.lock);
    uint64_t last = hands_append(h, "a-1", "went", 1);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_CHECKPOINT_MISSING);
    h->order.reset_to = VARVE_RESET_HINT;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    assert_true(h->position >= published && h->position < last);
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), 1);
    hands_close(h);
}

/* What was acknowledged is not sent again, though no hint says so yet. */
static void at_least_once_goes_on_where_it_was(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    fake_plan(FAKE_SEND, OUTBOX_AGAIN, "_TRANSPORT", 0, 1);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    assert_int_equal(fake_sent(NULL, 0, false), 11);
    hands_close(h);
}

static void gives_way_to_who_took_over(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    claim(h, 1, sum_at(h, 1), 2, true);
    hands_append(h, "a-1", "went", 1);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_SUPERSEDED);
    assert_int_equal(fake_sent(NULL, 0, false), 1);
    hands_close(h);
}

static void a_fence_without_a_rival_is_passed(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    pthread_mutex_lock(&fake.lock);
    fake.epoch++; /* As the coordinator does when a transaction takes too long. */
    pthread_mutex_unlock(&fake.lock);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    assert_int_equal(fake_sent(NULL, 0, false), 2);
    hands_close(h);
}

static void an_answer_that_is_lost_leads_to_no_duplicate(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    for (unsigned round = 0; round < 20; round++) {
        pthread_mutex_lock(&fake.lock);
        fake.plans[FAKE_SEND] = (struct fake_plan){ OUTBOX_AGAIN, "_TIMED_OUT", 0, 1, round % 2 == 0 };
        pthread_mutex_unlock(&fake.lock);
        hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    }
    assert_int_equal(fake_sent(NULL, 0, false), 200);
    hands_close(h);
}

static void begins_where_it_was_told_to(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_append(h, "a-1", "went", 10);
    h->config->start_from = 8;
    hands_start(h);
    hands_wait_position(h, 10);
    assert_int_equal(fake_sent(NULL, 0, false), 3);
    hands_close(h);
}

static void the_sum_is_that_of_the_record(void **state)
{
    struct hands *h = hands_open();

    hands_append(h, "a-1", "went", 2);
    assert_int_equal(sum_at(h, 0), 0);
    assert_true(sum_at(h, 1) != sum_at(h, 2));
    uint64_t sum;
    assert_int_equal(outbox_sum_at(h->store, 3, &sum, &h->error), VARVE_EVENT_NOT_FOUND);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_behind_the_checkpoint_of_a_process_before),
        cmocka_unit_test(another_log_is_no_checkpoint_of_ours),
        cmocka_unit_test(a_checkpoint_that_is_gone_halts_it),
        cmocka_unit_test(a_checkpoint_that_is_gone_is_missed_at_once),
        cmocka_unit_test(at_least_once_goes_on_where_it_was),
        cmocka_unit_test(gives_way_to_who_took_over),
        cmocka_unit_test(a_fence_without_a_rival_is_passed),
        cmocka_unit_test(an_answer_that_is_lost_leads_to_no_duplicate),
        cmocka_unit_test(begins_where_it_was_told_to),
        cmocka_unit_test(the_sum_is_that_of_the_record),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
