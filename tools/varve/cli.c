/* cli.c - see cli.h: from the command line to the command, and from what happened to the exit code. */
#include "cli.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manual.h"
#include "varve/nearest.h"
#include "varve/version.h"

#define GROUP_ROOM 64 /* bytes of the words before the last one of a command, with the NUL */

const struct option_spec cli_options[] = {
    { "server", 's', "URL", "the server; default $VARVE_URL or " CLI_DEFAULT_URL },
    { "db", 'd', "DIR", "open the store in DIR in this process instead of asking a server" },
    { "output", 'o', "FORMAT", "table (default), json or ndjson" },
    { "help", 'h', NULL, "show this help" },
    { "version", 'V', NULL, "show the version" },
    { NULL, 0, NULL, NULL },
};

enum varve_status cli_open(struct cli *cli, bool writes, struct varve_error *error)
{
    const char *db = arguments_text(&cli->arguments, "db"), *url = arguments_text(&cli->arguments, "server");
    const char *from_environment = getenv("VARVE_URL");

    if (cli->backend != NULL)
        return VARVE_OK;
    if (db != NULL && url != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "db", "--db and --server exclude each other");
    if (db != NULL)
        return backend_open_store(db, writes, &cli->backend, error);
    if (url == NULL && from_environment != NULL && from_environment[0] != '\0')
        url = from_environment;
    return backend_open_client(url != NULL ? url : CLI_DEFAULT_URL, &cli->backend, error);
}

enum varve_status cli_open_server(struct cli *cli, struct varve_error *error)
{
    if (arguments_has(&cli->arguments, "db"))
        return varve_fail(error, VARVE_UNSUPPORTED, "db", "`varve %s` needs a server; --db has none",
                          cli->command->name);
    return cli_open(cli, false, error);
}

int cli_exit_code(enum varve_status status)
{
    switch (status) {
    case VARVE_OK:
        return CLI_OK;
    case VARVE_INVALID_ARGUMENT:
        return CLI_USAGE;
    case VARVE_WRONG_EXPECTED_VERSION:
    case VARVE_ID_REUSED:
    case VARVE_GROUP_EXISTS:
    case VARVE_GROUP_STOPPED:
    case VARVE_CONSUMER_EXISTS:
    case VARVE_FENCED:
    case VARVE_SAGA_EXISTS:
    case VARVE_SAGA_CONFLICT:
    case VARVE_SAGA_FINISHED:
    case VARVE_SNAPSHOT_AHEAD:
    case VARVE_NOT_DELIVERED:
    case VARVE_OUTBOX_BUSY:
        return CLI_CONFLICT;
    case VARVE_STREAM_NOT_FOUND:
    case VARVE_STREAM_TOMBSTONED:
    case VARVE_EVENT_NOT_FOUND:
    case VARVE_GROUP_NOT_FOUND:
    case VARVE_SAGA_NOT_FOUND:
    case VARVE_SNAPSHOT_NOT_FOUND:
    case VARVE_OUTBOX_NOT_FOUND:
    case VARVE_DEAD_LETTER_NOT_FOUND:
        return CLI_NOT_FOUND;
    case VARVE_UNREACHABLE:
    case VARVE_TIMEOUT:
    case VARVE_DISCONNECTED:
        return CLI_UNREACHABLE;
    case VARVE_CORRUPT:
        return CLI_CORRUPT;
    default:
        return CLI_FAILED;
    }
}

