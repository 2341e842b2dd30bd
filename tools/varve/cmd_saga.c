/* cmd_saga.c - `varve saga show|history|ls|stuck|counts`: where sagas stand. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "event_printer.h"
#include "saga_text.h"
#include "timestamp.h"
#include "varve/state.h"

#define PAGE 500u                      /* sagas asked for at a time */
#define STUCK_US (10 * 60 * 1000000LL) /* what is unfinished and did not change for so long, unless --for says more */

/* ---- show -------------------------------------------------------------------------------------------------------- */

static const struct option_spec no_options[] = { { NULL, 0, NULL, NULL } };

static int run_show(struct cli *cli)
{
    struct varve_saga saga;
    struct varve_error error;
    struct text object = { 0 };

    enum varve_status status = cli_words(cli, 2, 2, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_saga_get(backend_client(cli->backend), varve_view_str(cli->arguments.words[0]),
                                       varve_view_str(cli->arguments.words[1]), &saga, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE) {
        saga_print(&cli->output, &saga);
    } else {
        saga_format(&object, &saga);
        output_object(&cli->output, &object);
        text_free(&object);
    }
    return CLI_OK;
}

const struct command command_saga_show = {
    .name = "saga show",
    .arguments = "TYPE ID",
    .summary = "show a saga with its state",
    .details = "",
    .options = no_options,
    .examples = "  varve saga show order 17\n  varve saga show order 17 -o json | jq .state\n",
    .run = run_show,
};

/* ---- history ----------------------------------------------------------------------------------------------------- */

static const struct table_column history_columns[] = {
    { "version", true, 0 }, { "recorded_at", false, 0 }, { "what", false, 0 }, { "step", false, 2 },
    { "deadline", false, 0 }, { "error", false, 1 }, { "state", false, 1 },
};

static void print_change(struct table *table, const struct varve_event *event)
{
    char recorded_at[TIMESTAMP_TEXT], deadline[TIMESTAMP_TEXT] = "";
    struct saga_event change;

    saga_event_read(event, &change);
    timestamp_format_short(event->recorded_at_us, recorded_at);
    if (change.deadline_us != VARVE_TIME_NONE)
        timestamp_format_short(change.deadline_us, deadline);
    table_cellf(table, "%" PRIu64, event->version);
    table_cell(table, varve_view_str(recorded_at));
    table_cell(table, change.action);
    table_cell(table, change.step);
    table_cell(table, varve_view_str(deadline));
    table_cell(table, change.error);
    if (change.new_state && event->content_type != VARVE_CONTENT_JSON)
        table_cellf(table, "(%zu bytes)", event->data.size);
    else /* a state that was kept is no data */
        table_cell(table, event->data);
    table_row_end(table);
}

static enum varve_status print_history(struct cli *cli, struct varve_error *error)
{
    struct event_printer printer = { 0 };
    struct table *table = NULL;
    const struct varve_event *event;
    enum varve_status status;

    if (cli->output.format == OUTPUT_TABLE)
        table = table_begin(&cli->output, history_columns, sizeof(history_columns) / sizeof(history_columns[0]));
    else
        event_printer_begin(&printer, &cli->output);
    while ((status = cli->backend->call->read_next(cli->backend, &event, error)) == VARVE_OK && event != NULL) {
        if (table != NULL)
            print_change(table, event);
        else
            event_printer_event(&printer, event);
    }
    if (table != NULL)
        table_end(table);
    else
        event_printer_end(&printer);
    return status;
}

static int run_history(struct cli *cli)
{
    char name[VARVE_SAGA_MAX_NAME];
    struct varve_read read;
    struct varve_error error;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    enum varve_status status = cli_words(cli, 2, 2, &error);
    if (status == VARVE_OK)
        status = varve_check_saga_type(varve_view_str(cli->arguments.words[0]), "type", &error);
    if (status == VARVE_OK)
        status = varve_check_saga_id(varve_view_str(cli->arguments.words[1]), "id", &error);
    if (status == VARVE_OK) {
        read.name = varve_saga_stream(varve_view_str(cli->arguments.words[0]),
                                      varve_view_str(cli->arguments.words[1]), name);
        status = cli_open(cli, false, &error);
    }
    if (status == VARVE_OK)
        status = cli->backend->call->read_open(cli->backend, &read, &error);
    if (status == VARVE_OK) {
        status = print_history(cli, &error);
        cli->backend->call->read_close(cli->backend);
    }
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_saga_history = {
    .name = "saga history",
    .arguments = "TYPE ID",
    .summary = "show every transition of a saga",
    .details = "The events of its stream $saga-TYPE-ID, oldest first; also of one that was archived. JSON prints\n"
               "them whole, as `varve read` does.",
    .options = no_options,
    .examples = "  varve saga history order 17\n",
    .run = run_history,
};

/* ---- ls, stuck --------------------------------------------------------------------------------------------------- */

static const struct option_spec ls_options[] = {
    { "status", 0, "STATUS", "running, compensating, timed_out, completed, failed; several with commas" },
    { "step", 0, "STEP", "at this step" },
    { "unchanged-for", 0, "DURATION", "not changed for so long" },
    { "deadline-before", 0, "TIME", "with a deadline before this moment: RFC 3339, or so long from now" },
    { "by-deadline", 0, NULL, "those with a deadline, the next first" },
    { "states", 0, NULL, "with their states (JSON output)" },
    { "limit", 'n', "N", "at most so many" },
    { NULL, 0, NULL, NULL },
};
static const struct option_spec stuck_options[] = {
    { "for", 0, "DURATION", "not changed for so long; default 10m" },
    { "limit", 'n', "N", "at most so many" },
    { NULL, 0, NULL, NULL },
};

static int64_t so_long_ago(int64_t duration_us)
{
    const struct varve_os *os = varve_os_default();
    int64_t moment;

    return __builtin_sub_overflow(os->now_us(os->self), duration_us, &moment) ? INT64_MIN + 1 : moment;
}

static enum varve_status parse_ls(const struct arguments *arguments, struct varve_saga_query *query,
                                  struct varve_error *error)
{
    int64_t unchanged_us = 0;
    enum varve_status status = saga_statuses_parse(arguments, &query->statuses, error);

    if (arguments_has(arguments, "by-deadline"))
        query->order = VARVE_SAGA_BY_DEADLINE;
    query->include_state = arguments_has(arguments, "states");
    query->step = varve_view_str(arguments_text(arguments, "step"));
    if (status == VARVE_OK)
        status = arguments_duration(arguments, "unchanged-for", &unchanged_us, error);
    if (status == VARVE_OK && arguments_has(arguments, "unchanged-for"))
        query->updated_before_us = so_long_ago(unchanged_us);
    if (status == VARVE_OK && arguments_has(arguments, "deadline-before"))
        status = saga_deadline_parse(arguments_text(arguments, "deadline-before"), &query->deadline_before_us, error);
    return status;
}

static enum varve_status parse_stuck(const struct arguments *arguments, struct varve_saga_query *query,
                                     struct varve_error *error)
{
    int64_t unchanged_us = STUCK_US;
    enum varve_status status = arguments_duration(arguments, "for", &unchanged_us, error);

    query->statuses = VARVE_SAGA_UNFINISHED;
    query->updated_before_us = so_long_ago(unchanged_us);
    return status;
}

/* Page after page, until there are no more or `limit` are printed. */
static enum varve_status print_pages(struct cli *cli, struct varve_saga_query *query, uint64_t limit,
                                     struct varve_error *error)
{
    struct saga_printer printer;
    struct varve_saga_list list = { 0 };
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
    enum varve_status status;
    bool begun = false;

    do {
        query->limit = limit < PAGE ? (uint32_t)limit : PAGE;
        status = varve_client_saga_list(backend_client(cli->backend), query, &list, error);
        if (status != VARVE_OK)
            break;
        if (!begun)
            saga_printer_begin(&printer, &cli->output);
        begun = true;
        for (size_t i = 0; i < list.count; i++)
            saga_printer_saga(&printer, &list.sagas[i]);
        limit -= list.count;
        memcpy(after, list.next, list.next_size);
        query->after = varve_view_of((const char *)after, list.next_size);
    } while (!list.end && limit > 0 && output_works(&cli->output));
    if (begun)
        saga_printer_end(&printer);
    return status;
}

static int run_list(struct cli *cli)
{
    struct varve_saga_query query;
    struct varve_error error;
    uint64_t limit = UINT64_MAX;

    varve_saga_query_init(&query);
    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK && cli->arguments.word_count == 1)
        query.type = varve_view_str(cli->arguments.words[0]);
    if (status == VARVE_OK && query.type.size > 0)
        status = varve_check_saga_type(query.type, "type", &error);
    if (status == VARVE_OK)
        status = cli->command == &command_saga_ls ? parse_ls(&cli->arguments, &query, &error)
                                                  : parse_stuck(&cli->arguments, &query, &error);
    if (status == VARVE_OK)
        status = arguments_limit(&cli->arguments, UINT64_MAX, &limit, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = print_pages(cli, &query, limit, &error);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_saga_ls = {
    .name = "saga ls",
    .arguments = "[TYPE]",
    .summary = "list sagas",
    .details = "By type, then status, then who changed longest ago; with --by-deadline the next deadline first.",
    .options = ls_options,
    .examples = "  varve saga ls order --status running,timed_out\n"
                "  varve saga ls --by-deadline --limit 10\n"
                "  varve saga ls order --status failed -o ndjson | jq -r '[.saga_id, .error] | @tsv'\n",
    .run = run_list,
};

const struct command command_saga_stuck = {
    .name = "saga stuck",
    .arguments = "[TYPE]",
    .summary = "list unfinished sagas that did not change for long",
    .details = "",
    .options = stuck_options,
    .examples = "  varve saga stuck\n  varve saga stuck order --for 1h\n",
    .run = run_list,
};

/* ---- counts ------------------------------------------------------------------------------------------------------ */

static void print_count_rows(struct output *output, const struct varve_saga_counts *counts)
{
    struct table_column columns[1 + VARVE_SAGA_STATUSES] = { { "type", false, 1 } };

    for (int i = 0; i < VARVE_SAGA_STATUSES; i++)
        columns[1 + i] = (struct table_column){ varve_saga_status_name((enum varve_saga_status)i), true, 0 };
    struct table *table = table_begin(output, columns, 1 + VARVE_SAGA_STATUSES);
    for (size_t t = 0; t < counts->count; t++) {
        table_cell(table, counts->types[t].type);
        for (int i = 0; i < VARVE_SAGA_STATUSES; i++)
            table_cellf(table, "%" PRIu64, counts->types[t].by_status[i]);
        table_row_end(table);
    }
    table_end(table);
}

static void print_count_objects(struct output *output, const struct varve_saga_counts *counts)
{
    struct text object = { 0 };

    output_list_begin(output);
    for (size_t t = 0; t < counts->count; t++) {
        text_clear(&object);
        text_add_str(&object, "{");
        text_member(&object, "type", counts->types[t].type);
        for (int i = 0; i < VARVE_SAGA_STATUSES; i++)
            text_member_uint(&object, varve_saga_status_name((enum varve_saga_status)i), counts->types[t].by_status[i]);
        text_add_str(&object, "}");
        output_list_object(output, &object);
    }
    output_list_end(output);
    text_free(&object);
}

static int run_counts(struct cli *cli)
{
    struct varve_saga_counts counts;
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 0, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_saga_counts(backend_client(cli->backend), &counts, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE)
        print_count_rows(&cli->output, &counts);
    else
        print_count_objects(&cli->output, &counts);
    return CLI_OK;
}

const struct command command_saga_counts = {
    .name = "saga counts",
    .arguments = "",
    .summary = "how many sagas there are, by type and status",
    .details = "Archived ones are not counted.",
    .options = no_options,
    .examples = "  varve saga counts\n",
    .run = run_counts,
};
