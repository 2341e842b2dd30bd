/* test_commands.c - the table of commands is whole and says each name once. */
#include "support/check.h"
#include "tools/varve/cli.h"

static void every_row_is_whole_and_named_once(void **state)
{
    size_t count = 0;

    for (const struct command *const *c = cli_commands; *c != NULL; c++, count++) {
        assert_non_null((*c)->run);
        assert_non_null((*c)->options);
        assert_non_null((*c)->arguments);
        assert_non_null((*c)->details);
        assert_true((*c)->summary[0] != '\0' && (*c)->examples[0] == ' ');
        for (const struct command *const *other = cli_commands; other != c; other++)
            CHECK_CASE(strcmp((*other)->name, (*c)->name) != 0, (*c)->name);
    }
    assert_int_equal(count, 61);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole_and_named_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
