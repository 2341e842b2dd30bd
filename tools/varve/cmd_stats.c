/* cmd_stats.c - `varve stats`: the figures of the store, and of the server in front of it. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "timestamp.h"

static const struct option_spec options[] = { { NULL, 0, NULL, NULL } };

static bool ends_with(struct varve_view name, const char *end)
{
    size_t size = strlen(end);

    return name.size >= size && memcmp(name.data + name.size - size, end, size) == 0;
}

/* A figure's name tells its unit. */
static void print_number(struct table *table, const struct varve_stat *stat)
{
    char text[TIMESTAMP_TEXT];

    if (ends_with(stat->name, "_at_us"))
        varve_time_format((int64_t)stat->number, text);
    else if (ends_with(stat->name, "_us"))
        duration_format((int64_t)stat->number, text);
    else if (ends_with(stat->name, "_bytes"))
        format_bytes(stat->number, text);
    else
        format_count(stat->number, text);
    table_cell(table, varve_view_str(text));
}

static void print_table(struct cli *cli, const struct varve_stat *stats, size_t count)
{
    static const struct table_column columns[] = { { NULL, false, 0 }, { NULL, false, 0 } };
    struct table *table = table_begin(&cli->output, columns, 2);

    for (size_t i = 0; i < count; i++) {
        table_cell(table, stats[i].name);
        if (stats[i].is_text)
            table_cell(table, stats[i].text);
        else
            print_number(table, &stats[i]);
        table_row_end(table);
    }
    table_end(table);
}

static void print_json(struct cli *cli, const struct varve_stat *stats, size_t count)
{
    struct text object = { 0 };

    text_add_str(&object, "{");
    for (size_t i = 0; i < count; i++) {
        char name[128];

        snprintf(name, sizeof(name), "%.*s", (int)stats[i].name.size, stats[i].name.data);
        if (stats[i].is_text)
            text_member(&object, name, stats[i].text);
        else
            text_member_uint(&object, name, stats[i].number);
    }
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
}

static int run(struct cli *cli)
{
    const struct varve_stat *stats = NULL;
    size_t count = 0;
    struct varve_error error;

    enum varve_status status = arguments_words(&cli->arguments, 0, 0, "stats", &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status == VARVE_OK)
        status = cli->backend->call->stats(cli->backend, &stats, &count, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE)
        print_table(cli, stats, count);
    else
        print_json(cli, stats, count);
    return CLI_OK;
}

const struct command command_stats = {
    .name = "stats",
    .arguments = "",
    .summary = "show how many events and streams there are, and how the store does",
    .details = "last_position is the number of events, those of system streams included. The table has\n"
               "readable units; with -o json all figures are raw: bytes, microseconds, counts.",
    .options = options,
    .examples = "  varve stats\n  varve stats --db /var/lib/varve -o json | jq .last_position\n",
    .run = run,
};
