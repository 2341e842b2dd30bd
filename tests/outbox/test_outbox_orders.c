/* test_outbox_orders.c - what an operator can order. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static void a_pause_lasts_over_restarts(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 3));
    h->order.reason = varve_view_str("maintenance");
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    uint64_t last = hands_append(h, "a-1", "went", 3);
    hands_stop(h);
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_PAUSED);
    assert_true(h->view.lag_events >= 3);
    assert_int_equal(fake_sent(NULL, 0, false), 3);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESUME), VARVE_OK);
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), 6);
    assert_non_null(strstr(hands_log(h), "outbox.order outbox=t action=pause reason=maintenance"));
    hands_stop(h);
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    hands_close(h);
}

static void a_reset_sends_again_or_leaves_out(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    h->order.position = 4;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    assert_int_equal(h->position, 4);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    for (uint64_t position = 1; position <= 10; position++)
        assert_int_equal(fake_sent(NULL, position, false), position <= 4 ? 1 : 2);

    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    hands_append(h, "a-1", "went", 5);
    size_t sent = fake_sent(NULL, 0, false);
    h->order.position = varve_store_last_position(h->store);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    outbox_look(h->outbox, &h->view);
    assert_int_equal(h->view.phase, VARVE_OUTBOX_PAUSED);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESUME), VARVE_OK);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    assert_int_equal(fake_sent(NULL, 0, false), sent + 1);

    h->order.position = varve_store_last_position(h->store) + 10;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_INVALID_ARGUMENT);
    hands_close(h);
}

/* The checkpoint is gone, the events are not. */
static void a_reset_finds_the_tail(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    uint64_t last = hands_append(h, "a-1", "went", 10);
    hands_wait_position(h, last);
    hands_stop(h);
    for (size_t i = 0; i < fake.count; i++)
        if (fake.records[i].topic[0] == 0)
            fake.records[i].key[0] = 'x';
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    h->order.reset_to = VARVE_RESET_KAFKA_TAIL;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    assert_int_equal(h->position, last);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    assert_int_equal(fake_sent(NULL, 0, false), 11);
    hands_close(h);
}

static void a_reset_needs_kafka(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 1);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OUTBOX_BUSY);
    assert_non_null(strstr(h->error.message, "_TRANSPORT"));
    hands_wait_position(h, hands_append(h, "a-1", "went", 1)); /* And it goes on. */
    assert_int_equal(fake_sent(NULL, 0, false), 11);
    hands_close(h);
}

static void a_reset_while_it_stands_leaves_no_producer_behind(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    h->order.position = 4;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    pthread_mutex_lock(&fake.lock);
    assert_int_equal(fake.instances, 0);
    pthread_mutex_unlock(&fake.lock);
    hands_stop(h); /* It ends. */
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_PAUSED);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESUME), VARVE_OK);
    hands_wait_position(h, 10);
    assert_int_equal(fake_sent(NULL, 0, false), 16);
    hands_close(h);
}

static void a_reset_makes_no_failure(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    h->order.position = 4;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    hands_wait_position(h, 10);
    assert_int_equal(outbox_figures_of(h->outbox)->breaker_opened, 0);
    hands_close(h);
}

static void a_reset_that_fails_leaves_a_halt_alone(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 5;
    h->config->poison_policy = OUTBOX_POISON_HALT;
    hands_start(h);
    hands_append(h, "a-1", "went", 10);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 1);
    h->order.position = 5;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OUTBOX_BUSY);
    outbox_look(h->outbox, &h->view);
    assert_int_equal(h->view.halt, VARVE_HALT_POISON);
    h->order.position = 5;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    hands_wait_position(h, 10);
    assert_int_equal(fake_sent(NULL, 0, false), 9);
    hands_close(h);
}

static void apply_note(enum outbox_note_kind kind, const char *stream, struct varve_view value)
{
    char key[OUTBOX_MAX_NOTE_KEY];
    const struct outbox_note note = { .key = outbox_note_key(kind, "t", varve_view_str(stream), key), .value = value };

    pthread_mutex_lock(&fake.lock);
    fake_apply(NULL, 0, &note, 1);
    pthread_mutex_unlock(&fake.lock);
}

/* However many there are: one that stayed would say of what is published anew that it was delivered. */
static void a_reset_buries_what_was_noted_of_parked_streams(void **state)
{
    const struct outbox_progress progress = { .position = 8 };
    uint8_t value[OUTBOX_PROGRESS_BYTES];
    struct hands *h = hands_open();
    struct fake_record note;
    char stream[32];

    fake_reset();
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    outbox_progress_encode(&progress, value);
    for (int i = 0; i < 3 * OUTBOX_MAX_TOMBSTONES; i++) {
        snprintf(stream, sizeof(stream), "a-%d", i);
        apply_note(OUTBOX_NOTE_PARKED, stream, varve_view_of((const char *)value, sizeof(value)));
    }
    h->order.position = 4;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    for (int i = 0; i < 3 * OUTBOX_MAX_TOMBSTONES; i++) {
        snprintf(stream, sizeof(stream), "pk/t/a-%d", i);
        assert_false(fake_note(stream, &note));
    }
    hands_close(h);
}

/* At the beginning is not where an outbox begins that never was anywhere. */
static void at_least_once_can_be_reset_to_the_beginning(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    h->config->start_from = UINT64_MAX;
    hands_append(h, "a-1", "went", 5);
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 5));
    size_t sent = fake_sent(NULL, 0, false);
    assert_true(sent <= 5);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESET), VARVE_OK);
    hands_wait_position(h, 10);
    assert_int_equal(fake_sent(NULL, 0, false), sent + 10);
    hands_close(h);
}

static bool has_dead(struct hands *h)
{
    return h->view.dead_streams > 0 && h->view.position >= h->wanted_position;
}

static bool has_none(struct hands *h)
{
    return h->view.dead_streams == 0;
}

static void a_discard_lets_the_others_go(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 2;
    h->wanted_position = hands_append(h, "a-1", "went", 10);
    hands_start(h);
    hands_wait(h, has_dead);
    h->order.position = 1;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_DISCARD), VARVE_DEAD_LETTER_NOT_FOUND);
    h->order.position = 2;
    h->order.reason = varve_view_str("of no use");
    assert_int_equal(hands_order(h, VARVE_OUTBOX_DISCARD), VARVE_OK);
    assert_int_equal(h->count, 1);
    hands_wait(h, has_none);
    assert_int_equal(fake_sent(NULL, 0, false), 9);
    assert_int_equal(fake_sent(NULL, 2, false), 0);
    assert_non_null(strstr(hands_log(h), "outbox.discarded outbox=t stream=a-1 position=2 reason=\"of no use\""));
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pause_lasts_over_restarts),
        cmocka_unit_test(a_reset_sends_again_or_leaves_out),
        cmocka_unit_test(a_reset_finds_the_tail),
        cmocka_unit_test(a_reset_needs_kafka),
        cmocka_unit_test(a_reset_while_it_stands_leaves_no_producer_behind),
        cmocka_unit_test(a_reset_makes_no_failure),
        cmocka_unit_test(a_reset_that_fails_leaves_a_halt_alone),
        cmocka_unit_test(a_reset_buries_what_was_noted_of_parked_streams),
        cmocka_unit_test(at_least_once_can_be_reset_to_the_beginning),
        cmocka_unit_test(a_discard_lets_the_others_go),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
