/* help.c - what `varve help` prints, made from the table of commands. */
#include <string.h>

#include "cli.h"

/* How many words these are, when they are the first of `words`; 0: they are not. */
static int words_of(const char *name, int count, char *const *words)
{
    for (int used = 0; used < count; used++) {
        size_t size = strcspn(name, " ");

        if (strlen(words[used]) != size || memcmp(words[used], name, size) != 0)
            return 0;
        name += size;
        if (*name == '\0')
            return used + 1;
        name++;
    }
    return 0;
}

const struct command *cli_find_command(int count, char *const *words, int *ret_words)
{
    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        int used = words_of((*c)->name, count, words);

        if (used > 0) {
            *ret_words = used;
            return *c;
        }
    }
    return NULL;
}

static void print_options(FILE *file, const struct option_spec *options)
{
    for (const struct option_spec *s = options; s->name != NULL; s++) {
        char left[64];

        if (s->letter != 0)
            snprintf(left, sizeof(left), "-%c, --%s %s", s->letter, s->name, s->value != NULL ? s->value : "");
        else
            snprintf(left, sizeof(left), "    --%s %s", s->name, s->value != NULL ? s->value : "");
        fprintf(file, "  %-28s %s\n", left, s->help);
    }
}

void cli_print_help(FILE *file, const struct command *command)
{
    fprintf(file, "%s\n\nUsage: varve %s %s\n", command->summary, command->name, command->arguments);
    if (command->details[0] != '\0')
        fprintf(file, "\n%s\n", command->details);
    if (command->options[0].name != NULL) {
        fputs("\nOptions:\n", file);
        print_options(file, command->options);
    }
    fputs("\nOptions of all commands:\n", file);
    print_options(file, cli_options);
    fprintf(file, "\nExamples:\n%s", command->examples);
}

void cli_print_overview(FILE *file)
{
    fputs("varve keeps events: append them to streams, read them back in order.\n\n"
          "Usage: varve [--server URL | --db DIR] COMMAND ...\n\nCommands:\n", file);
    for (const struct command *const *c = cli_commands; *c != NULL; c++)
        fprintf(file, "  %-20s %s\n", (*c)->name, (*c)->summary);
    fputs("\n`varve help COMMAND` explains a command and shows examples.\n\nOptions of all commands:\n", file);
    print_options(file, cli_options);
    fputs("\nExit codes: 0 ok, 1 failure, 2 usage, 3 conflict, 4 not found, 5 unreachable, 6 corrupt\n"
          "Errors go to standard error as `error: NAME: message`; NO_COLOR turns colours off.\n", file);
}