/* A message may quote what somebody else wrote; it stays one line and steers no terminal. */
static void print_error(const struct varve_error *error)
{
    struct varve_error shown = *error;

    if (shown.message[0] == '\0')
        snprintf(shown.message, sizeof(shown.message), "%s", varve_status_meaning(error->status));
    for (char *at = shown.message; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    fflush(stdout); /* what was printed before comes before */
    fprintf(stderr, "error: %s: %s\n", varve_status_name(error->status), shown.message);
}

enum varve_status cli_words(const struct cli *cli, size_t min, size_t max, struct varve_error *error)
{
    char usage[128];

    snprintf(usage, sizeof(usage), "%s%s%s", cli->command->name, cli->command->arguments[0] != '\0' ? " " : "",
             cli->command->arguments);
    return arguments_words(&cli->arguments, min, max, usage, error);
}

int cli_fail(const struct cli *cli, const struct varve_error *error)
{
    int code = cli_exit_code(error->status);

    print_error(error);
    if (code == CLI_USAGE && cli->command != NULL)
        fprintf(stderr, "See: varve %s --help\n", cli->command->name);
    else if (code == CLI_USAGE)
        fputs("See: varve --help\n", stderr);
    return code;
}

int cli_fail_append(const struct cli *cli, const struct varve_append_outcome *outcome, const struct varve_error *error)
{
    if (outcome->conflict_count == 0 || error->status == VARVE_STREAM_NOT_FOUND)
        return cli_fail(cli, error);
    print_error(error);
    return CLI_CONFLICT;
}

void cli_note(const char *format, ...)
{
    va_list arguments;

    fflush(stdout);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* A reader that has seen enough (`| head`) is no failure; a full disk is. */
int cli_finish_output(int code)
{
    bool failed = fflush(stdout) != 0 || ferror(stdout) != 0;
    struct pollfd out = { .fd = STDOUT_FILENO };

    if (!failed || code != CLI_OK)
        return code;
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0) /* the pipe's other end is closed */
        return code;
    fputs("error: IO: the output could not be written\n", stderr);
    return CLI_FAILED;
}

static int close_backend(struct cli *cli, int code)
{
    if (cli->backend == NULL)
        return code;
    enum varve_status status = cli->backend->call->close(cli->backend);
    cli->backend = NULL;
    if (status == VARVE_OK || code != CLI_OK)
        return code;
    struct varve_error error;
    varve_fail(&error, status, NULL, "closing the store: %s", varve_status_meaning(status));
    return cli_fail(cli, &error);
}

/* The options that answer by themselves. true: nothing else is to be done. */
static bool answer_by_option(const struct cli *cli)
{
    if (arguments_has(&cli->arguments, "help") && cli->command != NULL)
        cli_print_help(stdout, cli->command);
    else if (arguments_has(&cli->arguments, "help"))
        cli_print_overview(stdout);
    else if (arguments_has(&cli->arguments, "version"))
        puts("varve " VARVE_VERSION);
    else
        return false;
    return true;
}

static enum varve_status unknown_command(const char *word, struct varve_error *error)
{
    struct varve_nearest nearest = varve_nearest_to(word);
    char hint[VARVE_NEAREST_HINT];

    varve_nearest_offer(&nearest, "help");
    for (const struct command *const *c = cli_commands; *c != NULL; c++)
        varve_nearest_offer(&nearest, (*c)->name);
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "command", "unknown command \"%.64s\"%s", word,
                      varve_nearest_hint(&nearest, "", hint));
}

static enum varve_status parse_output(struct cli *cli, struct varve_error *error)
{
    const char *text = arguments_text(&cli->arguments, "output");
    enum output_format format = OUTPUT_TABLE;

    if (text != NULL && !output_format_parse(varve_view_str(text), &format))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "output", "-o must be table, json or ndjson, not \"%.64s\"",
                          text);
    output_init(&cli->output, format);
    return VARVE_OK;
}

static bool begins_group(const char *word)
{
    size_t size = strlen(word);

    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        if (strncmp((*c)->name, word, size) == 0 && (*c)->name[size] == ' ')
            return true;
    }
    return false;
}

/* The most words that begin the name of a command that has more, joined: "saga", "outbox dead". Returns how many. */
static int find_group(int count, char *const *words, char ret_group[GROUP_ROOM])
{
    char joined[GROUP_ROOM] = "";
    int used = 0;

    while (used < count) {
        int size = snprintf(joined, sizeof(joined), "%s%s%s", used == 0 ? "" : ret_group, used == 0 ? "" : " ",
                            words[used]);
        if (size >= GROUP_ROOM || !begins_group(joined))
            break;
        memcpy(ret_group, joined, sizeof(joined));
        used++;
    }
    return used;
}

