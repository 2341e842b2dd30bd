/* test_outbox_glob.c - what patterns match, and that no text makes them slow. */
#include "support/check.h"

#include <stdlib.h>

#include "server/outbox/outbox_route.h"

static void patterns_match(void **state)
{
    static const struct { const char *glob, *text; bool matches; } cases[] = {
        { "payment", "payment", true }, { "payment", "payments", false }, { "payments", "payment", false },
        { "", "", true }, { "", "x", false }, { "*", "", true }, { "*", "anything", true }, { "**", "x", true },
        { "?", "", false }, { "?", "x", true }, { "?", "xy", false },
        { "payment.*", "payment.captured", true }, { "payment.*", "payment.", true }, { "payment.*", "payment", false },
        { "*.internal", "a.b.internal", true }, { "*.internal", ".internal", true },
        { "*.internal", "internal", false },
        { "*.internal", "x.internal.y", false },
        { "a*b*c", "abc", true }, { "a*b*c", "aXbXbYc", true }, { "a*b*c", "acb", false }, { "a*b*c", "abcb", false },
        { "*a*", "bab", true }, { "*a*", "bbb", false }, { "*aab", "aaaab", true }, { "*ab?", "abab", false },
        { "*ab?", "ababx", true },
        { "?\xc3\xa4?", "x\xc3\xa4x", true }, { "k?se", "k\xc3\xa4se", true }, { "k??se", "k\xc3\xa4se", false },
        { "*?", "\xe2\x82\xac", true }, { "*??", "\xe2\x82\xac", false }, { "??", "\xf0\x9f\x98\x80x", true },
        { "[a]", "a", false }, { "[a]", "[a]", true }, { "a\\*", "a*", false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(outbox_glob_match(cases[i].glob, varve_view_str(cases[i].text)) == cases[i].matches, cases[i].glob);
}

/* As the words say it, however long it takes. */
static bool slow_match(const char *glob, const char *text)
{
    if (*glob == 0)
        return *text == 0;
    if (*glob == '*')
        return slow_match(glob + 1, text) || (*text != 0 && slow_match(glob, text + 1));
    return *text != 0 && (*glob == '?' || *glob == *text) && slow_match(glob + 1, text + 1);
}

static void agrees_with_the_definition(void **state)
{
    static const char glob_letters[] = "ab*?", text_letters[] = "ab";

    srand(1);
    for (unsigned round = 0; round < 200000; round++) {
        char glob[8] = "", text[12] = "";
        int glob_size = rand() % 7, text_size = rand() % 11;

        for (int i = 0; i < glob_size; i++)
            glob[i] = glob_letters[rand() % 4];
        for (int i = 0; i < text_size; i++)
            text[i] = text_letters[rand() % 2];
        CHECK_CASE(outbox_glob_match(glob, varve_view_str(text)) == slow_match(glob, text), glob);
    }
}

/* A machine that tried every way would take longer than the universe has; this takes milliseconds. */
static void no_text_makes_it_slow(void **state)
{
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);

    assert_non_null(text);
    memset(text, 'a', SIZE);
    assert_false(outbox_glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*ab", varve_view_of(text, SIZE)));
    assert_true(outbox_glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*aa", varve_view_of(text, SIZE)));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match), cmocka_unit_test(agrees_with_the_definition),
        cmocka_unit_test(no_text_makes_it_slow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
