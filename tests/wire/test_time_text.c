/* test_time_text.c - moments as RFC 3339 writes them, there and back. */
#include "support/check.h"
#include "support/random.h"
#include "varve/time_text.h"

static void rfc_3339_is_understood(void **state)
{
    static const struct { const char *text; int64_t us; } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01T00:00:00.000001Z", 1 },
        { "1969-12-31T23:59:59.999999Z", -1 },
        { "2011-10-01T00:38:44.546+02:00", 1317422324546000 },
        { "2011-09-30t22:38:44.546z", 1317422324546000 },
        { "2011-09-30 22:38:44.546Z", 1317422324546000 },
        { "2024-02-29T12:00:00-00:30", 1709209800000000 },
        { "2000-02-29T00:00:00Z", 951782400000000 },
        { "0001-01-01T00:00:00Z", -62135596800000000 },
        { "9999-12-31T23:59:59.999999Z", 253402300799999999 },
        { "2016-12-31T23:59:60Z", 1483228800000000 },
        { "2024-05-01T12:00:00.1234567890123456789012Z", 1714564800123456 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = 42;
        CHECK_CASE(varve_time_parse(varve_view_str(cases[i].text), &us), cases[i].text);
        CHECK_CASE(us == cases[i].us, cases[i].text);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const cases[] = {
        "", "2024", "2024-05-01", "2024-05-01T12:00:00", "2024-05-01T12:00Z", "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z", "2024-01-32T00:00:00Z", "2024-04-31T00:00:00Z",
        "2024-01-00T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z",
        "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+2:00", "2024-01-01T00:00:00+0200", "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00Zx", " 2024-01-01T00:00:00Z", "24-01-01T00:00:00Z", "1900-02-29T00:00:00Z", "yesterday",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t us = 42;
        CHECK_CASE(!varve_time_parse(varve_view_str(cases[i]), &us) && us == 42, cases[i]);
    }
    int64_t us;
    assert_false(varve_time_parse(varve_view_str(NULL), &us));
}

static void a_nul_byte_is_not_a_separator(void **state)
{
    int64_t us;

    assert_false(varve_time_parse(varve_view_of("2024-05-01\0" "12:00:00Z", 20), &us));
}

static void every_time_survives_the_text_form(void **state)
{
    uint64_t seed = 7;

    for (unsigned i = 0; i < 100000; i++) {
        int64_t us = (int64_t)random_below(&seed, UINT64_C(315537897600000000)) - 62135596800000000, again;
        char text[VARVE_TIME_TEXT];

        varve_time_format(us, text);
        CHECK_CASE(varve_time_parse(varve_view_str(text), &again) && again == us, text);
    }
}

static void times_are_printed_in_utc_with_microseconds(void **state)
{
    static const struct { int64_t us; const char *text; } cases[] = {
        { 0, "1970-01-01T00:00:00.000000Z" },
        { VARVE_TIME_MIN, "0000-01-01T00:00:00.000000Z" },
        { VARVE_TIME_MAX, "9999-12-31T23:59:59.999999Z" },
        { -1, "1969-12-31T23:59:59.999999Z" },
        { 1317422324546000, "2011-09-30T22:38:44.546000Z" },
        { 951782400000000, "2000-02-29T00:00:00.000000Z" },
    };
    char text[VARVE_TIME_TEXT];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(varve_time_format(cases[i].us, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    varve_time_format(INT64_MAX, text); /* fits, whatever it says */
    varve_time_format(INT64_MIN, text);
}

static void a_date_alone_is_its_first_moment(void **state)
{
    int64_t us = 42;

    assert_true(varve_date_parse(varve_view_str("2024-05-01"), &us));
    assert_true(us == INT64_C(1714521600000000));
    assert_false(varve_date_parse(varve_view_str("2024-05-01T"), &us));
    assert_false(varve_date_parse(varve_view_str("2023-02-29"), &us));
    assert_true(us == INT64_C(1714521600000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339_is_understood),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_nul_byte_is_not_a_separator),
        cmocka_unit_test(every_time_survives_the_text_form),
        cmocka_unit_test(times_are_printed_in_utc_with_microseconds),
        cmocka_unit_test(a_date_alone_is_its_first_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
