/* test_event_check.c - messages about an event name its fields as people write them. */
#include "support/check.h"
#include "tools/varve/event_check.h"

static void fields_have_their_plain_names(void **state)
{
    static const struct { const char *stream, *type, *data, *field; } cases[] = {
        { "order-1", "order.placed", "{}", NULL },
        { "order-1", "order.placed", NULL, NULL },
        { "", "t", "{}", "stream" },
        { "$order", "t", "{}", "stream" },
        { "order-1", "", "{}", "type" },
        { "order-1", "t", "{", "data" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event = { .stream = varve_view_str(cases[i].stream), .type = varve_view_str(cases[i].type),
                                     .data = varve_view_str(cases[i].data), .time_us = VARVE_TIME_NONE };
        struct varve_error error;
        enum varve_status status = event_check(&event, &error);
        assert_int_equal(status, cases[i].field == NULL ? VARVE_OK : VARVE_INVALID_ARGUMENT);
        if (cases[i].field == NULL)
            continue;
        assert_string_equal(error.field, cases[i].field);
        assert_int_equal(strncmp(error.message, cases[i].field, strlen(cases[i].field)), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(fields_have_their_plain_names) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
