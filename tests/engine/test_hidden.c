/* test_hidden.c - the filter may say "maybe" too often, but never "no" of a stream that was added. */
#include "engine/hidden.h"
#include "support/check.h"

static struct varve_view name_of(unsigned number, char text[32])
{
    return varve_view_of(text, (size_t)snprintf(text, 32, "stream-%u", number));
}

static void a_fresh_one_hides_nothing(void **ignored)
{
    struct hidden *hidden = NULL;
    char text[32];

    assert_int_equal(hidden_create(1, &hidden), VARVE_OK);
    for (unsigned i = 0; i < 1000; i++)
        assert_false(hidden_maybe(hidden, name_of(i, text)));
    hidden_destroy(hidden);
    hidden_destroy(NULL);
}

static void what_was_added_is_maybe_hidden(void **ignored)
{
    struct hidden *hidden = NULL;
    unsigned mistaken = 0;
    char text[32];

    assert_int_equal(hidden_create(1, &hidden), VARVE_OK);
    for (unsigned i = 0; i < 10000; i++)
        hidden_add(hidden, name_of(i, text));
    for (unsigned i = 0; i < 10000; i++)
        assert_true(hidden_maybe(hidden, name_of(i, text)));
    for (unsigned i = 10000; i < 110000; i++)
        mistaken += hidden_maybe(hidden, name_of(i, text));
    assert_in_range(mistaken, 0, 1000); /* 1 %; the seed is fixed, so is the number. */
    hidden_destroy(hidden);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_one_hides_nothing),
        cmocka_unit_test(what_was_added_is_maybe_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
