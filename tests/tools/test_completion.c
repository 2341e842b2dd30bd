/* test_completion.c - what the shells are told could come next. */
#include <stdlib.h>

#include "support/check.h"
#include "tools/varve/completion.h"

static char *answer(const char *const *words)
{
    char *printed = NULL, *copies[16];
    size_t size = 0;
    int count = 0;
    FILE *file = open_memstream(&printed, &size);

    for (; words[count] != NULL; count++)
        copies[count] = strdup(words[count]);
    completion_print(file, count, copies);
    fclose(file);
    while (count > 0)
        free(copies[--count]);
    return printed;
}

/* The words alone, each followed by a blank. */
static void words_of(char *printed, char *words)
{
    for (char *line = strtok(printed, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        size_t size = strcspn(line, "\t");

        memcpy(words, line, size);
        words[size] = ' ';
        words += size + 1;
    }
    *words = '\0';
}

static void what_could_come_next(void **state)
{
    static const struct { const char *words[10], *expected; } cases[] = {
        { { "ap" }, "append " },
        { { "stream", "t" }, "truncate tombstone " },
        { { "outbox", "" }, "status pause resume rewind reset drain dead verify history replay " },
        { { "outbox", "d" }, "drain dead " },
        { { "outbox", "dead", "" }, "ls show retry discard " },
        { { "nonsense", "" }, "" },
        { { "stream", "nonsense", "" }, "" },
        { { "--server", "varve", ":", "//127.0.0.1", ":", "8278", "pi" }, "ping " },
        { { "-d", "append", "pi" }, "ping " }, /* "append" is the folder's name */
        { { "help", "pi" }, "ping " },
        { { "help", "ping", "" }, "" },
        { { "hel" }, "help " },
        { { "ping", "--o" }, "--output " },
        { { "--v" }, "--version " },
        { { "append", "order-42", "order.paid", "--exp" }, "--expected " },
        { { "append", "--expected", "" }, "any no_stream stream_exists " },
        { { "append", "--expected", "=", "s" }, "stream_exists " },
        { { "append", "--expected", "=" }, "any no_stream stream_exists " },
        { { "append", "--expected", "any", "--class", "d" }, "domain " },
        { { "read", "-o", "" }, "table json ndjson " },
        { { "import", "" }, ":files " },
        { { "check", "--deep", "" }, ":folders " },
        { { "ping", "--db", "" }, ":folders " },
        { { "ping", "-d", "x" }, ":folders " },
        { { "ping", "" }, "" },
        { { "completion", "" }, "bash zsh fish " },
        { { "completion", "z" }, "zsh " },
        { { "completion", "zsh", "" }, "" },
        { { "dev", "--", "any", "" }, ":files " },
        { { "stream", "ls", "a", "b", "c", "d", "" }, "" },
    };
    char words[1024];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *printed = answer(cases[i].words);

        words_of(printed, words);
        if (strcmp(words, cases[i].expected) != 0)
            fail_msg("case %zu: \"%s\", expected \"%s\"", i, words, cases[i].expected);
        free(printed);
    }
}

static void every_command_and_option_is_offered(void **state)
{
    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        char name[64], *rest = name;
        const char *words[8] = { NULL };
        size_t count = 0;

        snprintf(name, sizeof(name), "%s", (*c)->name);
        for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
            words[count++] = word;
        char *printed = answer(words);
        CHECK_CASE(strncmp(printed, words[count - 1], strlen(words[count - 1])) == 0, (*c)->name);
        free(printed);
        words[count] = "--";
        printed = answer(words);
        for (const struct option_spec *s = (*c)->options; s->name != NULL; s++)
            CHECK_CASE(strstr(printed, s->name) != NULL, s->name);
        free(printed);
    }
}

static void anything_can_be_asked(void **state)
{
    char *none = answer((const char *const[]){ NULL }), *first = answer((const char *const[]){ "", NULL });

    assert_string_equal(none, first);
    assert_non_null(strstr(first, "append\tappend "));
    free(none);
    free(first);
    free(answer((const char *const[]){ "", "", "-", "--", "=", ":", "", NULL }));
}

static void there_are_three_shells(void **state)
{
    assert_non_null(strstr(completion_script("bash"), "complete -F"));
    assert_non_null(strstr(completion_script("zsh"), "#compdef varve"));
    assert_non_null(strstr(completion_script("fish"), "complete -c varve"));
    assert_null(completion_script("csh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_come_next),
        cmocka_unit_test(every_command_and_option_is_offered),
        cmocka_unit_test(anything_can_be_asked),
        cmocka_unit_test(there_are_three_shells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
