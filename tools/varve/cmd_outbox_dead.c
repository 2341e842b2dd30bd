/* cmd_outbox_dead.c - `varve outbox dead ls|show|retry|discard`: events that Kafka refused, and what waits behind
 * them. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "event_printer.h"
#include "listing.h"
#include "outbox_choice.h"
#include "outbox_text.h"
#include "timestamp.h"

#define OUTBOX_OPTION { "outbox", 0, "NAME", "which one; may be left out when the server has one" }

/* ---- dead ls ----------------------------------------------------------------------------------------------------- */

static const struct option_spec ls_options[] = {
    { "limit", 'n', "N", "at most so many" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column ls_columns[] = {
    { "stream", false, 2 }, { "position", true, 0 }, { "version", true, 0 }, { "waiting", true, 0 },
    { "retry_count", true, 0 }, { "first_attempt", false, 0 }, { "last_attempt", false, 0 },
    { "error_code", false, 2 }, { "last_error", false, 1 },
};

struct lister {
    struct cli *cli;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    char after[VARVE_MAX_SYSTEM_STREAM_NAME];
    size_t after_size;
};

static void print_letter(struct listing *listing, const struct varve_dead_letter *letter)
{
    char first[TIMESTAMP_TEXT], last[TIMESTAMP_TEXT];

    if (listing->table == NULL) {
        outbox_format_letter(&listing->text, letter);
        output_list_object(listing->output, &listing->text);
        return;
    }
    timestamp_format_short(letter->first_attempt_us, first);
    timestamp_format_short(letter->last_attempt_us, last);
    table_cell(listing->table, letter->stream);
    table_cellf(listing->table, "%" PRIu64, letter->position);
    table_cellf(listing->table, "%" PRIu64, letter->version);
    if (letter->skipped)
        table_cell(listing->table, varve_view_str("skipped"));
    else
        table_cellf(listing->table, "%" PRIu64, letter->waiting);
    table_cellf(listing->table, "%" PRIu32, letter->retry_count);
    table_cell(listing->table, varve_view_str(first));
    table_cell(listing->table, varve_view_str(last));
    table_cell(listing->table, letter->error_code);
    table_cell(listing->table, letter->last_error);
    table_row_end(listing->table);
}

static void remember(struct lister *lister, struct varve_view stream)
{
    lister->after_size = stream.size < sizeof(lister->after) ? stream.size : sizeof(lister->after);
    memcpy(lister->after, stream.data, lister->after_size);
}

static enum varve_status list_page(void *user, struct listing *listing, uint32_t limit, size_t *ret_count,
                                   bool *ret_end, struct varve_error *error)
{
    struct lister *lister = user;
    const struct varve_outbox_dead_request request = {
        .name = varve_view_str(lister->name), .after = varve_view_of(lister->after, lister->after_size),
        .limit = limit,
    };
    const struct varve_dead_letter *letters = NULL;
    enum varve_status status =
        varve_client_outbox_dead(backend_client(lister->cli->backend), &request, &letters, ret_count, ret_end, error);

    if (status != VARVE_OK)
        return status;
    listing_begin(listing);
    for (size_t i = 0; i < *ret_count; i++)
        print_letter(listing, &letters[i]);
    if (*ret_count > 0)
        remember(lister, letters[*ret_count - 1].stream);
    return VARVE_OK;
}

static int run_ls(struct cli *cli)
{
    struct listing listing = { .output = &cli->output, .columns = ls_columns,
                               .column_count = sizeof(ls_columns) / sizeof(ls_columns[0]),
                               .page = VARVE_MAX_OUTBOX_LIST, .left = UINT64_MAX };
    struct lister lister = { .cli = cli };
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = arguments_limit(&cli->arguments, UINT64_MAX, &listing.left, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), lister.name, &error);
    if (status == VARVE_OK)
        status = listing_run(&listing, list_page, &lister, &error);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_outbox_dead_ls = {
    .name = "outbox dead ls",
    .arguments = "[NAME]",
    .summary = "list the streams of which Kafka refused an event",
    .details = "By stream. `waiting` counts the refused event and those set aside behind it, so that the stream's\n"
               "order is kept. A broker that cannot be reached makes no dead letter.",
    .options = ls_options,
    .examples = "  varve outbox dead ls\n"
                "  varve outbox dead ls kafka -o ndjson | jq -r '[.stream, .last_error] | @tsv'\n",
    .run = run_ls,
};

/* ---- dead show --------------------------------------------------------------------------------------------------- */

static const struct option_spec show_options[] = { OUTBOX_OPTION, { NULL, 0, NULL, NULL } };

static enum varve_status find_letter(struct cli *cli, const char *name, struct varve_view stream,
                                     const struct varve_dead_letter **ret, struct varve_error *error)
{
    const struct varve_outbox_dead_request request = { .name = varve_view_str(name), .stream = stream, .limit = 1 };
    size_t count;
    bool end;

    return varve_client_outbox_dead(backend_client(cli->backend), &request, ret, &count, &end, error);
}

/* The letter and below it the event; or the letter's object with the event as a member. The letter lives until the
 * event is asked for, so it is written first. */
static enum varve_status show(struct cli *cli, const char *name, struct varve_error *error)
{
    const struct varve_dead_letter *letter = NULL;
    struct varve_event event;
    struct event_printer printer;
    struct text object = { 0 };
    bool table = cli->output.format == OUTPUT_TABLE;
    uint64_t position = 0;
    enum varve_status status = find_letter(cli, name, varve_view_str(cli->arguments.words[0]), &letter, error);

    if (status == VARVE_OK) {
        position = letter->position;
        if (table)
            outbox_print_letter(&cli->output, letter);
        else
            outbox_format_letter(&object, letter);
        status = cli->backend->call->get(cli->backend, position, &event, error);
    }
    if (status == VARVE_OK && table) {
        fputc('\n', cli->output.file);
        event_printer_begin(&printer, &cli->output);
        event_printer_event(&printer, &event);
        event_printer_end(&printer);
    } else if (status == VARVE_OK) {
        object.size--; /* the brace */
        text_key(&object, "event");
        text_add_event(&object, &event);
        text_add_str(&object, "}");
        output_object(&cli->output, &object);
    }
    text_free(&object);
    return status;
}

static int run_show(struct cli *cli)
{
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK)
        status = varve_check_stream_name(varve_view_str(cli->arguments.words[0]), true, "stream", &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, arguments_text(&cli->arguments, "outbox"), name, &error);
    if (status == VARVE_OK)
        status = show(cli, name, &error);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_outbox_dead_show = {
    .name = "outbox dead show",
    .arguments = "STREAM",
    .summary = "show the event of a stream that Kafka refused, and why",
    .details = "",
    .options = show_options,
    .examples = "  varve outbox dead show order-42\n  varve outbox dead show order-42 -o json | jq .event.data\n",
    .run = run_show,
};

/* ---- dead retry -------------------------------------------------------------------------------------------------- */

static const struct option_spec retry_options[] = {
    { "all", 'a', NULL, "all of them" }, OUTBOX_OPTION,
    { "reason", 0, "TEXT", "why, for the record" },
    { NULL, 0, NULL, NULL },
};

static enum varve_status check_retry(const struct cli *cli, struct varve_error *error)
{
    bool all = arguments_has(&cli->arguments, "all");
    enum varve_status status = cli_words(cli, 0, WORDS_MAX, error);

    if (status == VARVE_OK && all != (cli->arguments.word_count == 0))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments", "say which: STREAM... or --all");
    for (size_t i = 0; i < cli->arguments.word_count && status == VARVE_OK; i++)
        status = varve_check_stream_name(varve_view_str(cli->arguments.words[i]), true, "stream", error);
    return status;
}

static enum varve_status retry(struct cli *cli, const char *name, struct varve_outbox_order_result *sum,
                               struct varve_error *error)
{
    size_t orders = cli->arguments.word_count == 0 ? 1 : cli->arguments.word_count;
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < orders && status == VARVE_OK; i++) {
        const struct varve_outbox_order order = {
            .action = VARVE_OUTBOX_RETRY,
            .stream = varve_view_str(outbox_given(cli, i)),
            .reason = varve_view_str(arguments_text(&cli->arguments, "reason")),
        };
        struct varve_outbox_order_result result;

        status = outbox_order(cli, name, &order, &result, error);
        if (status == VARVE_OK)
            sum->count += result.count;
    }
    return status;
}

static int run_retry(struct cli *cli)
{
    struct varve_outbox_order_result sum = { 0 };
    char name[VARVE_MAX_OUTBOX_NAME + 1], line[80];
    struct varve_error error;

    enum varve_status status = check_retry(cli, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, arguments_text(&cli->arguments, "outbox"), name, &error);
    if (status == VARVE_OK)
        status = retry(cli, name, &sum, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    snprintf(line, sizeof(line), "%" PRIu64 " stream%s will be tried again", sum.count, sum.count == 1 ? "" : "s");
    outbox_print_done(cli, name, VARVE_OUTBOX_RETRY, &sum, line);
    return CLI_OK;
}

const struct command command_outbox_dead_retry = {
    .name = "outbox dead retry",
    .arguments = "STREAM... | --all",
    .summary = "try to publish what was set aside",
    .details = "In the order of the stream, each event once. What is refused again stays a dead letter, its\n"
               "retry_count one higher. `varve outbox status` tells how many are still to be tried.",
    .options = retry_options,
    .examples = "  varve outbox dead retry order-42 order-43\n  varve outbox dead retry --all\n",
    .run = run_retry,
};

/* ---- dead discard ------------------------------------------------------------------------------------------------ */

static const struct option_spec discard_options[] = {
    OUTBOX_OPTION,
    { "reason", 0, "TEXT", "why, for the record; needed" },
    { NULL, 0, NULL, NULL },
};

static int run_discard(struct cli *cli)
{
    struct varve_outbox_order order = { .action = VARVE_OUTBOX_DISCARD };
    struct varve_outbox_order_result result;
    char name[VARVE_MAX_OUTBOX_NAME + 1], line[120];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK &&
        (!option_parse_uint(cli->arguments.words[0], UINT64_MAX, &order.position) || order.position == 0))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "position", "POSITION must be that of an event (1, 2, 3, "
                            "...), not \"%s\"", cli->arguments.words[0]);
    if (status == VARVE_OK && !arguments_has(&cli->arguments, "reason"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "reason", "--reason TEXT is needed: it is kept");
    order.reason = varve_view_str(arguments_text(&cli->arguments, "reason"));
    if (status == VARVE_OK)
        status = outbox_choose(cli, arguments_text(&cli->arguments, "outbox"), name, &error);
    if (status == VARVE_OK)
        status = outbox_order(cli, name, &order, &result, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    snprintf(line, sizeof(line), "the event at position %" PRIu64 " will not be published", order.position);
    outbox_print_done(cli, name, order.action, &result, line);
    return CLI_OK;
}

const struct command command_outbox_dead_discard = {
    .name = "outbox dead discard",
    .arguments = "POSITION --reason TEXT",
    .summary = "give up publishing an event that Kafka refused",
    .details = "The event stays in its stream. Those that wait behind it go on. That it was discarded, and why, is\n"
               "an event of the outbox's own stream $outbox-NAME.",
    .options = discard_options,
    .examples = "  varve outbox dead discard 4711 --reason 'a picture of 3 MB, sent by mail'\n"
                "  varve read '$outbox-kafka' -o ndjson | grep discarded\n",
    .run = run_discard,
};
