/* cmd_stream.c - `varve stream ls` and `varve stream info`: what streams there are and how each stands. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "pairs.h"
#include "timestamp.h"

#define PAGE 1000 /* streams asked for at a time */

static const char *state_of(const struct varve_stream_info *info)
{
    if (info->tombstoned)
        return "tombstoned";
    return info->deleted ? "deleted" : "live";
}

/* Events a read would return (what only age hides may still count). */
static uint64_t visible_events(const struct varve_stream_info *info)
{
    uint64_t next = (uint64_t)(info->version + 1);

    return info->first_version < next ? next - info->first_version : 0;
}

static void format_info(struct text *out, struct varve_view name, const struct varve_stream_info *info)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member(out, "stream", name);
    text_member_int(out, "version", info->version);
    text_member_uint(out, "first_version", info->first_version);
    text_member_uint(out, "events", visible_events(info));
    text_member_uint(out, "last_position", info->last_position);
    text_member_time(out, "created_at", info->created_at_us);
    text_member_time(out, "updated_at", info->updated_at_us);
    text_member_uint(out, "truncate_before", info->truncate_before);
    text_member_uint(out, "max_count", info->max_count);
    text_member_int(out, "max_age_us", info->max_age_us);
    text_member(out, "state", varve_view_str(state_of(info)));
    text_add_str(out, "}");
}

/* ---- stream ls --------------------------------------------------------------------------------------------------- */

