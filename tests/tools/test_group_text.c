/* test_group_text.c - groups and parked events as programs and as people read them. */
#include "support/check.h"
#include "support/records.h"
#include "tools/varve/group_text.h"

#include <locale.h>
#include <stdlib.h>

static struct varve_view types[] = { { "a", 1 }, { "b\"", 2 } }, categories[] = { { "order", 5 } };
static struct varve_filter filter = { .types = types, .type_count = 2, .categories = categories, .category_count = 1,
                                      .classes = 1 << VARVE_CLASS_DOMAIN | 1 << VARVE_CLASS_REALTIME,
                                      .include_system = true };
static struct varve_group_consumer consumers[] = { { { "c-1", 3 }, 7, 2, 100 }, { { "c-2", 3 }, 8, 0, 5 } };

static struct varve_group_info an_info(void)
{
    return (struct varve_group_info){
        .name = varve_view_str("mails"), .checkpoint = 41, .last_position = 50, .in_flight = 2, .retrying = 1,
        .parked = 3, .acked = 40, .redelivered = 4, .created_at_us = 0, .consumers = consumers, .consumer_count = 2,
        .settings = { .filter = &filter, .key = VARVE_GROUP_KEY_CATEGORY, .max_in_flight = 1000,
                      .consumer_max_in_flight = 100, .ack_timeout_ms = 30000, .max_attempts = 5,
                      .backoff_ms = { 1000, 1500 }, .backoff_count = 2 },
    };
}

static void expect(const struct text *text, const char *expected)
{
    struct varve_view view = text_view(text);

    if (!varve_view_equal(view, varve_view_str(expected)))
        fail_msg("is %.*s\nexpected %s", (int)view.size, view.data, expected);
}

static void an_info_is_an_object(void **state)
{
    struct varve_group_info info = an_info();
    struct text text = { 0 };

    group_format_info(&text, &info);
    expect(&text, "{\"group\":\"mails\",\"state\":\"running\",\"checkpoint\":41,\"last_position\":50,\"in_flight\":2,"
           "\"retrying\":1,\"parked\":3,\"acked\":40,\"redelivered\":4,\"created_at\":\"1970-01-01T00:00:00.000000Z\","
           "\"filter\":{\"categories\":[\"order\"],\"types\":[\"a\",\"b\\\"\"],\"classes\":[\"domain\",\"realtime\"],"
           "\"include_system\":true},\"key\":\"category\",\"max_in_flight\":1000,\"consumer_max_in_flight\":100,"
           "\"ack_timeout_ms\":30000,\"max_attempts\":5,\"backoff_ms\":[1000,1500],"
           "\"consumers\":[{\"name\":\"c-1\",\"epoch\":7,\"in_flight\":2,\"max_in_flight\":100},"
           "{\"name\":\"c-2\",\"epoch\":8,\"in_flight\":0,\"max_in_flight\":5}]}");
    info.stopped = true;
    info.stop_reason = varve_view_str("why\n");
    info.settings.filter = NULL;
    info.settings.backoff_count = 0;
    info.consumer_count = 0;
    group_format_info(&text, &info);
    expect(&text, "{\"group\":\"mails\",\"state\":\"stopped\",\"stop_reason\":\"why\\n\",\"checkpoint\":41,"
           "\"last_position\":50,\"in_flight\":2,\"retrying\":1,\"parked\":3,\"acked\":40,\"redelivered\":4,"
           "\"created_at\":\"1970-01-01T00:00:00.000000Z\",\"filter\":{},\"key\":\"category\",\"max_in_flight\":1000,"
           "\"consumer_max_in_flight\":100,\"ack_timeout_ms\":30000,\"max_attempts\":5,\"backoff_ms\":[],"
           "\"consumers\":[]}");
    group_format_summary(&text, &info); /* who lists groups is not told of consumers */
    assert_memory_equal(text.bytes + text.size - 17, ",\"backoff_ms\":[]}", 17);
    text_free(&text);
}

static void a_parked_event_is_an_object(void **state)
{
    struct varve_parked_event parked = { .position = 7, .stream = varve_view_str("order-1"),
                                         .type = varve_view_str("t"), .version = 3, .id = { { [15] = 1 } },
                                         .attempts = 5, .reason = varve_view_str("max_attempts"),
                                         .last_error = varve_view_str("exit status 1"), .parked_at_us = 1500000 };
    struct text text = { 0 };

    group_format_parked(&text, &parked);
    expect(&text, "{\"position\":7,\"stream\":\"order-1\",\"version\":3,\"type\":\"t\","
           "\"id\":\"00000000-0000-0000-0000-000000000001\",\"reason\":\"max_attempts\",\"attempts\":5,"
           "\"last_error\":\"exit status 1\",\"first_attempt_at\":\"1970-01-01T00:00:00.000000Z\","
           "\"parked_at\":\"1970-01-01T00:00:01.500000Z\",\"replaying\":false}");
    parked.last_error = varve_view_of(NULL, 0);
    parked.replaying = true;
    group_format_parked(&text, &parked);
    assert_null(memmem(text.bytes, text.size, "last_error", 10));
    text_free(&text);
}

static void settings_are_told_as_they_are_given(void **state)
{
    struct varve_group_settings settings = { .backoff_count = 0 };
    struct varve_filter by_id = { .correlation_id = { { [15] = 1 } } }, system = { .include_system = true };
    struct text text = { 0 };

    group_describe_filter(&text, &filter);
    expect(&text, "--category order --type a --type b\" --class domain --class realtime --system");
    group_describe_filter(&text, NULL);
    expect(&text, "--all");
    group_describe_filter(&text, &system);
    expect(&text, "--all --system");
    group_describe_filter(&text, &by_id);
    expect(&text, "--correlation 00000000-0000-0000-0000-000000000001");
    group_describe_backoff(&text, &settings);
    expect(&text, "none");
    settings = (struct varve_group_settings){ .backoff_ms = { 1000, 1500, 0 }, .backoff_count = 3 };
    group_describe_backoff(&text, &settings);
    expect(&text, "1s,1500ms,0s");
    text_free(&text);
}

static void people_get_rows(void **state)
{
    struct varve_group_info info = an_info();
    char *printed = NULL;
    size_t size = 0;

    setlocale(LC_CTYPE, "C.UTF-8");
    struct output output = { .file = open_memstream(&printed, &size), .format = OUTPUT_TABLE };
    group_print_info(&output, &info);
    fclose(output.file);
    assert_non_null(strstr(printed, "checkpoint     41 of 50\n"));
    assert_non_null(strstr(printed, "max_in_flight  1000 (100 of one consumer)\nack_timeout    30"));
    assert_non_null(strstr(printed, "backoff        1s,1500ms\n\nconsumer  epoch  in_flight  max_in_flight\n"
                                    "c-1           7          2            100\n"));
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_info_is_an_object),
        cmocka_unit_test(a_parked_event_is_an_object),
        cmocka_unit_test(settings_are_told_as_they_are_given),
        cmocka_unit_test(people_get_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
