/* test_outbox_counted.c - what whoever counts is told: each event once, by type and source, when it is visible; and
 * each failure with its code. */
#include "fake_kafka.h"
#include "hands_fixture.h"

#include <limits.h>

enum { TYPES = 40 };

static struct {
    pthread_mutex_t lock;
    uint64_t published, calls, of_went, with_source, failed, attempts;
    char outbox[32], reason[64];
} told = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void published(void *user, struct varve_view type, struct varve_view service, uint64_t events)
{
    assert_ptr_equal(user, &told);
    assert_true(events > 0);
    pthread_mutex_lock(&told.lock);
    told.calls++;
    told.published += events;
    told.with_source += service.size > 0 ? events : 0;
    if (varve_view_equal(type, varve_view_str("went")))
        told.of_went += events;
    pthread_mutex_unlock(&told.lock);
}

static void failed(void *user, const char *outbox, const char *reason, uint64_t events)
{
    pthread_mutex_lock(&told.lock);
    told.failed += events;
    told.attempts++;
    snprintf(told.outbox, sizeof(told.outbox), "%s", outbox);
    snprintf(told.reason, sizeof(told.reason), "%s", reason);
    pthread_mutex_unlock(&told.lock);
}

static struct hands *open_counted(void)
{
    struct hands *h = hands_open();

    fake_reset();
    told.published = told.calls = told.of_went = told.with_source = told.failed = told.attempts = 0;
    h->counting = (struct outbox_counting){ published, failed, &told };
    return h;
}

static void each_event_is_told_once(void **state)
{
    struct hands *h = open_counted();

    hands_append(h, "a-1", "went", 30);
    hands_append(h, "a-2", "came", 5);
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 7));
    hands_stop(h);
    assert_int_equal(told.published, 42);
    assert_int_equal(told.of_went, 37);
    assert_int_equal(told.with_source, 0);
    assert_int_equal(told.failed, 0);
    hands_close(h);
}

static void many_types_in_one_transaction_are_all_told(void **state)
{
    struct outbox_message messages[2 * TYPES + 1];
    char names[TYPES][8];
    struct outbox outbox = { .counting = { published, failed, &told } };

    memset(messages, 0, sizeof(messages));
    told.published = told.calls = told.with_source = 0;
    for (size_t i = 0; i < TYPES; i++) {
        snprintf(names[i], sizeof(names[i]), "t%zu", i);
        messages[2 * i].type = messages[2 * i + 1].type = varve_view_str(names[i]);
        messages[2 * i + 1].source = varve_view_str("billing");
    }
    outbox_counted_published(&outbox, messages, COUNT_OF(messages)); /* The last is a dead letter's copy. */
    assert_int_equal(told.published, 2 * TYPES);
    assert_int_equal(told.with_source, TYPES);
    assert_int_equal(told.calls, 2 * TYPES);
    outbox.counting.published = NULL;
    outbox_counted_published(&outbox, messages, COUNT_OF(messages));
    assert_int_equal(told.published, 2 * TYPES);
}

static void what_was_not_committed_is_told_as_a_failure_only(void **state)
{
    struct hands *h = open_counted();
    uint64_t last = hands_append(h, "a-1", "went", 10);

    fake_plan(FAKE_SEND, OUTBOX_AGAIN, "_TRANSPORT", 1, 1); /* The claim goes well. */
    hands_start(h);
    hands_wait_position(h, last);
    hands_stop(h);
    assert_int_equal(told.published, 10);
    assert_int_equal(told.failed, 10);
    assert_int_equal(told.attempts, 1);
    assert_string_equal(told.outbox, "t");
    assert_string_equal(told.reason, "_TRANSPORT");
    hands_close(h);
}

static void those_that_wait_fail_with_each_attempt(void **state)
{
    static const struct { uint32_t events, max_events, failed; } cases[] = {
        { 7, 10000, 28 }, { 7, 5, 20 }, { 0, 5, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct hands *h = open_counted();
        uint64_t last = cases[i].events > 0 ? hands_append(h, "a-1", "went", cases[i].events) : 0;

        h->config->max_events = cases[i].max_events;
        fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 4);
        hands_start(h);
        hands_wait_phase(h, VARVE_OUTBOX_RUN);
        hands_wait_position(h, last);
        hands_stop(h);
        assert_int_equal(told.attempts, 4);
        assert_int_equal(told.failed, cases[i].failed);
        assert_int_equal(told.published, cases[i].events);
        hands_close(h);
    }
}

static bool has_letter(struct hands *h)
{
    return h->view.dead_streams == 1;
}

static void an_event_that_nobody_can_publish_is_a_failure(void **state)
{
    struct hands *h = open_counted();

    h->config->max_message_bytes = 2000;
    hands_start(h);
    hands_append_sized(h, "a-1", 5000);
    hands_wait_position(h, hands_append(h, "a-2", "went", 3));
    hands_wait(h, has_letter);
    hands_stop(h);
    assert_int_equal(told.published, 3);
    assert_int_equal(told.failed, 1);
    assert_string_equal(told.reason, "MSG_SIZE_TOO_LARGE");
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_told_once),
        cmocka_unit_test(many_types_in_one_transaction_are_all_told),
        cmocka_unit_test(what_was_not_committed_is_told_as_a_failure_only),
        cmocka_unit_test(those_that_wait_fail_with_each_attempt),
        cmocka_unit_test(an_event_that_nobody_can_publish_is_a_failure),
    };

    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failures;
}
