/* cmd_group.c - `varve group ls|info`: what consumer groups there are and how each stands. */
#include <inttypes.h>

#include "commands.h"
#include "group_text.h"

static const struct option_spec no_options[] = { { NULL, 0, NULL, NULL } };

/* ---- group ls ---------------------------------------------------------------------------------------------------- */

static void print_rows(struct output *output, const struct varve_group_info *infos, size_t count)
{
    static const struct table_column columns[] = {
        { "group", false, 2 }, { "state", false, 0 }, { "checkpoint", true, 0 }, { "behind", true, 0 },
        { "in_flight", true, 0 }, { "retrying", true, 0 }, { "parked", true, 0 }, { "filter", false, 1 },
    };
    struct table *table = table_begin(output, columns, sizeof(columns) / sizeof(columns[0]));
    struct text filter = { 0 };

    for (size_t i = 0; i < count; i++) {
        const struct varve_group_info *info = &infos[i];
        group_describe_filter(&filter, info->settings.filter);
        table_cell(table, info->name);
        table_cell(table, varve_view_str(info->stopped ? "stopped" : "running"));
        table_cellf(table, "%" PRIu64, info->checkpoint);
        table_cellf(table, "%" PRIu64, info->last_position - info->checkpoint);
        table_cellf(table, "%" PRIu64, info->in_flight);
        table_cellf(table, "%" PRIu64, info->retrying);
        table_cellf(table, "%" PRIu64, info->parked);
        table_cell(table, text_view(&filter));
        table_row_end(table);
    }
    table_end(table);
    text_free(&filter);
}

static void print_objects(struct output *output, const struct varve_group_info *infos, size_t count)
{
    struct text object = { 0 };

    output_list_begin(output);
    for (size_t i = 0; i < count; i++) {
        group_format_summary(&object, &infos[i]);
        output_list_object(output, &object);
    }
    output_list_end(output);
    text_free(&object);
}

static int run_ls(struct cli *cli)
{
    const struct varve_group_info *infos = NULL;
    struct varve_error error;
    size_t count = 0;

    enum varve_status status = arguments_words(&cli->arguments, 0, 0, "group ls", &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_group_list(backend_client(cli->backend), &infos, &count, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE)
        print_rows(&cli->output, infos, count);
    else
        print_objects(&cli->output, infos, count);
    return CLI_OK;
}

const struct command command_group_ls = {
    .name = "group ls",
    .arguments = "",
    .summary = "list consumer groups",
    .details = "behind is how many positions lie between a group's checkpoint and the end of the log.",
    .options = no_options,
    .examples = "  varve group ls\n  varve group ls -o ndjson | jq -r 'select(.parked > 0).group'\n",
    .run = run_ls,
};

/* ---- group info -------------------------------------------------------------------------------------------------- */

static int run_info(struct cli *cli)
{
    struct varve_group_info info;
    struct varve_error error;
    struct text object = { 0 };

    enum varve_status status = arguments_words(&cli->arguments, 1, 1, "group info NAME", &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_group_info(backend_client(cli->backend), varve_view_str(cli->arguments.words[0]), &info,
                                         &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE) {
        group_print_info(&cli->output, &info);
    } else {
        group_format_info(&object, &info);
        output_object(&cli->output, &object);
        text_free(&object);
    }
    return CLI_OK;
}

const struct command command_group_info = {
    .name = "group info",
    .arguments = "NAME",
    .summary = "show how a consumer group stands",
    .details = "checkpoint: every event of its filter up to there is finished. acked and redelivered count since the\n"
               "server started.",
    .options = no_options,
    .examples = "  varve group info mails\n  varve group info mails -o json | jq .checkpoint\n",
    .run = run_info,
};