static const struct option_spec ls_options[] = {
    { "limit", 'n', "N", "at most so many" },
    { "after", 0, "STREAM", "only names that sort behind this one" },
    { "system", 0, NULL, "also system streams ($...)" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column ls_columns[] = {
    { "stream", false, 1 }, { "version", true, 0 }, { "events", true, 0 }, { "updated_at", false, 0 },
    { "state", false, 0 },
};

struct lister {
    struct cli *cli;
    bool begun;        /* the list's first line is out: not before a first answer */
    struct table *table;
    struct text object;
    struct text after; /* the last name printed */
    uint64_t left;     /* of --limit */
};

static void print_entry(struct lister *lister, const struct varve_stream_entry *entry)
{
    char updated_at[TIMESTAMP_TEXT];

    if (lister->table == NULL) {
        format_info(&lister->object, entry->name, &entry->info);
        output_list_object(&lister->cli->output, &lister->object);
        return;
    }
    timestamp_format_short(entry->info.updated_at_us, updated_at);
    table_cell(lister->table, entry->name);
    table_cellf(lister->table, "%" PRId64, entry->info.version);
    table_cellf(lister->table, "%" PRIu64, visible_events(&entry->info));
    table_cell(lister->table, varve_view_str(updated_at));
    table_cell(lister->table, varve_view_str(state_of(&entry->info)));
    table_row_end(lister->table);
}

static void begin_list(struct lister *lister)
{
    struct output *output = &lister->cli->output;

    if (output->format == OUTPUT_TABLE)
        lister->table = table_begin(output, ls_columns, sizeof(ls_columns) / sizeof(ls_columns[0]));
    else
        output_list_begin(output);
    lister->begun = true;
}

static void end_list(struct lister *lister)
{
    if (lister->table != NULL)
        table_end(lister->table);
    else if (lister->begun)
        output_list_end(&lister->cli->output);
}

/* One page; *ret_end when none follows. */
static enum varve_status list_page(struct lister *lister, struct varve_stream_list_request *request, bool *ret_end,
                                   struct varve_error *error)
{
    const struct backend_functions *call = lister->cli->backend->call;
    struct varve_stream_list list = { 0 };

    request->after = text_view(&lister->after);
    request->limit = lister->left < PAGE ? (uint32_t)lister->left : PAGE;
    enum varve_status status = call->list(lister->cli->backend, request, &list, error);
    if (status != VARVE_OK)
        return status;
    if (!lister->begun)
        begin_list(lister);
    for (size_t i = 0; i < list.count; i++)
        print_entry(lister, &list.entries[i]);
    lister->left -= list.count < lister->left ? list.count : lister->left;
    *ret_end = list.end || list.count == 0 || lister->left == 0;
    if (list.count > 0) {
        text_clear(&lister->after);
        text_add(&lister->after, list.entries[list.count - 1].name);
    }
    call->list_free(&list);
    return VARVE_OK;
}

static enum varve_status list_streams(struct lister *lister, struct varve_stream_list_request *request,
                                      struct varve_error *error)
{
    enum varve_status status;
    bool end = false;

    do
        status = list_page(lister, request, &end, error);
    while (status == VARVE_OK && !end && output_works(&lister->cli->output));
    end_list(lister);
    return status;
}

static int run_ls(struct cli *cli)
{
    const struct arguments *arguments = &cli->arguments;
    struct lister lister = { .cli = cli, .left = UINT64_MAX };
    struct varve_stream_list_request request = { .prefix = varve_view_of("", 0) };
    struct varve_error error;

    enum varve_status status = arguments_words(arguments, 0, 1, "stream ls [PREFIX]", &error);
    if (status == VARVE_OK)
        status = arguments_uint(arguments, "limit", UINT64_MAX, &lister.left, &error);
    if (status == VARVE_OK && lister.left == 0)
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "limit", "--limit must be at least 1");
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status == VARVE_OK) {
        if (arguments->word_count == 1)
            request.prefix = varve_view_str(arguments->words[0]);
        if (arguments_text(arguments, "after") != NULL)
            text_add_str(&lister.after, arguments_text(arguments, "after"));
        request.include_system = arguments_has(arguments, "system") ||
                                 (request.prefix.size > 0 && request.prefix.data[0] == '$');
        status = list_streams(&lister, &request, &error);
    }
    text_free(&lister.object);
    text_free(&lister.after);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_stream_ls = {
    .name = "stream ls",
    .arguments = "[PREFIX]",
    .summary = "list streams by name",
    .details = "Sorted by bytes. Deleted and tombstoned streams are listed and say so.",
    .options = ls_options,
    .examples = "  varve stream ls\n  varve stream ls order- --limit 50\n  varve stream ls -o ndjson | jq -r .stream\n",
    .run = run_ls,
};

/* ---- stream info ------------------------------------------------------------------------------------------------- */

static const struct option_spec info_options[] = { { NULL, 0, NULL, NULL } };

static void print_info(struct cli *cli, const char *name, const struct varve_stream_info *info)
{
    struct table *table = pairs_begin(&cli->output);
    char text[TIMESTAMP_TEXT];

    pairs_text(table, "stream", varve_view_str(name));
    pairs_text(table, "state", varve_view_str(state_of(info)));
    pairs_printf(table, "version", "%" PRIu64, (uint64_t)info->version);
    pairs_printf(table, "first_version", "%" PRIu64, info->first_version);
    pairs_printf(table, "events", "%" PRIu64, visible_events(info));
    pairs_printf(table, "last_position", "%" PRIu64, info->last_position);
    pairs_time(table, "created_at", info->created_at_us);
    pairs_time(table, "updated_at", info->updated_at_us);
    if (info->truncate_before > 0)
        pairs_printf(table, "truncate_before", "%" PRIu64, info->truncate_before);
    if (info->max_count > 0)
        pairs_printf(table, "max_count", "%" PRIu64, info->max_count);
    if (info->max_age_us > 0) {
        duration_format(info->max_age_us, text);
        pairs_text(table, "max_age", varve_view_str(text));
    }
    table_end(table);
}

static int run_info(struct cli *cli)
{
    struct varve_stream_info info;
    struct varve_error error;
    struct text object = { 0 };

    enum varve_status status = arguments_words(&cli->arguments, 1, 1, "stream info STREAM", &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    const char *name = cli->arguments.words[0];
    status = cli->backend->call->info(cli->backend, varve_view_str(name), &info, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE) {
        print_info(cli, name, &info);
    } else {
        format_info(&object, varve_view_str(name), &info);
        output_object(&cli->output, &object);
        text_free(&object);
    }
    return CLI_OK;
}

const struct command command_stream_info = {
    .name = "stream info",
    .arguments = "STREAM",
    .summary = "show how a stream stands",
    .details = "version is that of its last event, first_version the lowest a read returns.",
    .options = info_options,
    .examples = "  varve stream info order-42\n  varve stream info order-42 -o json | jq .version\n",
    .run = run_info,
};
