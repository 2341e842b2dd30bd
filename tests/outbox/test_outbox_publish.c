/* test_outbox_publish.c - what is counted and remembered of what was published, in both modes. */
#include "fake_kafka.h"
#include "hands_fixture.h"

#include <limits.h>

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
    assert_true(figures->measures[OUTBOX_MEASURE_ACK_US].max >= 1000);
    assert_true(figures->measures[OUTBOX_MEASURE_PUBLISH_DELAY_US].max > 0);
    assert_true(figures->measures[OUTBOX_MEASURE_TAKEOVER_US].max > 0);
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

/* Found by a process that never came to claim anything. */
static void a_generation_is_not_forgotten(void **state)
{
    struct outbox_checkpoint checkpoint = { .generation = 9 };
    uint8_t value[OUTBOX_CHECKPOINT_BYTES];
    char key[OUTBOX_MAX_NOTE_KEY];
    struct hands *h = hands_open();
    struct varve_stats stats;

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    hands_stop(h);
    checkpoint.position = hands_append(h, "a-1", "went", 5);
    varve_store_stats(h->store, &stats);
    checkpoint.database_id = stats.database_id;
    assert_int_equal(outbox_sum_at(h->store, checkpoint.position, &checkpoint.position_sum, &h->error), VARVE_OK);
    outbox_checkpoint_encode(&checkpoint, value);
    const struct outbox_note note = {
        .key = outbox_note_key(OUTBOX_NOTE_CHECKPOINT, "t", varve_view_of(NULL, 0), key),
        .value = varve_view_of((const char *)value, sizeof(value)),
    };
    fake_apply(NULL, 0, &note, 1);
    fake_plan(FAKE_SEND, OUTBOX_AGAIN, "_TRANSPORT", 0, UINT_MAX);
    hands_start(h);
    hands_wait_position(h, checkpoint.position);
    hands_stop(h);
    hands_start(h);
    outbox_look(h->outbox, &h->view);
    assert_true(h->view.position >= checkpoint.position);
    assert_int_equal(h->view.generation, 9);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generation_is_not_forgotten),
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
