/* test_event_printer.c - the same events as a table, as JSON, as lines; seen when they are to be seen. */
#include "support/check.h"
#include "support/sample_event.h"
#include "tools/varve/event_printer.h"

#include <locale.h>
#include <stdlib.h>

static char *printed;
static size_t printed_size;

static struct output output_of(enum output_format format)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    return (struct output){ .file = open_memstream(&printed, &printed_size), .format = format };
}

static void expect_printed(const char *expected)
{
    assert_int_equal(printed_size, strlen(expected));
    assert_memory_equal(printed, expected, printed_size);
}

static struct varve_event an_event(const char *data)
{
    struct varve_event event = sample_event_bare();

    event.position = 7;
    event.data = varve_view_str(data);
    return event;
}

static void rows_are_seen_when_flushed(void **state)
{
    struct output output = output_of(OUTPUT_TABLE);
    struct event_printer printer;
    struct varve_event first = an_event("{}"), second = sample_event_full();

    event_printer_begin(&printer, &output);
    event_printer_flush(&printer);
    expect_printed(""); /* not even titles */
    event_printer_event(&printer, &first);
    event_printer_flush(&printer);
    expect_printed("position  stream@version  type  recorded_at               data\n"
                   "       7  s@0             t     1970-01-01T00:00:00.000Z  {}\n");
    event_printer_event(&printer, &second);
    event_printer_end(&printer);
    fclose(output.file);
    assert_non_null(strstr(printed, "\n       7  order-42@3      order.placed  2023-11-14T22:13:20.000Z  "
                                    "(2 bytes of application/msgpack)\n"));
    free(printed);
}

static void lines_and_lists_are_json(void **state)
{
    struct varve_event event = an_event("1");
    const char *object = "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"01000000-0000-0000-0000-000000000000\","
                         "\"schema_version\":0,\"data\":1,\"version\":0,\"position\":7,"
                         "\"recorded_at\":\"1970-01-01T00:00:00.000000Z\"}";
    char expected[1024];

    for (int lines = 0; lines < 2; lines++) {
        struct output output = output_of(lines ? OUTPUT_NDJSON : OUTPUT_JSON);
        struct event_printer printer;
        event_printer_begin(&printer, &output);
        event_printer_event(&printer, &event);
        event_printer_event(&printer, &event);
        event_printer_flush(&printer);
        snprintf(expected, sizeof(expected), lines ? "%s\n%s\n" : "[\n %s,\n %s", object, object);
        expect_printed(expected);
        event_printer_end(&printer);
        fclose(output.file);
        free(printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_seen_when_flushed),
        cmocka_unit_test(lines_and_lists_are_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
