/* cmd_stream_change.c - `varve stream truncate|retention|delete|tombstone`: what a stream still shows. */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"

#define EXPECTED_OPTION { "expected", 'e', "VERSION", "refuse (exit code 3) unless the stream is at this version" }
#define END_OF_OPTIONS { NULL, 0, NULL, NULL }

static void print_json(struct output *output, const char *stream, const char *change,
                       const struct varve_append_outcome *outcome)
{
    struct text object = { 0 };

    text_add_str(&object, "{");
    text_member(&object, "stream", varve_view_str(stream));
    text_member(&object, "change", varve_view_str(change));
    text_member_uint(&object, "position", outcome->results[0].last_position);
    text_add_str(&object, "}");
    output_object(output, &object);
    text_free(&object);
}

/* The words and options all changes have; then the change itself. `done` says what happened, in the past tense. */
static int change_stream(struct cli *cli, struct varve_stream_change *change, const char *name, const char *done)
{
    struct varve_append_outcome outcome = { 0 };
    struct varve_error error;
    const char *stream = cli->arguments.words[0];

    change->stream = varve_view_str(stream);
    if (cli->backend->call->change(cli->backend, change, &outcome, &error) != VARVE_OK)
        return cli_fail_append(cli, &outcome, &error);
    if (cli->output.format == OUTPUT_TABLE)
        printf("%s %s\n", stream, done);
    else
        print_json(&cli->output, stream, name, &outcome);
    return CLI_OK;
}

static enum varve_status parse_change(struct cli *cli, struct varve_stream_change *change, struct varve_error *error)
{
    char usage[64];

    change->expected = VARVE_EXPECTED_ANY;
    snprintf(usage, sizeof(usage), "%s %s", cli->command->name, cli->command->arguments);
    enum varve_status status = arguments_words(&cli->arguments, 1, 1, usage, error);
    if (status == VARVE_OK)
        status = arguments_expected(&cli->arguments, "expected", &change->expected, error);
    return status;
}

/* ---- truncate ---------------------------------------------------------------------------------------------------- */

static const struct option_spec truncate_options[] = {
    { "before", 0, "VERSION", "the first version that stays" }, EXPECTED_OPTION, END_OF_OPTIONS,
};

