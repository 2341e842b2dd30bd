/* cmd_tail.c - `varve tail`: events as they are appended. */
#include <inttypes.h>
#include <signal.h>
#include <unistd.h>

#include "commands.h"
#include "event_printer.h"
#include "follow_options.h"

static const struct option_spec options[] = {
    FOLLOW_FILTER_OPTIONS,
    FOLLOW_AFTER_OPTION,
    { "count", 'n', "N", "end after so many events" },
    { NULL, 0, NULL, NULL },
};

struct tail {
    struct cli *cli;
    struct event_printer printer;
    uint64_t left;   /* of --count */
    bool unseen;     /* something was printed since the last flush */
    bool talks;      /* standard error is a terminal: somebody reads along */
};

/* ---- the end of it ----------------------------------------------------------------------------------------------- */

static struct backend *interrupted; /* what a signal stops; set before signals are caught */

static void on_signal(int signal_number)
{
    interrupted->call->tail_stop(interrupted);
}

/* Once: the second signal ends the program whatever it does. */
static void catch_signals(struct backend *backend)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART };

    interrupted = backend;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void say_where_to_continue(const struct tail *tail)
{
    struct backend *backend = tail->cli->backend;

    cli_note("continue with: --after %" PRIu64, backend->call->tail_position(backend));
}

/* ---- what happens ------------------------------------------------------------------------------------------------ */

static void flush(struct tail *tail)
{
    event_printer_flush(&tail->printer);
    tail->unseen = false;
}

static void note(struct tail *tail, const char *what, uint64_t position)
{
    flush(tail);
    if (tail->talks)
        cli_note("-- %s, position %" PRIu64, what, position);
}

static void take_notice(struct tail *tail, const struct varve_notice *notice)
{
    switch (notice->kind) {
    case VARVE_NOTICE_EVENT:
        event_printer_event(&tail->printer, notice->event);
        tail->left--;
        tail->unseen = true;
        break;
    case VARVE_NOTICE_CAUGHT_UP:
        note(tail, "caught up", notice->position);
        break;
    case VARVE_NOTICE_FELL_BEHIND:
        note(tail, "fell behind", notice->position);
        break;
    case VARVE_NOTICE_RECONNECTED:
        note(tail, "connected again", notice->position);
        break;
    case VARVE_NOTICE_CHECKPOINT:
    case VARVE_NOTICE_TIMEOUT:
        flush(tail);
        break;
    }
}

/* What is there already is printed together, and is seen before anything is waited for. */
static enum varve_status follow(struct tail *tail, struct varve_error *error)
{
    struct backend *backend = tail->cli->backend;
    enum varve_status status = VARVE_OK;

    while (status == VARVE_OK && tail->left > 0 && output_works(&tail->cli->output)) {
        struct varve_notice notice;

        status = backend->call->tail_next(backend, tail->unseen ? 0 : UINT32_MAX, &notice, error);
        if (status == VARVE_OK)
            take_notice(tail, &notice);
    }
    return status;
}

static int run_tail(struct tail *tail, const struct varve_filter *filter, uint64_t after)
{
    struct backend *backend = tail->cli->backend;
    struct varve_error error;
    enum varve_status status = backend->call->tail_open(backend, filter, after, &error);
    int code = CLI_OK;

    if (status != VARVE_OK)
        return cli_fail(tail->cli, &error);
    catch_signals(backend);
    event_printer_begin(&tail->printer, &tail->cli->output);
    status = follow(tail, &error);
    event_printer_end(&tail->printer);
    if (status != VARVE_OK && status != VARVE_CANCELLED)
        code = cli_fail(tail->cli, &error);
    if (status != VARVE_OK)
        say_where_to_continue(tail);
    signal(SIGINT, SIG_IGN); /* It ends by itself now, and its backend with it. */
    signal(SIGTERM, SIG_IGN);
    backend->call->tail_close(backend);
    return code;
}

static int run(struct cli *cli)
{
    static struct follow_filter filter;
    struct tail tail = { .cli = cli, .left = UINT64_MAX, .talks = isatty(STDERR_FILENO) == 1 };
    struct varve_error error;
    uint64_t after = VARVE_AFTER_END;

    enum varve_status status = follow_filter_parse(&cli->arguments, 0, &filter, &error);
    if (status == VARVE_OK && !filter.given)
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "arguments", "say what to follow: STREAM, --all, "
                            "--category, --type, --prefix, --correlation, --class or --system");
    if (status == VARVE_OK)
        status = follow_after_parse(&cli->arguments, &after, &error);
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "count", UINT64_MAX, &tail.left, &error);
    if (status == VARVE_OK && tail.left == 0)
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "count", "--count must be at least 1");
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    return status == VARVE_OK ? run_tail(&tail, &filter.filter, after) : cli_fail(cli, &error);
}

const struct command command_tail = {
    .name = "tail",
    .arguments = "[STREAM...] [--all] [--category NAME] [--type TYPE] ... [--after POSITION|start|end]",
    .summary = "follow events as they are appended",
    .details = FOLLOW_FILTER_DETAILS "\n"
               "Without --after only what is appended from now on is shown. A lost connection is taken up again\n"
               "behind the last event shown. SIGINT and SIGTERM end it with 0 and tell where to continue.",
    .options = options,
    .examples = "  varve tail order-42\n"
                "  varve tail --all --after start --count 1000\n"
                "  varve tail --category order --type order.paid --type order.cancelled\n"
                "  varve tail --prefix eu- --after 4711 -o ndjson | jq -r .type\n",
    .run = run,
};
