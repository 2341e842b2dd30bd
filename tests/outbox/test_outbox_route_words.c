/* test_outbox_route_words.c - every reason for not sending has a name of its own. */
#include "support/check.h"

#include "server/outbox/outbox_route.h"

static void every_reason_has_its_name(void **state)
{
    static const char *const names[] = {
        "system", "no_route", "dropped", "type_not_allowed", "field_missing", "other_priority",
    };

    assert_int_equal(COUNT_OF(names), OUTBOX_FILTER_REASONS);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(outbox_filter_reason_name((enum outbox_filter_reason)i), names[i]);
    assert_null(outbox_filter_reason_name(OUTBOX_FILTER_REASONS));
    assert_null(outbox_filter_reason_name((enum outbox_filter_reason)-1));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_reason_has_its_name) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
