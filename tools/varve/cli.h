/* cli.h - what every command is made of: its words and options, its output, its backend, its exit code. */
#ifndef TOOLS_CLI_H
#define TOOLS_CLI_H

#include "backend.h"
#include "options.h"
#include "output.h"

#define CLI_DEFAULT_URL "varve://127.0.0.1:8278"

/* Documented in docs/cli.md and by `varve help`; scripts rely on them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,       /* the command line or a value in it is wrong */
    CLI_CONFLICT = 3,    /* a stream or group is not as the command expects */
    CLI_NOT_FOUND = 4,   /* no such stream, event or group */
    CLI_UNREACHABLE = 5, /* no server answers */
    CLI_CORRUPT = 6,     /* stored bytes are not what was written */
};

struct cli;
struct command {
    const char *name;      /* "append", "stream ls" */
    const char *arguments; /* for the usage line: "STREAM TYPE [DATA|-|@FILE]" */
    const char *summary;   /* one line */
    const char *details;   /* paragraphs below the usage line; may be "" */
    const struct option_spec *options;
    const char *examples;  /* lines, indented by two */
    bool takes_command;    /* `-- COMMAND [ARG...]` follows the arguments */
    int (*run)(struct cli *cli);
};

struct cli {
    const struct command *command;
    struct arguments arguments;
    struct output output;
    struct backend *backend; /* NULL until cli_open() */
};

/* The options every command has. */
extern const struct option_spec cli_options[];
/* All commands; ends with a NULL. In commands.c. */
extern const struct command *const cli_commands[];

/* ---- for the commands -------------------------------------------------------------------------------------------- */

/* At least `min` and at most `max` words; an error quotes how the command is used. */
enum varve_status cli_words(const struct cli *cli, size_t min, size_t max, struct varve_error *error);
/* Open what --server, --db or VARVE_URL name, unless a backend is there. `writes`: --db may create the store. */
enum varve_status cli_open(struct cli *cli, bool writes, struct varve_error *error);
/* The same for what only a server does. */
enum varve_status cli_open_server(struct cli *cli, struct varve_error *error);
/* Print `error: NAME: message`, and a hint after usage errors; returns the exit code that belongs to it. */
int cli_fail(const struct cli *cli, const struct varve_error *error);
/* The same for an append's outcome: every conflict exits with 3. */
int cli_fail_append(const struct cli *cli, const struct varve_append_outcome *outcome,
                    const struct varve_error *error);
/* A line on standard error that is no error. */
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- for main() -------------------------------------------------------------------------------------------------- */

int cli_exit_code(enum varve_status status);
/* What was printed is written out, at the end of a process; returns its exit code, which is another when that fails. */
int cli_finish_output(int code);
/* The command these words begin with; *ret_words says how many of them name it. NULL: none. */
const struct command *cli_find_command(int count, char *const *words, int *ret_words);
void cli_print_overview(FILE *file);
void cli_print_help(FILE *file, const struct command *command);
int cli_main(int argc, char **argv);

#endif
