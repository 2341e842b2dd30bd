/* test_outbox_aside.c - events that Kafka refuses, or that cannot even be offered to it. */
#include "fake_kafka.h"
#include "hands_fixture.h"

/* Streams a-1 and b-1, weaved: 1 a, 2 b, 3 a, ... 20 b. */
static void append_weaved(struct hands *h)
{
    for (unsigned i = 0; i < 10; i++) {
        hands_append(h, "a-1", "went", 1);
        hands_append(h, "b-1", "went", 1);
    }
}

static bool has_dead(struct hands *h)
{
    return h->view.dead_streams > 0 && h->view.position >= h->wanted_position;
}

static struct varve_dead_letter *find(struct hands *h, const char *stream)
{
    struct varve_dead_letter *letter = NULL;

    assert_true(outbox_find_dead(h->outbox, varve_view_str(stream), &letter));
    return letter;
}

static void its_stream_waits_and_others_flow(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 5;
    append_weaved(h);
    h->wanted_position = 20;
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(fake_sent("varve.a", 0, false), 2); /* 1 and 3 */
    assert_int_equal(fake_sent("varve.b", 0, false), 10);
    struct varve_dead_letter *letter = find(h, "a-1");
    assert_true(letter->position == 5 && letter->version == 2 && letter->waiting == 8 && !letter->skipped);
    assert_int_equal(letter->retry_count, h->config->poison_attempts);
    assert_true(varve_view_equal(letter->error_code, varve_view_str("INVALID_RECORD")));
    free(letter);
    assert_int_equal(h->view.parked_events, 8);
    assert_int_equal(h->view.retention_floor, 5);
    assert_int_equal(outbox_figures_of(h->outbox)->dead_letters, 1);

    hands_stop(h); /* It is remembered. */
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    letter = find(h, "a-1");
    assert_int_equal(letter->waiting, 9);
    free(letter);
    assert_int_equal(fake_sent("varve.a", 0, false), 2);
    assert_non_null(strstr(hands_log(h), "outbox.dead_letter outbox=t stream=a-1 position=5"));
    hands_close(h);
}

static void it_is_skipped_and_the_next_one_tells(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 5;
    h->config->poison_policy = OUTBOX_POISON_SKIP;
    append_weaved(h);
    h->wanted_position = 20;
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(fake_sent(NULL, 0, false), 19);
    for (size_t i = 0; i < fake.count; i++)
        assert_int_equal(fake.records[i].gap_after, fake.records[i].position == 7 ? 5 : 0);
    struct varve_dead_letter *letter = find(h, "a-1");
    assert_true(letter->position == 5 && letter->waiting == 1 && letter->skipped);
    free(letter);
    hands_close(h);
}

/* Several in one batch: each is told by the next that goes, in this batch or a later one. */
static void each_gap_is_told_once(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->poison_policy = OUTBOX_POISON_SKIP;
    h->config->max_message_bytes = 2000;
    for (unsigned i = 0; i < 3; i++) { /* 1 goes, 2 does not, ... 6 does not */
        hands_append(h, "a-1", "went", 1);
        hands_append_sized(h, "a-1", 5000);
    }
    hands_start(h);
    hands_wait_position(h, 6);
    hands_wait_position(h, hands_append(h, "a-1", "went", 2));
    assert_int_equal(fake_sent(NULL, 0, false), 5);
    size_t told = 0;
    pthread_mutex_lock(&fake.lock);
    for (size_t i = 0; i < fake.count; i++) {
        const struct fake_record *record = &fake.records[i];
        if (record->topic[0] == 0)
            continue;
        bool is_behind = record->position == 3 || record->position == 5 || record->gap_after == 6;
        told += is_behind;
        assert_int_equal(record->gap_after, is_behind ? (record->gap_after == 6 ? 6 : record->position - 1) : 0);
    }
    pthread_mutex_unlock(&fake.lock);
    assert_int_equal(told, 3);
    hands_close(h);
}

static void it_halts_everything(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 5;
    h->config->poison_policy = OUTBOX_POISON_HALT;
    append_weaved(h);
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_POISON);
    assert_int_equal(fake_sent(NULL, 0, false), 4);
    hands_close(h);
}

