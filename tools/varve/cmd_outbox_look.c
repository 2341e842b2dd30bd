/* cmd_outbox_look.c - `varve outbox verify|history`: what Kafka has, and what became of a stream's events. */
#include <inttypes.h>

#include "commands.h"
#include "outbox_choice.h"
#include "outbox_text.h"
#include "timestamp.h"

#define DEPTH 10000u /* records of each partition that are looked at, unless --depth says more */
#define PAGE VARVE_MAX_OUTBOX_LIST

/* ---- verify ------------------------------------------------------------------------------------------------------ */

static const struct option_spec verify_options[] = {
    { "depth", 0, "N", "so many records from the end of each partition; default 10000" },
    { "all", 'a', NULL, "all records" },
    { NULL, 0, NULL, NULL },
};

static enum varve_status parse_depth(const struct arguments *arguments, uint64_t *ret_depth, struct varve_error *error)
{
    enum varve_status status = arguments_uint(arguments, "depth", UINT64_MAX, ret_depth, error);

    if (status == VARVE_OK && *ret_depth == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "depth", "--depth must be at least 1; --all looks at all");
    if (status == VARVE_OK && arguments_has(arguments, "all") && arguments_has(arguments, "depth"))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "all", "--all and --depth exclude each other");
    if (arguments_has(arguments, "all"))
        *ret_depth = 0;
    return status;
}

static int print_verified(struct cli *cli, const struct varve_stat *figures, size_t count)
{
    bool agrees = outbox_number(figures, count, "agrees") != 0;
    struct text object = { 0 };

    if (cli->output.format == OUTPUT_TABLE) {
        outbox_print_verification(&cli->output, figures, count);
    } else {
        outbox_format_figures(&object, figures, count);
        output_object(&cli->output, &object);
        text_free(&object);
    }
    return agrees ? CLI_OK : CLI_CORRUPT;
}

static int run_verify(struct cli *cli)
{
    const struct varve_stat *figures = NULL;
    size_t count = 0;
    uint64_t depth = DEPTH;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = parse_depth(&cli->arguments, &depth, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), name, &error);
    if (status == VARVE_OK)
        status = varve_client_outbox_verify(backend_client(cli->backend), varve_view_str(name), depth, &figures,
                                            &count, &error);
    return status == VARVE_OK ? print_verified(cli, figures, count) : cli_fail(cli, &error);
}

const struct command command_outbox_verify = {
    .name = "outbox verify",
    .arguments = "[NAME]",
    .summary = "compare what Kafka holds with what the checkpoint says",
    .details = "The server reads the ends of the outbox's topics as a consumer with isolation.level=read_committed\n"
               "and looks for every event: none missing, none twice, each stream in order. Exit code 0: Kafka agrees;\n"
               "6: it does not, and `finding` says where. Interrupting the command ends the verification.",
    .options = verify_options,
    .examples = "  varve outbox verify\n  varve outbox verify kafka --all -o json\n",
    .run = run_verify,
};

/* ---- history ----------------------------------------------------------------------------------------------------- */

static const struct option_spec history_options[] = {
    { "outbox", 0, "NAME", "which one; may be left out when the server has one" },
    { "from", 'f', "VERSION", "from this version on" },
    { "limit", 'n', "N", "at most so many" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column history_columns[] = {
    { "version", true, 0 }, { "position", true, 0 }, { "type", false, 2 }, { "status", false, 0 },
    { "topic", false, 2 }, { "published_at", false, 0 }, { "retry_count", true, 0 }, { "last_error", false, 1 },
};

struct history {
    struct cli *cli;
    struct varve_outbox_history_request request;
    uint64_t left;
    bool begun; /* not before a first answer */
    struct table *table;
    struct text text;
};

static void begin_history(struct history *history)
{
    struct output *output = &history->cli->output;

    if (output->format == OUTPUT_TABLE)
        history->table = table_begin(output, history_columns, sizeof(history_columns) / sizeof(history_columns[0]));
    else
        output_list_begin(output);
    history->begun = true;
}

static void print_event(struct history *history, const struct varve_outbox_history_event *event)
{
    char published_at[TIMESTAMP_TEXT] = "";
    const struct varve_view none = varve_view_str("");

    if (history->table == NULL) {
        outbox_format_event(&history->text, event);
        output_list_object(&history->cli->output, &history->text);
        return;
    }
    if (event->published_at_us != VARVE_TIME_NONE)
        timestamp_format_short(event->published_at_us, published_at);
    table_cellf(history->table, "%" PRIu64, event->version);
    table_cellf(history->table, "%" PRIu64, event->position);
    table_cell(history->table, event->type);
    table_cell(history->table, varve_view_str(varve_outbox_fate_name(event->fate)));
    table_cell(history->table, event->topic.data != NULL ? event->topic : none);
    table_cell(history->table, varve_view_str(published_at));
    table_cellf(history->table, "%" PRIu32, event->retry_count);
    table_cell(history->table, event->last_error.data != NULL ? event->last_error : none);
    table_row_end(history->table);
}

static enum varve_status print_page(struct history *history, bool *ret_end, struct varve_error *error)
{
    const struct varve_outbox_history_event *events = NULL;
    size_t count = 0;

    history->request.limit = history->left < PAGE ? (uint32_t)history->left : PAGE;
    enum varve_status status = varve_client_outbox_history(backend_client(history->cli->backend), &history->request,
                                                           &events, &count, ret_end, error);
    if (status != VARVE_OK)
        return status;
    if (!history->begun)
        begin_history(history);
    for (size_t i = 0; i < count; i++)
        print_event(history, &events[i]);
    if (count > 0)
        history->request.from_version = events[count - 1].version + 1;
    history->left -= count;
    *ret_end = *ret_end || count == 0 || history->left == 0;
    return VARVE_OK;
}

static enum varve_status print_history(struct history *history, struct varve_error *error)
{
    enum varve_status status;
    bool end = false;

    do
        status = print_page(history, &end, error);
    while (status == VARVE_OK && !end && output_works(&history->cli->output));
    if (history->table != NULL)
        table_end(history->table);
    else if (history->begun)
        output_list_end(&history->cli->output);
    text_free(&history->text);
    return status;
}

static int run_history(struct cli *cli)
{
    struct history history = { .cli = cli, .left = UINT64_MAX };
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK)
        status = varve_check_stream_name(varve_view_str(cli->arguments.words[0]), true, "stream", &error);
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "from", INT64_MAX, &history.request.from_version, &error);
    if (status == VARVE_OK)
        status = arguments_limit(&cli->arguments, UINT64_MAX, &history.left, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, arguments_text(&cli->arguments, "outbox"), name, &error);
    if (status == VARVE_OK) {
        history.request.name = varve_view_str(name);
        history.request.stream = varve_view_str(cli->arguments.words[0]);
        status = print_history(&history, &error);
    }
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_outbox_history = {
    .name = "outbox history",
    .arguments = "STREAM",
    .summary = "show what became of each event of a stream on its way to Kafka",
    .details = "pending, published, failed (a dead letter, or waiting behind one), filtered or discarded; topics and\n"
               "filters as they are now. published_at is at most a second late.",
    .options = history_options,
    .examples = "  varve outbox history order-42\n"
                "  varve outbox history order-42 --outbox kafka -o ndjson | jq 'select(.status == \"failed\")'\n",
    .run = run_history,
};
