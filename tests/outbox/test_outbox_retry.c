/* test_outbox_retry.c - dead letters that are tried again. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static bool has_dead(struct hands *h)
{
    return h->view.dead_streams > 0 && h->view.position >= h->wanted_position;
}

static bool has_none(struct hands *h)
{
    return h->view.dead_streams == 0;
}

static bool is_idle(struct hands *h)
{
    return h->view.retry_streams == 0;
}

/* Position 2 is refused: a-1 has one event in Kafka, and `count` that wait. */
static struct hands *with_dead_letter(size_t count)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 2;
    h->wanted_position = hands_append(h, "a-1", "went", count + 1);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(h->view.parked_events, count);
    assert_int_equal(fake_sent(NULL, 0, false), 1);
    return h;
}

static void heal(void)
{
    pthread_mutex_lock(&fake.lock);
    fake.poison[0] = 0;
    pthread_mutex_unlock(&fake.lock);
}

static void expect_order(uint64_t count)
{
    uint64_t before = 0;

    assert_int_equal(fake_sent(NULL, 0, false), count);
    for (size_t i = 0; i < fake.count; i++)
        if (fake.records[i].topic[0] != 0) {
            assert_int_equal(fake.records[i].position, before + 1);
            before++;
        }
}

static void all_that_waits_is_delivered_in_order(void **state)
{
    struct hands *h = with_dead_letter(300);
    struct fake_record note;

    heal();
    h->config->max_events = 16;
    h->order.stream = varve_view_str("a-1");
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
    assert_int_equal(h->count, 1);
    hands_wait(h, has_none);
    expect_order(301);
    struct outbox_figures *figures = outbox_figures_of(h->outbox);
    assert_int_equal(figures->dead_delivered, 300);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1)); /* It flows again, */
    assert_false(fake_note("pk/t/a-1", &note));                /* and its note is buried. */
    hands_stop(h);
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    assert_int_equal(h->view.dead_streams, 0);
    hands_close(h);
}

static void what_is_still_refused_counts_an_attempt(void **state)
{
    struct hands *h = with_dead_letter(3);
    struct varve_dead_letter *letter = NULL;

    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
        hands_wait(h, is_idle);
        assert_true(outbox_find_dead(h->outbox, varve_view_str("a-1"), &letter));
        assert_int_equal(letter->retry_count, h->config->poison_attempts + i);
        assert_true(letter->position == 2 && letter->waiting == 3);
        free(letter);
    }
    assert_non_null(strstr(hands_log(h), "outbox.retry_failed"));
    hands_wait_position(h, hands_append(h, "b-1", "went", 1)); /* Others never noticed. */
    heal();
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
    hands_wait(h, has_none);
    assert_int_equal(fake_sent("varve.a", 0, false), 4);
    hands_close(h);
}

static void a_second_one_is_found_behind_the_first(void **state)
{
    struct hands *h = with_dead_letter(100);
    struct varve_dead_letter *letter = NULL;

    heal();
    fake.poison[1] = 50;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
    hands_wait(h, is_idle);
    assert_true(outbox_find_dead(h->outbox, varve_view_str("a-1"), &letter));
    assert_true(letter->position == 50 && letter->waiting == 52 && letter->version == 49);
    free(letter);
    expect_order(49);
    hands_close(h);
}

static void an_outage_is_no_attempt(void **state)
{
    struct hands *h = with_dead_letter(40);

    heal();
    fake_plan(FAKE_SEND, OUTBOX_AGAIN, "_TRANSPORT", 2, 5);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
    hands_wait(h, has_none);
    assert_int_equal(hands_remembered(h, "$outbox.attempted"), 0);
    expect_order(41);
    hands_close(h);
}

/* Kafka has the portion, and the log does not know it: the note tells. */
static void an_answer_that_is_lost_delivers_nothing_twice(void **state)
{
    struct hands *h = with_dead_letter(40);

    heal();
    pthread_mutex_lock(&fake.lock);
    fake.plans[FAKE_SEND] = (struct fake_plan){ OUTBOX_AGAIN, "_TIMED_OUT", 1, 2, true };
    pthread_mutex_unlock(&fake.lock);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
    hands_wait(h, has_none);
    expect_order(41);
    hands_close(h);
}

static void a_process_that_died_in_between_is_mended(void **state)
{
    struct hands *h = with_dead_letter(10);
    const struct outbox_progress progress = { .position = 6 };
    uint8_t value[OUTBOX_PROGRESS_BYTES];
    const struct outbox_note note = { .key = varve_view_str("pk/t/a-1"),
                                      .value = { (const char *)value, sizeof(value) } };

    hands_stop(h);
    outbox_progress_encode(&progress, value); /* 2 to 6 were delivered. */
    fake_apply(NULL, 0, &note, 1);
    heal();
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    assert_int_equal(h->view.parked_events, 5);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_OK);
    hands_wait(h, has_none);
    assert_int_equal(fake_sent(NULL, 0, false), 6);
    assert_int_equal(fake_sent(NULL, 6, false), 0);
    hands_close(h);
}

static void unknown_streams_have_no_letter(void **state)
{
    struct hands *h = with_dead_letter(1);

    h->order.stream = varve_view_str("b-1");
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RETRY), VARVE_DEAD_LETTER_NOT_FOUND);
    assert_non_null(strstr(h->error.message, "b-1"));
    hands_close(h);
}

static void it_can_try_by_itself(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 2;
    h->config->poison_retry_after_ms = 1;
    h->wanted_position = hands_append(h, "a-1", "went", 5);
    hands_start(h);
    hands_wait(h, has_dead);
    heal();
    hands_wait(h, has_none);
    expect_order(5);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_waits_is_delivered_in_order),
        cmocka_unit_test(what_is_still_refused_counts_an_attempt),
        cmocka_unit_test(a_second_one_is_found_behind_the_first),
        cmocka_unit_test(an_outage_is_no_attempt),
        cmocka_unit_test(an_answer_that_is_lost_delivers_nothing_twice),
        cmocka_unit_test(a_process_that_died_in_between_is_mended),
        cmocka_unit_test(unknown_streams_have_no_letter),
        cmocka_unit_test(it_can_try_by_itself),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
