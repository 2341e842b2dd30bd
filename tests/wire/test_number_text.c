/* test_number_text.c - decimal numbers: those that are, to the last one, and what looks like one. */
#include "support/check.h"
#include "varve/number_text.h"

static void digits_are_numbers(void **state)
{
    static const struct { const char *text; uint64_t number; } cases[] = {
        { "0", 0 }, { "7", 7 }, { "0042", 42 }, { "9223372036854775808", (uint64_t)INT64_MAX + 1 },
        { "18446744073709551615", UINT64_MAX }, { "00000000000000000000000000018446744073709551615", UINT64_MAX },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t number = 1;

        CHECK_CASE(varve_number_parse(varve_view_str(cases[i].text), &number), cases[i].text);
        CHECK_CASE(number == cases[i].number, cases[i].text);
    }
}

static void all_else_is_not(void **state)
{
    static const char *const cases[] = {
        "", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "/", ":", "1\xb9", "18446744073709551616",
        "18446744073709551620", "99999999999999999999", "184467440737095516150",
    };
    uint64_t number = 5;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(!varve_number_parse(varve_view_str(cases[i]), &number), cases[i]);
    assert_false(varve_number_parse(varve_view_of(NULL, 0), &number));
    assert_false(varve_number_parse(varve_view_of("1\0", 2), &number));
    assert_int_equal(number, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digits_are_numbers),
        cmocka_unit_test(all_else_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
