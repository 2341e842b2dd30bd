/* manual.c - see manual.h. */
#include "manual.h"

#include <ctype.h>
#include <string.h>

#include "varve/version.h"

/* A text as man(7) wants it: no hyphen that is a dash, no escape of its own, no line that begins with a request. */
static void print_text(FILE *file, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((text[i] == '.' || text[i] == '\'') && (i == 0 || text[i - 1] == '\n'))
            fputs("\\&", file);
        if (text[i] == '\\')
            fputs("\\e", file);
        else if (text[i] == '-')
            fputs("\\-", file);
        else
            fputc(text[i], file);
    }
}

static void print_string(FILE *file, const char *text)
{
    print_text(file, text, strlen(text));
}

static void print_as_is(FILE *file, const char *text, size_t size)
{
    fputs(".nf\n", file);
    print_text(file, text, size);
    fputs("\n.fi\n", file);
}

/* Paragraphs, parted by empty lines; those with an indented line are shown as they are. */
static void print_paragraphs(FILE *file, const char *text)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n"), *indented = strstr(text, "\n ");
        size_t size = end != NULL ? (size_t)(end - text) : strlen(text);

        fputs(".PP\n", file);
        if (text[0] == ' ' || (indented != NULL && indented < text + size)) {
            print_as_is(file, text, size);
        } else {
            print_text(file, text, size);
            fputc('\n', file);
        }
        text += size;
        text += strspn(text, "\n");
    }
}

static void print_options(FILE *file, const struct option_spec *options)
{
    for (const struct option_spec *s = options; s->name != NULL; s++) {
        fputs(".TP\n", file);
        if (s->letter != 0)
            fprintf(file, "\\fB\\-%c\\fR, ", s->letter);
        fputs("\\fB\\-\\-", file);
        print_string(file, s->name);
        fputs("\\fR", file);
        if (s->value != NULL)
            fprintf(file, " \\fI%s\\fR", s->value);
        fputc('\n', file);
        print_string(file, s->help);
        fputc('\n', file);
    }
}

static void print_command(FILE *file, const struct command *command)
{
    size_t size = strlen(command->examples);

    fputs(".SS varve ", file);
    print_string(file, command->name);
    fputs("\n\\fBvarve ", file);
    print_string(file, command->name);
    fputs("\\fR ", file);
    print_string(file, command->arguments);
    fprintf(file, "\n.PP\n%c", toupper((unsigned char)command->summary[0]));
    print_string(file, command->summary + 1);
    fputs(".\n", file);
    print_paragraphs(file, command->details);
    print_options(file, command->options);
    if (size > 0) {
        fputs(".PP\nExamples:\n", file);
        print_as_is(file, command->examples, size - 1);
    }
}

void manual_print(FILE *file)
{
    fputs(".\\\" Made by `varve help --man` from its table of commands.\n"
          ".TH VARVE 1 \"\" \"varve " VARVE_VERSION "\" \"User Commands\"\n.ad l\n.nh\n"
          ".SH NAME\nvarve \\- append events to streams, read them back in order, look after a server\n"
          ".SH SYNOPSIS\n\\fBvarve\\fR [\\fIOPTION\\fR...] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n"
          ".SH DESCRIPTION\nTalks to a server, see\n.BR varved (8),\n"
          "or opens a directory of events itself, with \\fB\\-\\-db\\fR.\n"
          "\\fBvarve help\\fR \\fICOMMAND\\fR explains a command and shows examples.\n"
          ".SH OPTIONS\nThose of all commands:\n", file);
    print_options(file, cli_options);
    fputs(".SH COMMANDS\n", file);
    for (const struct command *const *c = cli_commands; *c != NULL; c++)
        print_command(file, *c);
    fputs(".SH EXIT STATUS\n0 ok, 1 failure, 2 usage, 3 conflict, 4 not found, 5 unreachable, 6 corrupt.\n"
          "Errors go to standard error, as `error: NAME: message'.\n"
          ".SH ENVIRONMENT\n.TP\n\\fBVARVE_URL\\fR\nthe server, when \\fB\\-\\-server\\fR is not given\n"
          ".TP\n\\fBNO_COLOR\\fR\nno colours, when it is set\n"
          ".SH SEE ALSO\n.BR varved (8),\n.BR varved.ini (5),\n/usr/share/doc/varve\n", file);
}
