/* test_nearest.c - which name was meant, and when that would be a guess. */
#include "support/check.h"
#include "varve/nearest.h"

static const char *const names[] = { "limit", "linger", "from", "backwards", "correlation_id" };

static void the_nearest_is_named(void **state)
{
    static const struct { const char *wanted, *hint; } cases[] = {
        { "limt", "; did you mean --limit?" },
        { "lim", "; did you mean --limit?" },
        { "linge", "; did you mean --linger?" },
        { "back", "; did you mean --backwards?" },
        { "corelation_id", "; did you mean --correlation_id?" },
        { "form", "; did you mean --from?" },
        { "fro", "; did you mean --from?" },
        { "xyzzy", "" },
        { "", "" },
        { "li", "" },
        { "a-name-so-long-that-nobody-can-have-meant-any-of-those-we-know", "" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_nearest nearest = varve_nearest_to(cases[i].wanted);
        char hint[VARVE_NEAREST_HINT];

        for (size_t n = 0; n < COUNT_OF(names); n++)
            varve_nearest_offer(&nearest, names[n]);
        CHECK_CASE(strcmp(varve_nearest_hint(&nearest, "--", hint), cases[i].hint) == 0, cases[i].wanted);
    }
}

static void of_equals_the_first_stays(void **state)
{
    struct varve_nearest nearest = varve_nearest_to("cat");

    varve_nearest_offer(&nearest, "car");
    varve_nearest_offer(&nearest, "can");
    assert_string_equal(nearest.best, "car");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nearest_is_named),
        cmocka_unit_test(of_equals_the_first_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