static int run_truncate(struct cli *cli)
{
    struct varve_stream_change change = { .kind = VARVE_STREAM_TRUNCATE };
    struct varve_error error;
    char done[80];

    enum varve_status status = parse_change(cli, &change, &error);
    if (status == VARVE_OK && !arguments_has(&cli->arguments, "before"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "before", "--before VERSION is missing");
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "before", INT64_MAX, &change.truncate_before, &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    snprintf(done, sizeof(done), "truncated: versions below %" PRIu64 " are hidden", change.truncate_before);
    return change_stream(cli, &change, "truncate", done);
}

const struct command command_stream_truncate = {
    .name = "stream truncate",
    .arguments = "STREAM --before VERSION",
    .summary = "hide the oldest events of a stream",
    .details = "Versions go on as before; hidden events are not read any more.",
    .options = truncate_options,
    .examples = "  varve stream truncate order-42 --before 100\n",
    .run = run_truncate,
};

/* ---- retention --------------------------------------------------------------------------------------------------- */

static const struct option_spec retention_options[] = {
    { "max-count", 0, "N", "keep the newest N events; 0: no such bound" },
    { "max-age", 0, "DURATION", "keep those recorded within (90s, 12h, 30d); 0: no such bound" },
    EXPECTED_OPTION, END_OF_OPTIONS,
};

/* What is not given stays as it is. */
static enum varve_status fill_retention(struct cli *cli, struct varve_stream_change *change, struct varve_error *error)
{
    struct varve_stream_info info;
    bool count = arguments_has(&cli->arguments, "max-count"), age = arguments_has(&cli->arguments, "max-age");

    if (count && age)
        return VARVE_OK;
    enum varve_status status =
        cli->backend->call->info(cli->backend, varve_view_str(cli->arguments.words[0]), &info, error);
    if (status != VARVE_OK)
        return status;
    if (!count)
        change->max_count = info.max_count;
    if (!age)
        change->max_age_us = info.max_age_us;
    return VARVE_OK;
}

static int run_retention(struct cli *cli)
{
    struct varve_stream_change change = { .kind = VARVE_STREAM_RETENTION };
    struct varve_error error;

    enum varve_status status = parse_change(cli, &change, &error);
    if (status == VARVE_OK && !arguments_has(&cli->arguments, "max-count") &&
        !arguments_has(&cli->arguments, "max-age"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "max-count", "give --max-count, --max-age or both");
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "max-count", INT64_MAX, &change.max_count, &error);
    if (status == VARVE_OK)
        status = arguments_duration(&cli->arguments, "max-age", &change.max_age_us, &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status == VARVE_OK)
        status = fill_retention(cli, &change, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    return change_stream(cli, &change, "retention", "has its new retention");
}

const struct command command_stream_retention = {
    .name = "stream retention",
    .arguments = "STREAM [--max-count N] [--max-age DURATION]",
    .summary = "bound how much of a stream is kept",
    .details = "Events beyond a bound are hidden. A bound that is not given stays as it is.",
    .options = retention_options,
    .examples = "  varve stream retention sensor-7 --max-age 30d\n"
                "  varve stream retention sensor-7 --max-count 1000 --max-age 0\n",
    .run = run_retention,
};

/* ---- delete ------------------------------------------------------------------------------------------------------ */

static const struct option_spec delete_options[] = { EXPECTED_OPTION, END_OF_OPTIONS };

static int run_delete(struct cli *cli)
{
    struct varve_stream_change change = { .kind = VARVE_STREAM_DELETE };
    struct varve_error error;

    enum varve_status status = parse_change(cli, &change, &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    return change_stream(cli, &change, "delete", "deleted: its events are hidden; an append brings it back");
}

const struct command command_stream_delete = {
    .name = "stream delete",
    .arguments = "STREAM",
    .summary = "hide a stream until it is written to again",
    .details = "Its versions continue where they stopped when it comes back.",
    .options = delete_options,
    .examples = "  varve stream delete order-42\n  varve stream delete order-42 --expected 7\n",
    .run = run_delete,
};

/* ---- tombstone --------------------------------------------------------------------------------------------------- */

static const struct option_spec tombstone_options[] = {
    { "yes", 'y', NULL, "do not ask" }, EXPECTED_OPTION, END_OF_OPTIONS,
};

/* For ever is worth a question; where nobody can be asked, --yes must have been said. */
static enum varve_status confirm(struct cli *cli, struct varve_error *error)
{
    char answer[16] = "";

    if (arguments_has(&cli->arguments, "yes"))
        return VARVE_OK;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "yes", "a tombstone is for ever: say --yes");
    fprintf(stderr, "End the stream %s for ever? It can never be written to again. [y/N] ", cli->arguments.words[0]);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return VARVE_OK;
    return varve_fail(error, VARVE_CANCELLED, NULL, "nothing was changed");
}

static int run_tombstone(struct cli *cli)
{
    struct varve_stream_change change = { .kind = VARVE_STREAM_TOMBSTONE };
    struct varve_error error;

    enum varve_status status = parse_change(cli, &change, &error);
    if (status == VARVE_OK)
        status = confirm(cli, &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    return change_stream(cli, &change, "tombstone", "tombstoned: it takes no more events");
}

const struct command command_stream_tombstone = {
    .name = "stream tombstone",
    .arguments = "STREAM",
    .summary = "end a stream for ever",
    .details = "Its events are hidden and every later append to it is refused. There is no way back.",
    .options = tombstone_options,
    .examples = "  varve stream tombstone order-42\n  varve stream tombstone order-42 --yes --expected 7\n",
    .run = run_tombstone,
};
