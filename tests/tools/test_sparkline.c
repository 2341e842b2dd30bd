/* test_sparkline.c - numbers as bars. */
#include <math.h>

#include "support/check.h"
#include "tools/varve/sparkline.h"

static void check(struct text *text, const char *expected, const char *label)
{
    text_add(text, varve_view_of("", 1));
    print_message("%s\n", label);
    assert_string_equal(text->bytes, expected);
    text_free(text);
}

static void lines(void **state)
{
    static const struct { const char *label; double values[8]; size_t count; const char *shown; } cases[] = {
        { "nothing", { 0 }, 0, "" },
        { "all the same", { 5, 5, 5 }, 3, "███" },
        { "zeroes", { 0, 0 }, 2, "▁▁" },
        { "rising", { 0, 1, 2, 3, 4, 5, 6, 7 }, 8, "▁▂▃▄▅▆▇█" },
        { "little is more than nothing", { 0, 0.001, 1000000 }, 3, "▁▂█" },
        { "not known", { NAN, 3, NAN }, 3, " █ " },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text text = { 0 };

        sparkline(&text, cases[i].values, cases[i].count);
        check(&text, cases[i].shown, cases[i].label);
    }
}

static void bars(void **state)
{
    static const struct { const char *label; double share; const char *shown; } cases[] = {
        { "empty", 0, "░░░░" }, { "half", 0.5, "██░░" }, { "full", 1, "████" }, { "more than full", 7, "████" },
        { "less than empty", -1, "░░░░" }, { "not known", NAN, "░░░░" }, { "rounded", 0.7, "███░" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text text = { 0 };

        share_bar(&text, cases[i].share, 4);
        check(&text, cases[i].shown, cases[i].label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(bars) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
