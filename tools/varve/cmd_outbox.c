/* cmd_outbox.c - `varve outbox status|pause|resume|drain`: how outboxes are, whether they run, and waiting for them. */
#include <inttypes.h>
#include <poll.h>

#include "commands.h"
#include "outbox_choice.h"
#include "outbox_text.h"
#include "progress.h"
#include "timestamp.h"
#include "varve/os.h"

#define WATCH_MS 1000

/* ---- status ------------------------------------------------------------------------------------------------------ */

static const struct option_spec status_options[] = {
    { "watch", 'w', NULL, "again every second, until it is interrupted" },
    { NULL, 0, NULL, NULL },
};

static int64_t now_us(void)
{
    const struct varve_os *os = varve_os_default();

    return os->now_us(os->self);
}

static void print_table(struct cli *cli, const struct varve_outbox_entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            fputc('\n', cli->output.file);
        outbox_print_status(&cli->output, &entries[i], now_us());
    }
    if (count == 0)
        cli_note("the server has no outbox");
}

static void print_objects(struct cli *cli, const struct varve_outbox_entry *entries, size_t count)
{
    struct text object = { 0 };

    output_list_begin(&cli->output);
    for (size_t i = 0; i < count; i++) {
        outbox_format_figures(&object, entries[i].figures, entries[i].figure_count);
        output_list_object(&cli->output, &object);
    }
    output_list_end(&cli->output);
    text_free(&object);
}

static enum varve_status print_once(struct cli *cli, struct varve_error *error)
{
    const struct varve_outbox_entry *entries = NULL;
    struct text object = { 0 };
    size_t count = 0;
    enum varve_status status = varve_client_outbox_list(backend_client(cli->backend),
                                                        varve_view_str(outbox_given(cli, 0)), &entries, &count, error);

    if (status != VARVE_OK)
        return status;
    if (cli->output.format == OUTPUT_TABLE) {
        print_table(cli, entries, count);
    } else if (outbox_given(cli, 0) == NULL) {
        print_objects(cli, entries, count);
    } else {
        outbox_format_figures(&object, entries[0].figures, entries[0].figure_count);
        output_object(&cli->output, &object);
        text_free(&object);
    }
    fflush(cli->output.file);
    return VARVE_OK;
}

static enum varve_status watch(struct cli *cli, struct varve_error *error)
{
    bool table = cli->output.format == OUTPUT_TABLE;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && output_works(&cli->output)) {
        if (table && cli->output.colour)
            fputs("\033[H\033[2J", cli->output.file); /* a terminal: from its top */
        status = print_once(cli, error);
        if (table && !cli->output.colour)
            fputc('\n', cli->output.file);
        poll(NULL, 0, WATCH_MS);
    }
    return status;
}

static int run_status(struct cli *cli)
{
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK && cli->arguments.word_count == 1)
        status = varve_check_outbox_name(varve_view_str(cli->arguments.words[0]), "outbox", &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = arguments_has(&cli->arguments, "watch") ? watch(cli, &error) : print_once(cli, &error);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_outbox_status = {
    .name = "outbox status",
    .arguments = "[NAME]",
    .summary = "show how outboxes are: phase, breaker, lag, dead letters",
    .details = "All of the server's, or the one. The table has what matters; JSON has every figure, times in\n"
               "microseconds: an object for the one, a list for all.",
    .options = status_options,
    .examples = "  varve outbox status\n  varve outbox status kafka --watch\n"
                "  varve outbox status kafka -o json | jq '{phase, lag_events, breaker, reason}'\n",
    .run = run_status,
};

/* ---- pause, resume ----------------------------------------------------------------------------------------------- */

static const struct option_spec pause_options[] = {
    { "reason", 0, "TEXT", "why, for the record" },
    { NULL, 0, NULL, NULL },
};

static int run_pause(struct cli *cli)
{
    bool pauses = cli->command == &command_outbox_pause;
    struct varve_outbox_order order = { .action = pauses ? VARVE_OUTBOX_PAUSE : VARVE_OUTBOX_RESUME };
    struct varve_outbox_order_result result;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    struct varve_error error;

    order.reason = varve_view_str(arguments_text(&cli->arguments, "reason"));
    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), name, &error);
    if (status == VARVE_OK)
        status = outbox_order(cli, name, &order, &result, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    outbox_print_done(cli, name, order.action, &result, pauses ? "paused" : "resumed");
    return CLI_OK;
}

#define ONLY_ONE "NAME may be left out when the server has one outbox."

const struct command command_outbox_pause = {
    .name = "outbox pause",
    .arguments = "[NAME]",
    .summary = "publish nothing until it is resumed",
    .details = "Also over restarts of the server. Events wait in the log; nothing is lost. " ONLY_ONE,
    .options = pause_options,
    .examples = "  varve outbox pause kafka --reason 'the brokers move'\n",
    .run = run_pause,
};

