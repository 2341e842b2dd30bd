/* test_outbox_history.c - what an outbox remembers of late events, discarded ones and partitions. */
#include "server/outbox/outbox_history.h"
#include "support/check.h"
#include "verify_fixture.h"

static struct varve_event event_of(const char *stream, uint64_t position)
{
    return (struct varve_event){ .stream = varve_view_str(stream), .position = position };
}

static bool was_retried(const struct outbox_history *history, const char *stream, uint64_t position, uint64_t after)
{
    struct varve_event event = event_of(stream, position);

    return outbox_history_was_retried(history, &event, after);
}

static void an_outbox_that_never_ran_has_none(void **unused)
{
    struct verify_fixture *f = verify_begin("");
    struct outbox_history history;

    outbox_history_begin(&history, f->store, "x");
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_null(outbox_history_topic(&history, "varve.a"));
    assert_false(was_retried(&history, "a-1", 1, 0));
    assert_false(outbox_history_was_discarded(&history, 1));
    outbox_history_end(&history);
    verify_end(f);
}

static void what_came_late_was_parked_and_delivered(void **unused)
{
    struct verify_fixture *f = verify_begin("");
    struct outbox_history history;

    verify_say(f, "$outbox.parked", "{\"stream\":\"a-1\",\"position\":10,\"code\":\"X\"}");
    verify_say(f, "$outbox.waiting", "{\"stream\":\"a-1\",\"positions\":[12]}");
    verify_say(f, "$outbox.parked", "{\"stream\":\"a-2\",\"position\":10,\"code\":\"X\"}");
    verify_say(f, "$outbox.retried", "{\"stream\":\"a-1\",\"through\":12}");
    outbox_history_begin(&history, f->store, "x");
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_true(was_retried(&history, "a-1", 10, 0));
    assert_true(was_retried(&history, "a-1", 12, 0));
    assert_false(was_retried(&history, "a-1", 9, 0));  /* Before it was parked, */
    assert_false(was_retried(&history, "a-1", 13, 0)); /* and after. */
    assert_false(was_retried(&history, "a-2", 10, 0));
    assert_true(was_retried(&history, "a-1", 10, 4));
    assert_false(was_retried(&history, "a-1", 10, 5)); /* Said before. */
    outbox_history_end(&history);
    verify_end(f);
}

static void it_can_be_brought_up_to_date(void **unused)
{
    struct verify_fixture *f = verify_begin("");
    struct outbox_history history;

    outbox_history_begin(&history, f->store, "x");
    verify_say(f, "$outbox.discarded", "{\"stream\":\"a-1\",\"position\":7,\"reason\":\"r\"}");
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_true(outbox_history_was_discarded(&history, 7));
    verify_say(f, "$outbox.discarded", "{\"stream\":\"a-1\",\"position\":8}");
    assert_false(outbox_history_was_discarded(&history, 8));
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_true(outbox_history_was_discarded(&history, 8));
    assert_int_equal(history.discarded.count, 2); /* Nothing is read twice. */
    for (unsigned i = 0; i < 200; i++)
        verify_say(f, "$outbox.discarded", "{\"stream\":\"a-1\",\"position\":9}");
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_int_equal(history.discarded.count, 202);
    outbox_history_end(&history);
    verify_end(f);
}

static void partitions_of_before_are_kept(void **unused)
{
    struct verify_fixture *f = verify_begin("");
    struct outbox_history history;

    verify_say(f, "$outbox.topics", "{\"topics\":{\"varve.a\":3}}");
    verify_say(f, "$outbox.topics", "{\"topics\":{\"varve.a\":3,\"varve.b\":1}}");
    verify_say(f, "$outbox.topics", "{\"topics\":{\"varve.a\":6,\"varve.b\":1,\"odd\":-1}}");
    outbox_history_begin(&history, f->store, "x");
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    const struct outbox_history_topic *a = outbox_history_topic(&history, "varve.a");
    assert_int_equal(a->count, 2);
    assert_int_equal(a->counts[0], 3);
    assert_int_equal(a->counts[1], 6);
    assert_int_equal(outbox_history_topic(&history, "varve.b")->count, 1);
    assert_null(outbox_history_topic(&history, "odd"));
    for (int i = 7; i < 30; i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"topics\":{\"varve.a\":%d}}", i);
        verify_say(f, "$outbox.topics", json);
    }
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_int_equal(outbox_history_topic(&history, "varve.a")->count, OUTBOX_HISTORY_COUNTS);
    assert_int_equal(outbox_history_topic(&history, "varve.a")->counts[OUTBOX_HISTORY_COUNTS - 1], 29);
    outbox_history_end(&history);
    verify_end(f);
}

static void what_is_not_understood_says_nothing(void **unused)
{
    struct verify_fixture *f = verify_begin("");
    struct outbox_history history;

    verify_say(f, "$outbox.retried", "[1]");
    verify_say(f, "$outbox.retried", "{\"stream\":\"a-1\"}");
    verify_say(f, "$outbox.discarded", "{\"position\":\"seven\"}");
    verify_say(f, "$outbox.topics", "{\"topics\":[]}");
    verify_say(f, "$outbox.something", "{}");
    outbox_history_begin(&history, f->store, "x");
    assert_int_equal(outbox_history_read(&history, NULL), VARVE_OK);
    assert_int_equal(history.retried.count + history.discarded.count + history.topic_count, 0);
    assert_int_equal(history.next_version, 5);
    outbox_history_end(&history);
    verify_end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_outbox_that_never_ran_has_none), cmocka_unit_test(what_came_late_was_parked_and_delivered),
        cmocka_unit_test(it_can_be_brought_up_to_date), cmocka_unit_test(partitions_of_before_are_kept),
        cmocka_unit_test(what_is_not_understood_says_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