static void what_is_too_large_is_never_offered(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->max_message_bytes = 2000;
    hands_append(h, "a-1", "went", 1);
    hands_append_sized(h, "a-1", 5000);
    hands_append(h, "a-1", "went", 1);
    h->wanted_position = hands_append(h, "b-1", "went", 1);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(fake_sent(NULL, 0, false), 2);
    struct varve_dead_letter *letter = find(h, "a-1");
    assert_true(letter->position == 2 && letter->waiting == 2 && letter->retry_count == 0);
    assert_true(varve_view_equal(letter->error_code, varve_view_str("MSG_SIZE_TOO_LARGE")));
    free(letter);
    hands_close(h);
}

static void too_many_halt_it(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->max_message_bytes = 2000;
    h->config->poison_max_parked = 3;
    hands_append_sized(h, "a-1", 5000);
    hands_append(h, "a-1", "went", 4);
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_PARK_LIMIT);
    assert_int_equal(h->view.parked_events, 3);
    assert_non_null(strstr(h->view.reason, "poison.max_parked is 3"));
    hands_close(h);
}

static void a_copy_goes_to_its_topic_once(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 5;
    h->config->dead_letter_topic = "dead";
    h->config->max_message_bytes = 2000;
    append_weaved(h);
    h->wanted_position = hands_append_sized(h, "b-1", 5000);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(fake_sent("dead", 5, false), 0); /* It is refused there, too. */
    assert_int_equal(fake_sent("dead", 0, false), 1);
    assert_int_equal(fake_sent("dead", h->wanted_position, false), 1);
    assert_int_equal(h->view.dead_streams, 2);
    assert_int_equal(fake_sent("varve.b", 0, false), 10);
    h->config->dead_letter_topic = NULL; /* It was never the configuration's own. */
    hands_close(h);
}

static void a_copy_is_sent_with_the_checkpoint_that_passes_its_event(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->dead_letter_topic = "dead";
    h->config->max_message_bytes = 2000;
    fake_plan(FAKE_SEND, OUTBOX_AGAIN, "_TRANSPORT", 1, 3); /* The claim goes well. */
    hands_append(h, "a-1", "went", 1);
    h->wanted_position = hands_append_sized(h, "a-1", 5000);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(fake_sent("dead", 2, false), 1);
    assert_int_equal(fake_sent("varve.a", 1, false), 1);
    assert_int_equal(hands_remembered(h, "$outbox.parked"), 1);
    h->config->dead_letter_topic = NULL;
    hands_close(h);
}

static void an_outage_sets_nothing_aside(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake_plan(FAKE_SEND, OUTBOX_AGAIN, "_MSG_TIMED_OUT", 0, 40);
    append_weaved(h);
    hands_start(h);
    hands_wait_position(h, 20);
    assert_int_equal(fake_sent(NULL, 0, false), 20);
    assert_int_equal(h->view.dead_streams, 0);
    hands_close(h);
}

static void several_at_once_are_found(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 3;
    fake.poison[1] = 8;
    fake.poison[2] = 500;
    for (unsigned i = 0; i < 20; i++) {
        char stream[32];
        snprintf(stream, sizeof(stream), "s-%u", i);
        hands_append(h, stream, "went", 40);
    }
    h->wanted_position = 800;
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(h->view.dead_streams, 2); /* 3 and 8 are of one stream. */
    assert_int_equal(h->view.parked_events, 38 + 21);
    assert_int_equal(fake_sent(NULL, 0, false), 800 - 59);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_stream_waits_and_others_flow),
        cmocka_unit_test(it_is_skipped_and_the_next_one_tells),
        cmocka_unit_test(each_gap_is_told_once),
        cmocka_unit_test(it_halts_everything),
        cmocka_unit_test(what_is_too_large_is_never_offered),
        cmocka_unit_test(too_many_halt_it),
        cmocka_unit_test(a_copy_goes_to_its_topic_once),
        cmocka_unit_test(a_copy_is_sent_with_the_checkpoint_that_passes_its_event),
        cmocka_unit_test(an_outage_sets_nothing_aside),
        cmocka_unit_test(several_at_once_are_found),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