const struct command command_outbox_resume = {
    .name = "outbox resume",
    .arguments = "[NAME]",
    .summary = "go on publishing, after a pause or a halt",
    .details = "One that is HALTED looks again whether it can go on. " ONLY_ONE,
    .options = pause_options,
    .examples = "  varve outbox resume kafka\n",
    .run = run_pause,
};

/* ---- drain ------------------------------------------------------------------------------------------------------- */

static const struct option_spec drain_options[] = {
    { "timeout", 't', "DURATION", "fail (exit code 1) when it takes longer" },
    { NULL, 0, NULL, NULL },
};

struct drain {
    struct cli *cli;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    uint64_t from, target;
    int64_t until_us; /* INT64_MAX: for ever */
    struct progress progress;
};

static enum varve_status say_late(const struct drain *drain, const struct varve_outbox_entry *entry,
                                  struct varve_error *error)
{
    struct varve_view phase = outbox_word(entry->figures, entry->figure_count, "phase");
    struct varve_view reason = outbox_word(entry->figures, entry->figure_count, "reason");

    return varve_fail(error, VARVE_NOT_READY, NULL, "not drained in time: at position %" PRIu64 " of %" PRIu64
                      ", %.*s%s%.*s", outbox_figure(entry, "position"), drain->target, (int)phase.size, phase.data,
                      reason.size > 0 ? ": " : "", (int)reason.size, reason.data);
}

/* False: it is not there yet. */
static bool is_drained(struct drain *drain, const struct varve_outbox_entry *entry, enum varve_status *status,
                       struct varve_error *error)
{
    uint64_t position = outbox_figure(entry, "position");

    if (position >= drain->target && outbox_figure(entry, "retry_streams") == 0)
        return true;
    progress_show(&drain->progress, position > drain->from ? position - drain->from : 0,
                  position > drain->from ? position - drain->from : 0);
    *status = outbox_goes_on(entry, error);
    if (*status == VARVE_OK && now_us() >= drain->until_us)
        *status = say_late(drain, entry, error);
    return false;
}

static enum varve_status wait_for(struct drain *drain, struct varve_outbox_order_result *ret,
                                  struct varve_error *error)
{
    const struct varve_outbox_entry *entry = NULL;
    enum varve_status status = outbox_look(drain->cli, drain->name, &entry, error);

    if (status != VARVE_OK)
        return status;
    drain->from = outbox_figure(entry, "position");
    drain->target = outbox_figure(entry, "head_position");
    progress_begin(&drain->progress, "events", drain->target > drain->from ? drain->target - drain->from : 0);
    while (status == VARVE_OK && !is_drained(drain, entry, &status, error)) {
        if (status != VARVE_OK)
            break;
        outbox_pause_between_looks();
        status = outbox_look(drain->cli, drain->name, &entry, error);
    }
    progress_end(&drain->progress);
    if (status == VARVE_OK)
        *ret = (struct varve_outbox_order_result){ drain->target, outbox_figure(entry, "parked_events") };
    return status;
}

static int print_drained(struct drain *drain, const struct varve_outbox_order_result *result)
{
    struct cli *cli = drain->cli;
    struct text object = { 0 };

    if (cli->output.format == OUTPUT_TABLE) {
        fprintf(cli->output.file, "%s: drained, everything up to position %" PRIu64 " is published", drain->name,
                result->position);
        if (result->count > 0)
            fprintf(cli->output.file, ", but %" PRIu64 " event%s in dead letters", result->count,
                    result->count == 1 ? "" : "s");
        fputc('\n', cli->output.file);
        return CLI_OK;
    }
    text_add_str(&object, "{");
    text_member(&object, "outbox", varve_view_str(drain->name));
    text_member_uint(&object, "position", result->position);
    text_member_uint(&object, "parked_events", result->count);
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
    return CLI_OK;
}

static int run_drain(struct cli *cli)
{
    struct drain drain = { .cli = cli, .until_us = INT64_MAX };
    struct varve_outbox_order_result result;
    struct varve_error error;
    int64_t timeout_us = 0;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = arguments_duration(&cli->arguments, "timeout", &timeout_us, &error);
    if (status == VARVE_OK && arguments_has(&cli->arguments, "timeout") &&
        __builtin_add_overflow(now_us(), timeout_us, &drain.until_us))
        drain.until_us = INT64_MAX;
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), drain.name, &error);
    if (status == VARVE_OK)
        status = wait_for(&drain, &result, &error);
    return status == VARVE_OK ? print_drained(&drain, &result) : cli_fail(cli, &error);
}

const struct command command_outbox_drain = {
    .name = "outbox drain",
    .arguments = "[NAME]",
    .summary = "wait until everything committed so far is published",
    .details = "Also for dead letters that are to be tried again; not for what is appended while it waits. Exit\n"
               "code 0: all of it is in Kafka, or set aside as a dead letter (which is said); 1: not within\n"
               "--timeout; 3: the outbox is paused or halted. " ONLY_ONE,
    .options = drain_options,
    .examples = "  varve outbox drain\n  varve outbox drain kafka --timeout 5m && systemctl stop varved\n",
    .run = run_drain,
};
