/* cmd_check.c - `varve check`: look at every frame and record of a store that nobody has open. */
#include <inttypes.h>

#include "commands.h"
#include "progress.h"

static const struct option_spec options[] = {
    { "deep", 0, NULL, "also hold every index entry and stream row against the log" },
    { NULL, 0, NULL, NULL },
};

struct check {
    struct cli *cli;
    struct progress progress;
    const char *stage;
};

static void on_progress(void *user, const char *stage, uint64_t done, uint64_t total)
{
    struct check *check = user;

    if (check->stage != stage) {
        progress_end(&check->progress);
        progress_begin(&check->progress, stage, total);
        check->stage = stage;
    }
    check->progress.total = total;
    progress_show(&check->progress, done, done);
}

static void on_found(void *user, const struct varve_check_finding *finding)
{
    struct check *check = user;
    struct text object = { 0 };

    progress_end(&check->progress);
    if (check->cli->output.format == OUTPUT_TABLE) {
        printf("%s: %s\n", finding->where, finding->what);
        return;
    }
    text_add_str(&object, "{");
    text_member(&object, "where", varve_view_str(finding->where));
    text_member(&object, "what", varve_view_str(finding->what));
    text_add_str(&object, "}");
    output_list_object(&check->cli->output, &object);
    text_free(&object);
}

/* No damage as far as anybody can tell, so it does not change the exit code. */
static void print_unfinished(struct check *check, const struct varve_check_report *report)
{
    char where[64];

    if (report->unfinished_segment == 0)
        return;
    snprintf(where, sizeof(where), "journal/%08" PRIu64 " offset %" PRIu64, report->unfinished_segment,
             report->unfinished_offset);
    on_found(check, &(struct varve_check_finding){
        where, "note: a frame was begun here and is not whole: it was being written when the machine stopped, and was "
               "never acknowledged, or it was damaged since" });
}

static void print_report(const struct varve_check_report *report, bool deep)
{
    char events[32], streams[32], frames[32], entries[32];

    format_count(report->events, events);
    format_count(report->streams, streams);
    format_count(report->journal_frames, frames);
    format_count(report->index_entries, entries);
    printf("checked %s events, %s journal frames", events, frames);
    if (deep)
        printf(", %s streams, %s index entries", streams, entries);
    puts(report->findings == 0 ? ": all sound" : "");
}

static int check_directory(struct cli *cli, const char *path)
{
    struct check check = { .cli = cli };
    struct varve_check_report report = { 0 };
    struct varve_error error;
    bool deep = arguments_has(&cli->arguments, "deep");

    if (cli->output.format != OUTPUT_TABLE)
        output_list_begin(&cli->output);
    enum varve_status status = varve_check_directory(path, deep, on_progress, on_found, &check, &report, &error);
    progress_end(&check.progress);
    if (status == VARVE_OK)
        print_unfinished(&check, &report);
    if (cli->output.format != OUTPUT_TABLE)
        output_list_end(&cli->output);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE)
        print_report(&report, deep);
    if (report.findings == 0)
        return CLI_OK;
    varve_fail(&error, VARVE_CORRUPT, NULL, "%" PRIu64 " finding%s in %s; the store was not changed", report.findings,
               report.findings == 1 ? "" : "s", path);
    return cli_fail(cli, &error);
}

static int run(struct cli *cli)
{
    const struct arguments *arguments = &cli->arguments;
    const char *db = arguments_text(arguments, "db");
    struct varve_error error;
    enum varve_status status = arguments_words(arguments, db == NULL ? 1 : 0, db == NULL ? 1 : 0,
                                               "check [--deep] DIR", &error);

    if (status == VARVE_OK && arguments_has(arguments, "server"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "server",
                            "check looks at a directory that no server has open; give DIR or --db");
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    return check_directory(cli, db != NULL ? db : arguments->words[0]);
}

const struct command command_check = {
    .name = "check",
    .arguments = "[--deep] DIR",
    .summary = "look for damage in a store that is not open",
    .details = "Verifies journal frames and the checksum of every record; with --deep also every\n"
               "index against the log. Changes nothing. Prints each finding as `where: what` and exits\n"
               "with 6 when there is one. With -o json the output is the list of findings.",
    .options = options,
    .examples = "  varve check /var/lib/varve\n  varve check --deep --db /var/lib/varve -o json\n",
    .run = run,
};
