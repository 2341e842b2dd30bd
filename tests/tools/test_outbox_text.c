/* test_outbox_text.c - outboxes as programs and as people read them. */
#include "support/check.h"
#include "tools/varve/outbox_text.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER(figure, value) { .name = varve_view_str(figure), .number = (value) }
#define WORD(figure, value) { .name = varve_view_str(figure), .is_text = true, .text = varve_view_str(value) }

struct page {
    char *printed;
    size_t size;
    struct output output;
};

static void page_open(struct page *page)
{
    *page = (struct page){ 0 };
    page->output = (struct output){ .file = open_memstream(&page->printed, &page->size) };
    assert_non_null(page->output.file);
}

static void page_expect(struct page *page, const char *expected)
{
    fclose(page->output.file);
    assert_string_equal(page->printed, expected);
    free(page->printed);
}

static void expect(const struct text *text, const char *expected)
{
    struct varve_view view = text_view(text);

    if (!varve_view_equal(view, varve_view_str(expected)))
        fail_msg("is %.*s\nexpected %s", (int)view.size, view.data, expected);
}

static void figures_are_found_by_name(void **state)
{
    const struct varve_stat figures[] = { NUMBER("position", 17), WORD("phase", "RUN") };

    assert_int_equal(outbox_number(figures, 2, "position"), 17);
    assert_int_equal(outbox_number(figures, 2, "phase"), 0);
    assert_int_equal(outbox_number(figures, 2, "positio"), 0);
    assert_true(varve_view_equal(outbox_word(figures, 2, "phase"), varve_view_str("RUN")));
    assert_int_equal(outbox_word(figures, 2, "position").size, 0);
}

static void an_outbox_that_does_well(void **state)
{
    const struct varve_stat figures[] = {
        WORD("mode", "exactly_once"), WORD("brokers", "127.0.0.1:9092"), WORD("phase", "RUN"),
        WORD("breaker", "CLOSED"), WORD("reason", ""), NUMBER("since", 1000000), NUMBER("position", 262200),
        NUMBER("head_position", 262200), NUMBER("events_published", 262190), NUMBER("publish_delay_us_count", 9),
        NUMBER("publish_delay_us_p50", 5000), NUMBER("publish_delay_us_p99", 9000),
    };
    const struct varve_outbox_entry entry = { varve_view_str("kafka"), figures, COUNT_OF(figures) };
    struct page page;

    page_open(&page);
    outbox_print_status(&page.output, &entry, 61000000);
    page_expect(&page, "outbox         kafka, exactly_once, at 127.0.0.1:9092\n"
                       "phase          RUN, for 1m 0s\n"
                       "breaker        CLOSED\n"
                       "position       262,200 of 262,200\n"
                       "lag            none\n"
                       "published      262,190 events since the server started\n"
                       "dead letters   none\n"
                       "publish delay  p50 5.00 ms, p99 9.00 ms\n");
}

static void an_outbox_in_trouble(void **state)
{
    const struct varve_stat figures[] = {
        WORD("mode", "at_least_once"), WORD("brokers", "k:1"), NUMBER("is_mock", 1), WORD("phase", "HALTED"),
        WORD("halt", "PARK_LIMIT"), WORD("breaker", "OPEN"), WORD("reason", "too many"), NUMBER("failures", 1),
        NUMBER("next_attempt", 7500000), NUMBER("position", 5), NUMBER("head_position", 7), NUMBER("lag_events", 2),
        NUMBER("lag_us", 1200), NUMBER("filtered_dropped", 1200), NUMBER("filtered_no_route", 0),
        NUMBER("filtered_system", 3), NUMBER("dead_streams", 2), NUMBER("parked_events", 5),
        NUMBER("retry_streams", 1), NUMBER("replay_number", 3), NUMBER("replay_position", 4),
        NUMBER("replay_until", 1000),
    };
    const struct varve_outbox_entry entry = { varve_view_str("a"), figures, COUNT_OF(figures) };
    struct page page;

    page_open(&page);
    outbox_print_status(&page.output, &entry, 5000000);
    page_expect(&page, "outbox        a, at_least_once, at k:1 (a mock: it forgets)\n"
                       "phase         HALTED: PARK_LIMIT\n"
                       "breaker       OPEN, 1 failure in a row, next attempt in 2.50 s\n"
                       "reason        too many\n"
                       "position      5 of 7\n"
                       "lag           2 events, the first waits for 1.20 ms\n"
                       "published     0 events since the server started\n"
                       "filtered      dropped 1,200, system 3\n"
                       "dead letters  2 streams, 5 events; 1 to be tried again\n"
                       "replay        number 3, at position 4 of 1,000\n");
}