static void print_group(FILE *file, const char *word)
{
    size_t size = strlen(word);

    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        if (strncmp((*c)->name, word, size) == 0)
            fprintf(file, "  varve %s %s\n      %s\n", (*c)->name, (*c)->arguments, (*c)->summary);
    }
    fputs("\nExamples:\n", file);
    for (const struct command *const *c = cli_commands; *c != NULL; c++) {
        if (strncmp((*c)->name, word, size) == 0)
            fputs((*c)->examples, file);
    }
}

/* `varve help [COMMAND]` (--man: what scons makes varve(1) of), and `varve stream` alone. -1: it is neither. */
static int answer_by_word(const struct cli *cli, int count, char **words)
{
    bool help = strcmp(words[0], "help") == 0;
    int used;

    if (help && (count == 1 || strcmp(words[1], "--help") == 0 || strcmp(words[1], "-h") == 0)) {
        cli_print_overview(stdout);
        return CLI_OK;
    }
    if (help && strcmp(words[1], "--man") == 0) {
        manual_print(stdout);
        return CLI_OK;
    }
    const struct command *command = help ? cli_find_command(count - 1, words + 1, &used) : NULL;
    if (command != NULL) {
        cli_print_help(stdout, command);
        return CLI_OK;
    }
    char group[GROUP_ROOM];
    const char *next = NULL;
    int groups = find_group(count - help, words + help, group);
    if (groups == 0)
        return -1;
    if (help + groups < count)
        next = words[help + groups];
    bool asked = help || arguments_has(&cli->arguments, "help") || (next != NULL && strcmp(next, "--help") == 0);
    if (!asked && next != NULL && next[0] != '-')
        return -1;
    print_group(asked ? stdout : stderr, group);
    return asked ? CLI_OK : CLI_USAGE;
}

/* `varve saga shwo` is as unknown as `varve sga`. */
static enum varve_status unknown_words(int count, char *const *words, struct varve_error *error)
{
    char group[GROUP_ROOM], all[128];
    int used = find_group(count, words, group);

    if (used == 0 || used == count)
        return unknown_command(words[0], error);
    snprintf(all, sizeof(all), "%s %s", group, words[used]);
    return unknown_command(all, error);
}

static int run(struct cli *cli, int argc, char **argv)
{
    struct varve_error error;
    int used = 0, first = arguments_parse(&cli->arguments, argc, argv, 1, true, &error);

    if (first < 0)
        return cli_fail(cli, &error);
    if (first == argc) {
        if (answer_by_option(cli))
            return CLI_OK;
        cli_print_overview(stderr);
        return CLI_USAGE;
    }
    cli->command = cli_find_command(argc - first, argv + first, &used);
    if (cli->command == NULL) {
        int answered = answer_by_word(cli, argc - first, argv + first);
        bool asked_help = strcmp(argv[first], "help") == 0 && argc - first > 1;

        if (answered >= 0)
            return answered;
        unknown_words(argc - first - asked_help, argv + first + asked_help, &error);
        return cli_fail(cli, &error);
    }
    cli->arguments.tables[1] = cli->command->options;
    cli->arguments.takes_command = cli->command->takes_command;
    if (arguments_parse(&cli->arguments, argc, argv, first + used, false, &error) < 0)
        return cli_fail(cli, &error);
    if (answer_by_option(cli))
        return CLI_OK;
    if (parse_output(cli, &error) != VARVE_OK)
        return cli_fail(cli, &error);
    return close_backend(cli, cli->command->run(cli));
}

int cli_main(int argc, char **argv)
{
    struct cli cli = { .arguments.tables = { cli_options, NULL } };

    signal(SIGPIPE, SIG_IGN); /* a reader that went away shows as a failed write */
    return cli_finish_output(run(&cli, argc, argv));
}
