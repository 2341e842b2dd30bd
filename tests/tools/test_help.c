/* test_help.c - commands are found by their words, and every one explains itself. */
#include <stdlib.h>

#include "support/check.h"
#include "tools/varve/cli.h"

static void commands_are_found_by_their_words(void **state)
{
    static const struct { const char *words[3]; int count; const char *name; } cases[] = {
        { { "append", "x" }, 2, "append" }, { { "stream", "ls" }, 2, "stream ls" }, { { "stream", "x" }, 2, NULL },
        { { "stream", NULL }, 1, NULL }, { { "app", NULL }, 1, NULL }, { { "stream ls", NULL }, 1, NULL },
        { { NULL, NULL }, 0, NULL }, { { "outbox", "dead", "ls" }, 3, "outbox dead ls" },
        { { "outbox", "dead" }, 2, NULL }, { { "outbox", "status", "ls" }, 3, "outbox status" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int used = 0;
        const struct command *found = cli_find_command(cases[i].count, (char *const *)cases[i].words, &used);
        if (cases[i].name == NULL) {
            assert_null(found);
            continue;
        }
        assert_non_null(found);
        assert_string_equal(found->name, cases[i].name);
        int words = 1;
        for (const char *at = cases[i].name; *at != '\0'; at++)
            words += *at == ' ';
        assert_int_equal(used, words);
    }
}

static void every_command_shows_usage_options_and_examples(void **state)
{
    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        char *printed = NULL, usage[128];
        size_t size = 0;
        FILE *file = open_memstream(&printed, &size);

        assert_non_null(file);
        cli_print_help(file, *c);
        fclose(file);
        snprintf(usage, sizeof(usage), "Usage: varve %s", (*c)->name);
        CHECK_CASE(strstr(printed, usage) != NULL, (*c)->name);
        CHECK_CASE(strstr(printed, "\nExamples:\n  varve ") != NULL || strstr(printed, "\nExamples:\n  ") != NULL,
                   (*c)->name);
        for (const struct option_spec *s = (*c)->options; s->name != NULL; s++) {
            char option[64];
            snprintf(option, sizeof(option), "--%s", s->name);
            CHECK_CASE(strstr(printed, option) != NULL, option);
            for (const struct option_spec *g = cli_options; g->name != NULL; g++)
                CHECK_CASE(strcmp(g->name, s->name) != 0 && (s->letter == 0 || s->letter != g->letter), option);
        }
        free(printed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_found_by_their_words),
        cmocka_unit_test(every_command_shows_usage_options_and_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
