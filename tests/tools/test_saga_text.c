/* test_saga_text.c - sagas as programs and as people read them; what is asked for in words. */
#include "support/check.h"
#include "tools/varve/saga_text.h"
#include "varve/os.h"

#include <stdlib.h>
#include <string.h>

static struct varve_saga a_saga(void)
{
    return (struct varve_saga){
        .type = varve_view_str("order"), .id = varve_view_str("17"), .step = varve_view_str("charge_payment"),
        .status = VARVE_SAGA_COMPENSATING, .version = 3, .position = 42, .started_at_us = 0, .updated_at_us = 1000000,
        .completed_at_us = VARVE_TIME_NONE, .failed_at_us = VARVE_TIME_NONE, .deadline_us = VARVE_TIME_NONE,
        .has_state = true, .state = varve_view_str("{\"total\":9}"), .content_type = VARVE_CONTENT_JSON,
    };
}

static void expect(const struct text *text, const char *expected)
{
    struct varve_view view = text_view(text);

    if (!varve_view_equal(view, varve_view_str(expected)))
        fail_msg("is %.*s\nexpected %s", (int)view.size, view.data, expected);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void a_saga_is_an_object(void **state)
{
    struct varve_saga saga = a_saga();
    struct text text = { 0 };

    saga_format(&text, &saga);
    expect(&text, "{\"type\":\"order\",\"saga_id\":\"17\",\"status\":\"compensating\",\"step\":\"charge_payment\","
           "\"version\":3,\"position\":42,\"started_at\":\"1970-01-01T00:00:00.000000Z\","
           "\"updated_at\":\"1970-01-01T00:00:01.000000Z\",\"state\":{\"total\":9}}");
    saga.status = VARVE_SAGA_FAILED;
    saga.failed_at_us = 1000000;
    saga.deadline_us = 2000000;
    saga.error = varve_view_str("no \"card\"");
    saga.correlation_id.bytes[15] = 1;
    saga.content_type = VARVE_CONTENT_OCTET_STREAM;
    saga.state = varve_view_of("\0\1", 2);
    saga_format(&text, &saga);
    expect(&text, "{\"type\":\"order\",\"saga_id\":\"17\",\"status\":\"failed\",\"step\":\"charge_payment\","
           "\"version\":3,\"position\":42,\"started_at\":\"1970-01-01T00:00:00.000000Z\","
           "\"updated_at\":\"1970-01-01T00:00:01.000000Z\",\"failed_at\":\"1970-01-01T00:00:01.000000Z\","
           "\"deadline\":\"1970-01-01T00:00:02.000000Z\",\"error\":\"no \\\"card\\\"\","
           "\"correlation_id\":\"00000000-0000-0000-0000-000000000001\","
           "\"content_type\":\"application/octet-stream\",\"state\":\"AAE=\"}");
    text_free(&text);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

struct page {
    char *printed;
    size_t size;
    struct output output;
};

static void begin(struct page *page)
{
    *page = (struct page){ .output = { .format = OUTPUT_TABLE } };
    page->output.file = open_memstream(&page->printed, &page->size);
    assert_non_null(page->output.file);
}

static void end(struct page *page)
{
    fclose(page->output.file);
}

static void a_saga_is_pairs(void **state)
{
    struct varve_saga saga = a_saga();
    struct page page;

    begin(&page);
    saga.completed_at_us = 2000000;
    saga_print(&page.output, &saga);
    end(&page);
    assert_string_equal(page.printed,
                        "type          order\nsaga_id       17\nstatus        compensating\n"
                        "step          charge_payment\nversion       3\nstarted_at    1970-01-01T00:00:00.000000Z\n"
                        "updated_at    1970-01-01T00:00:01.000000Z\ncompleted_at  1970-01-01T00:00:02.000000Z\n"
                        "state         {\"total\":9}\n");
    free(page.printed);
}

static void a_list_is_rows(void **state)
{
    struct varve_saga saga = a_saga();
    struct saga_printer printer;
    struct page page;

    begin(&page);
    saga_printer_begin(&printer, &page.output);
    printer.now_us = 61000000;
    saga.deadline_us = printer.now_us + 5000000;
    saga.error = varve_view_str("why");
    saga_printer_saga(&printer, &saga);
    saga.deadline_us = printer.now_us - 5000000;
    saga_printer_saga(&printer, &saga);
    saga_printer_end(&printer);
    end(&page);
    assert_non_null(strstr(page.printed, "compensating  charge_payment        3"));
    assert_non_null(strstr(page.printed, "in 5"));
    assert_non_null(strstr(page.printed, " ago "));
    free(page.printed);
}

/* ---- history ----------------------------------------------------------------------------------------------------- */

static void an_event_says_what_it_did(void **state)
{
    struct varve_event event = {
        .type = varve_view_str("$saga.compensating"),
        .metadata = varve_view_str("{\"step\":\"undo\",\"deadline_us\":17,"
                                   "\"error\":\"a \\\"b\\\"\",\"state\":\"new\"}"),
    };
    struct saga_event change;

    saga_event_read(&event, &change);
    assert_true(varve_view_equal(change.action, varve_view_str("compensating")));
    assert_true(varve_view_equal(change.step, varve_view_str("undo")));
    assert_true(varve_view_equal(change.error, varve_view_str("a \\\"b\\\"")));
    assert_int_equal(change.deadline_us, 17);
    assert_true(change.new_state);
    event.metadata = varve_view_str("{\"step\":7,\"state\":\"kept\",\"more\":[1,2]}");
    saga_event_read(&event, &change);
    assert_int_equal(change.step.size, 0);
    assert_true(change.deadline_us == VARVE_TIME_NONE);
    assert_false(change.new_state);
    event.metadata = varve_view_str("not JSON");
    event.type = varve_view_str("other");
    saga_event_read(&event, &change);
    assert_true(varve_view_equal(change.action, varve_view_str("other")));
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static void statuses_are_bits(void **state)
{
    static const struct option_spec all[] = { { NULL, 0, NULL, NULL } };
    static const struct option_spec specs[] = { { "status", 's', "STATUS", "" }, { NULL, 0, NULL, NULL } };
    char *words[] = { "varve", "--status", "running,timed_out", "-s", "failed" };
    char *wrong[] = { "varve", "--status", "running,sleeping" };
    struct arguments arguments = { .tables = { all, specs } };
    struct varve_error error;
    unsigned statuses = 0;

    assert_int_equal(arguments_parse(&arguments, 5, words, 1, false, &error), 5);
    assert_int_equal(saga_statuses_parse(&arguments, &statuses, &error), VARVE_OK);
    assert_int_equal(statuses, 1 << VARVE_SAGA_RUNNING | 1 << VARVE_SAGA_TIMED_OUT | 1 << VARVE_SAGA_FAILED);
    arguments = (struct arguments){ .tables = { all, specs } };
    assert_int_equal(arguments_parse(&arguments, 3, wrong, 1, false, &error), 3);
    assert_int_equal(saga_statuses_parse(&arguments, &statuses, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "status");
}

static void a_deadline_is_a_time_or_so_long_from_now(void **state)
{
    const struct varve_os *os = varve_os_default();
    struct varve_error error;
    int64_t before_us = os->now_us(os->self), us;

    assert_int_equal(saga_deadline_parse("1970-01-01T00:00:02Z", &us, &error), VARVE_OK);
    assert_int_equal(us, 2000000);
    assert_int_equal(saga_deadline_parse("1h", &us, &error), VARVE_OK);
    assert_true(us >= before_us + 3600000000LL);
    assert_true(us <= os->now_us(os->self) + 3600000000LL);
    assert_int_equal(saga_deadline_parse("soon", &us, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "deadline");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saga_is_an_object),
        cmocka_unit_test(a_saga_is_pairs),
        cmocka_unit_test(a_list_is_rows),
        cmocka_unit_test(an_event_says_what_it_did),
        cmocka_unit_test(statuses_are_bits),
        cmocka_unit_test(a_deadline_is_a_time_or_so_long_from_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
