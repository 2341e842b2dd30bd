/* test_outbox_partitions.c - topics that have another number of partitions than before, or are not there. */
#include "fake_kafka.h"
#include "hands_fixture.h"

/* Ten events with three partitions; then Kafka has five. */
static struct hands *with_other_partitions(enum outbox_on_change policy)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->partitions_changed = policy;
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    hands_stop(h);
    fake.partitions = 5;
    hands_log(h);
    hands_start(h);
    return h;
}

static void a_change_is_told(void **state)
{
    struct hands *h = with_other_partitions(OUTBOX_CHANGE_WARN);

    hands_wait_position(h, hands_append(h, "a-1", "went", 10));
    assert_int_equal(fake_sent(NULL, 0, false), 20);
    const char *log = hands_log(h);
    assert_non_null(strstr(log, "outbox.partitions_changed"));
    assert_non_null(strstr(log, "topic=varve.a before=3 now=5"));
    hands_close(h);
}

static void a_change_halts_it_until_somebody_says_go_on(void **state)
{
    struct hands *h = with_other_partitions(OUTBOX_CHANGE_HALT);
    uint64_t last = hands_append(h, "a-1", "went", 10);

    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_PARTITIONS_CHANGED);
    assert_non_null(strstr(h->view.reason, "varve.a"));
    assert_int_equal(fake_sent(NULL, 0, false), 10);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_RESUME), VARVE_OK);
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), 20);
    hands_close(h);
}

static void a_missing_topic_is_waited_for(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.missing = "varve.b";
    h->config->topic_missing = OUTBOX_TOPIC_BLOCK;
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    uint64_t last = hands_append(h, "b-1", "went", 1);
    hands_wait_phase(h, VARVE_OUTBOX_BACKOFF);
    assert_non_null(strstr(h->view.reason, "varve.b"));
    pthread_mutex_lock(&fake.lock);
    fake.missing = NULL;
    pthread_mutex_unlock(&fake.lock);
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), 2);
    assert_int_equal(h->view.dead_streams, 0);
    hands_close(h);
}

static void or_its_events_are_set_aside(void **state)
{
    struct hands *h = hands_open();
    struct varve_dead_letter *letter = NULL;

    fake_reset();
    fake.missing = "varve.b";
    h->config->topic_missing = OUTBOX_TOPIC_DEAD_LETTER;
    hands_start(h);
    hands_append(h, "b-1", "went", 3);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    assert_int_equal(fake_sent(NULL, 0, false), 1);
    assert_true(outbox_find_dead(h->outbox, varve_view_str("b-1"), &letter));
    assert_int_equal(letter->waiting, 3);
    assert_true(varve_view_equal(letter->error_code, varve_view_str("UNKNOWN_TOPIC_OR_PARTITION")));
    free(letter);
    hands_close(h);
}

static void more_topics_than_the_table_holds(void **state)
{
    struct hands *h = hands_open();
    char stream[32];
    uint64_t last = 0;

    fake_reset();
    for (unsigned i = 0; i < OUTBOX_PARTITION_TOPICS; i++) {
        snprintf(stream, sizeof(stream), "c%u-1", i);
        last = hands_append(h, stream, "went", 1);
    }
    last = hands_append(h, "c0-1", "went", 1);
    hands_start(h);
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), OUTBOX_PARTITION_TOPICS + 1);
    assert_int_equal(fake_sent("varve.c0", 0, false), 2);
    hands_close(h);
}

/* What is known is written whole, so thousands of topics must not be written one by one. */
static void topics_of_a_batch_are_remembered_together(void **state)
{
    struct hands *h = hands_open();
    char stream[32];
    uint64_t last = 0;

    fake_reset();
    for (int i = 0; i < 50; i++) {
        snprintf(stream, sizeof(stream), "c%d-1", i);
        last = hands_append(h, stream, "went", 1);
    }
    hands_start(h);
    hands_wait_position(h, last);
    assert_int_equal(fake_sent(NULL, 0, false), 50);
    assert_int_equal(hands_remembered(h, "$outbox.topics"), 1);
    hands_stop(h); /* All of them are known. */
    hands_start(h);
    for (int i = 0; i < 50; i++) {
        snprintf(stream, sizeof(stream), "c%d-1", i);
        last = hands_append(h, stream, "went", 1);
    }
    hands_wait_position(h, last);
    assert_int_equal(hands_remembered(h, "$outbox.topics"), 1);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_told),
        cmocka_unit_test(a_change_halts_it_until_somebody_says_go_on),
        cmocka_unit_test(a_missing_topic_is_waited_for),
        cmocka_unit_test(or_its_events_are_set_aside),
        cmocka_unit_test(more_topics_than_the_table_holds),
        cmocka_unit_test(topics_of_a_batch_are_remembered_together),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