static void figures_are_an_object(void **state)
{
    const struct varve_stat figures[] = { NUMBER("records", 4711), WORD("finding", "a \"b\""), NUMBER("is_mock", 1),
                                          NUMBER("agrees", 0) };
    struct text text = { 0 };

    outbox_format_figures(&text, figures, 4);
    expect(&text, "{\"records\":4711,\"finding\":\"a \\\"b\\\"\",\"is_mock\":true,\"agrees\":false}");
    outbox_format_figures(&text, figures, 0);
    expect(&text, "{}");
    text_free(&text);
}

static void a_verification(void **state)
{
    const struct varve_stat figures[] = { NUMBER("agrees", 0), NUMBER("missing", 1200), WORD("finding", "gone") };
    struct page page;

    page_open(&page);
    outbox_print_verification(&page.output, figures, 3);
    page_expect(&page, "agrees   no\nmissing  1,200\nfinding  gone\n");
}

static void a_dead_letter(void **state)
{
    struct varve_dead_letter letter = { .stream = varve_view_str("order-1"), .position = 17, .version = 3, .waiting = 5,
                                        .retry_count = 4, .error_code = varve_view_str("MSG_SIZE_TOO_LARGE"),
                                        .last_error = varve_view_str("too large"), .last_attempt_us = 1000000 };
    struct text text = { 0 };
    struct page page;

    outbox_format_letter(&text, &letter);
    expect(&text, "{\"stream\":\"order-1\",\"position\":17,\"version\":3,\"waiting\":5,\"skipped\":false,"
           "\"retry_count\":4,\"error_code\":\"MSG_SIZE_TOO_LARGE\",\"last_error\":\"too large\","
           "\"first_attempt\":\"1970-01-01T00:00:00.000000Z\",\"last_attempt\":\"1970-01-01T00:00:01.000000Z\"}");
    text_free(&text);
    page_open(&page);
    outbox_print_letter(&page.output, &letter);
    page_expect(&page, "stream          order-1\n"
                       "position        17\n"
                       "version         3\n"
                       "waiting behind  4\n"
                       "retry_count     4\n"
                       "error_code      MSG_SIZE_TOO_LARGE\n"
                       "last_error      too large\n"
                       "first_attempt   1970-01-01T00:00:00.000000Z\n"
                       "last_attempt    1970-01-01T00:00:01.000000Z\n");
}

static void an_event(void **state)
{
    struct varve_outbox_history_event event = {
        .version = 17, .position = 4711, .type = varve_view_str("placed"), .fate = VARVE_FATE_FAILED,
        .topic = varve_view_str("varve.order"), .published_at_us = VARVE_TIME_NONE, .retry_count = 3,
        .last_error = varve_view_str("no"),
    };
    struct text text = { 0 };

    outbox_format_event(&text, &event);
    expect(&text, "{\"version\":17,\"position\":4711,\"type\":\"placed\","
           "\"recorded_at\":\"1970-01-01T00:00:00.000000Z\",\"status\":\"failed\",\"topic\":\"varve.order\","
           "\"retry_count\":3,\"last_error\":\"no\"}");
    event = (struct varve_outbox_history_event){ .position = 1, .type = varve_view_str("t"),
                                                 .fate = VARVE_FATE_PUBLISHED, .published_at_us = 1000000 };
    outbox_format_event(&text, &event);
    expect(&text, "{\"version\":0,\"position\":1,\"type\":\"t\",\"recorded_at\":\"1970-01-01T00:00:00.000000Z\","
           "\"status\":\"published\",\"published_at\":\"1970-01-01T00:00:01.000000Z\",\"retry_count\":0}");
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_found_by_name),
        cmocka_unit_test(an_outbox_that_does_well),
        cmocka_unit_test(an_outbox_in_trouble),
        cmocka_unit_test(figures_are_an_object),
        cmocka_unit_test(a_verification),
        cmocka_unit_test(a_dead_letter),
        cmocka_unit_test(an_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
