/* test_manual.c - the manual has every command and option, and nothing in it steers the formatter by accident. */
#include <stdlib.h>

#include "support/check.h"
#include "tools/varve/manual.h"

/* The requests that we mean; a word of a text at the start of a line must be none. */
static bool is_ours(const char *line)
{
    static const char *const requests[] = { ".TH ", ".SH ", ".SS ", ".PP\n", ".TP\n", ".BR ", ".nf\n", ".fi\n", ".\\\"",
                                           ".ad l\n", ".nh\n" };

    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        if (strncmp(line, requests[i], strlen(requests[i])) == 0)
            return true;
    }
    return line[0] != '.' && line[0] != '\'';
}

static void the_manual_is_whole_and_sound(void **state)
{
    char *printed = NULL, wanted[128];
    size_t size = 0;
    FILE *file = open_memstream(&printed, &size);

    manual_print(file);
    fclose(file);
    for (const char *line = printed; line[0] != '\0'; line = strchr(line, '\n') + 1)
        CHECK_CASE(is_ours(line), line);
    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        snprintf(wanted, sizeof(wanted), "\n.SS varve %s\n", (*c)->name);
        CHECK_CASE(strstr(printed, wanted) != NULL, (*c)->name);
    }
    assert_non_null(strstr(printed, "\\fB\\-\\-server\\fR \\fIURL\\fR"));
    assert_non_null(strstr(printed, "'{\"total\": 99}' \\-\\-expected no_stream\n"));
    free(printed);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_manual_is_whole_and_sound) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
