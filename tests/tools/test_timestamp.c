/* test_timestamp.c - moments and durations, as they are typed and shown. */
#include "support/check.h"
#include "tools/varve/timestamp.h"

static void tables_show_milliseconds(void **state)
{
    char text[TIMESTAMP_TEXT];

    timestamp_format_short(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    timestamp_format_short(INT64_MIN, text); /* fits, whatever it says */
}

static void moments_are_times_dates_or_how_long_ago(void **state)
{
    int64_t now = 1714564800000000; /* 2024-05-01T12:00:00Z */
    const struct { const char *text; bool ok; int64_t us; } cases[] = {
        { "2024-05-01T12:00:00Z", true, now },
        { "2024-05-01", true, now - INT64_C(12) * 3600 * 1000000 },
        { "now", true, now },
        { "10m", true, now - 600000000 },
        { "2h ago", true, now - INT64_C(7200) * 1000000 },
        { "1d12h", true, now - INT64_C(36) * 3600 * 1000000 },
        { "250ms", true, now - 250000 },
        { "1w", true, now - INT64_C(7) * 86400 * 1000000 },
        { "2024-05-32", false, 0 }, { "ago", false, 0 }, { " ago", false, 0 }, { "10", false, 0 }, { "m", false, 0 },
        { "-5m", false, 0 }, { "10m 5s", false, 0 }, { "99999999999999999999d", false, 0 },
        { "9223372036854775807s", false, 0 }, { "", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = 0;
        CHECK_CASE(timestamp_parse_moment(varve_view_str(cases[i].text), now, &us) == cases[i].ok, cases[i].text);
        CHECK_CASE(us == cases[i].us, cases[i].text);
    }
}

static void durations_are_printed_by_their_size(void **state)
{
    static const struct { int64_t us; const char *text; } cases[] = {
        { 0, "0 us" }, { 999, "999 us" }, { 1500, "1.50 ms" }, { 2250000, "2.25 s" }, { 125000000, "2m 5s" },
        { INT64_C(11040) * 1000000, "3h 4m" }, { INT64_C(176400) * 1000000, "2d 1h" },
    };
    char text[TIMESTAMP_TEXT];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        duration_format(cases[i].us, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_show_milliseconds),
        cmocka_unit_test(moments_are_times_dates_or_how_long_ago),
        cmocka_unit_test(durations_are_printed_by_their_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
