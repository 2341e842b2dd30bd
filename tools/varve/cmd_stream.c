/* cmd_stream.c - `varve stream ls` and `varve stream info`: what streams there are and how each stands. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "listing.h"
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
    struct varve_stream_list_request request;
    struct text after; /* the last name printed */
};

static void print_entry(struct listing *listing, const struct varve_stream_entry *entry)
{
    char updated_at[TIMESTAMP_TEXT];

    if (listing->table == NULL) {
        format_info(&listing->text, entry->name, &entry->info);
        output_list_object(listing->output, &listing->text);
        return;
    }
    timestamp_format_short(entry->info.updated_at_us, updated_at);
    table_cell(listing->table, entry->name);
    table_cellf(listing->table, "%" PRId64, entry->info.version);
    table_cellf(listing->table, "%" PRIu64, visible_events(&entry->info));
    table_cell(listing->table, varve_view_str(updated_at));
    table_cell(listing->table, varve_view_str(state_of(&entry->info)));
    table_row_end(listing->table);
}

static enum varve_status list_page(void *user, struct listing *listing, uint32_t limit, size_t *ret_count,
                                   bool *ret_end, struct varve_error *error)
{
    struct lister *lister = user;
    const struct backend_functions *call = lister->cli->backend->call;
    struct varve_stream_list list = { 0 };

    lister->request.after = text_view(&lister->after);
    lister->request.limit = limit;
    enum varve_status status = call->list(lister->cli->backend, &lister->request, &list, error);
    if (status != VARVE_OK)
        return status;
    listing_begin(listing);
    for (size_t i = 0; i < list.count; i++)
        print_entry(listing, &list.entries[i]);
    if (list.count > 0) {
        text_clear(&lister->after);
        text_add(&lister->after, list.entries[list.count - 1].name);
    }
    *ret_count = list.count;
    *ret_end = list.end;
    call->list_free(&list);
    return VARVE_OK;
}

static int run_ls(struct cli *cli)
{
    const struct arguments *arguments = &cli->arguments;
    struct listing listing = { .output = &cli->output, .columns = ls_columns,
                               .column_count = sizeof(ls_columns) / sizeof(ls_columns[0]), .page = PAGE,
                               .left = UINT64_MAX };
    struct lister lister = { .cli = cli, .request.prefix = varve_view_of("", 0) };
    struct varve_error error;

    enum varve_status status = arguments_words(arguments, 0, 1, "stream ls [PREFIX]", &error);
    if (status == VARVE_OK)
        status = arguments_limit(arguments, UINT64_MAX, &listing.left, &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status == VARVE_OK) {
        struct varve_view *prefix = &lister.request.prefix;

        if (arguments->word_count == 1)
            *prefix = varve_view_str(arguments->words[0]);
        if (arguments_text(arguments, "after") != NULL)
            text_add_str(&lister.after, arguments_text(arguments, "after"));
        lister.request.include_system = arguments_has(arguments, "system") ||
                                        (prefix->size > 0 && prefix->data[0] == '$');
        status = listing_run(&listing, list_page, &lister, &error);
    }
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
