/* cmd_snapshot.c - `varve snapshot ls|show|delete`: what is stored of streams besides their events. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "snapshot_cursor.h"
#include "snapshot_text.h"

struct origin {
    struct state_place place;
    struct state_source *source;
};

static enum varve_status open_origin(struct cli *cli, struct origin *origin, struct varve_error *error)
{
    enum varve_status status = state_place_open(cli, &origin->place, error);

    return status == VARVE_OK ? state_source_open(&origin->place, &origin->source, error) : status;
}

static void close_origin(struct origin *origin)
{
    state_source_close(origin->source);
    state_place_close(&origin->place);
}

/* ---- snapshot ls ------------------------------------------------------------------------------------------------- */

static const struct option_spec ls_options[] = {
    { "limit", 'n', "N", "at most so many" },
    { "after", 0, "STREAM", "only of streams that sort behind this one" },
    { "type", 't', "TYPE", "only of this type" },
    { NULL, 0, NULL, NULL },
};

struct lister {
    struct cli *cli;
    const char *type;
    struct table *table;
    struct text object;
    uint64_t left;
};

static void print_one(struct lister *lister, const struct varve_snapshot *snapshot)
{
    if (lister->type != NULL && !varve_view_equal(snapshot->type, varve_view_str(lister->type)))
        return;
    lister->left--;
    if (lister->table != NULL) {
        snapshot_print_row(lister->table, snapshot);
        return;
    }
    snapshot_format(&lister->object, snapshot);
    output_list_object(&lister->cli->output, &lister->object);
}

/* Nothing is printed before a first answer. */
static enum varve_status list(struct lister *lister, struct snapshot_cursor *cursor, struct varve_error *error)
{
    struct output *output = &lister->cli->output;
    const struct varve_snapshot *snapshot = NULL;
    enum varve_status status = snapshot_cursor_peek(cursor, &snapshot, error);

    if (status != VARVE_OK)
        return status;
    if (output->format == OUTPUT_TABLE)
        lister->table = table_begin(output, snapshot_columns, snapshot_column_count);
    else
        output_list_begin(output);
    do {
        status = snapshot_cursor_next(cursor, &snapshot, error);
        if (status == VARVE_OK && snapshot != NULL)
            print_one(lister, snapshot);
    } while (status == VARVE_OK && snapshot != NULL && lister->left > 0 && output_works(output));
    if (lister->table != NULL)
        table_end(lister->table);
    else
        output_list_end(output);
    text_free(&lister->object);
    return status;
}

static int run_ls(struct cli *cli)
{
    struct lister lister = { .cli = cli, .type = arguments_text(&cli->arguments, "type"), .left = UINT64_MAX };
    struct snapshot_cursor cursor;
    struct origin origin = { 0 };
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = arguments_limit(&cli->arguments, UINT64_MAX, &lister.left, &error);
    if (status == VARVE_OK)
        status = open_origin(cli, &origin, &error);
    if (status == VARVE_OK) {
        const char *prefix = cli->arguments.word_count > 0 ? cli->arguments.words[0] : "";
        const char *after = arguments_text(&cli->arguments, "after");

        snapshot_cursor_begin(&cursor, origin.source, varve_view_str(prefix),
                              varve_view_str(after != NULL ? after : ""));
        status = list(&lister, &cursor, &error);
        snapshot_cursor_end(&cursor);
    }
    close_origin(&origin);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_snapshot_ls = {
    .name = "snapshot ls",
    .arguments = "[PREFIX]",
    .summary = "list snapshots",
    .details = "By stream, then version; those of streams whose names begin with PREFIX.",
    .options = ls_options,
    .examples = "  varve snapshot ls order-\n  varve snapshot ls --type account -o ndjson | jq .size\n",
    .run = run_ls,
};

/* ---- snapshot show ----------------------------------------------------------------------------------------------- */

static const struct option_spec show_options[] = {
    { "at", 0, "VERSION", "the newest at or below this version; default: the newest" },
    { "type", 't', "TYPE", "the newest of this type" },
    { "schema-version", 0, "N", "the newest of this schema version" },
    { "raw", 0, NULL, "print its data and nothing else" },
    { NULL, 0, NULL, NULL },
};

static void show(struct cli *cli, const struct varve_snapshot *snapshot)
{
    struct text object = { 0 };

    if (arguments_has(&cli->arguments, "raw")) {
        fwrite(snapshot->data.data, 1, snapshot->data.size, cli->output.file);
        return;
    }
    if (cli->output.format == OUTPUT_TABLE) {
        snapshot_print(&cli->output, snapshot);
        return;
    }
    snapshot_format(&object, snapshot);
    output_object(&cli->output, &object);
    text_free(&object);
}

static int run_show(struct cli *cli)
{
    const char *type = arguments_text(&cli->arguments, "type");
    uint64_t at = INT64_MAX, schema_version = 0;
    struct varve_snapshot snapshot;
    struct origin origin = { 0 };
    struct varve_error error;

    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "at", INT64_MAX, &at, &error);
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "schema-version", UINT32_MAX, &schema_version, &error);
    if (status == VARVE_OK)
        status = open_origin(cli, &origin, &error);
    if (status == VARVE_OK) {
        const struct varve_snapshot_query query = {
            .stream = varve_view_str(cli->arguments.words[0]), .at_or_below = (int64_t)at,
            .type = varve_view_str(type != NULL ? type : ""), .schema_version = (uint32_t)schema_version,
        };
        status = origin.source->call->get(origin.source, &query, &snapshot, &error);
    }
    if (status == VARVE_OK)
        show(cli, &snapshot);
    close_origin(&origin);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_snapshot_show = {
    .name = "snapshot show",
    .arguments = "STREAM",
    .summary = "show a snapshot of a stream",
    .details = "",
    .options = show_options,
    .examples = "  varve snapshot show order-42\n  varve snapshot show order-42 --at 99 --raw | jq .total\n",
    .run = run_show,
};

/* ---- snapshot delete --------------------------------------------------------------------------------------------- */

static const struct option_spec delete_options[] = {
    { "all", 'a', NULL, "all of the stream" },
    { "at", 0, "VERSION", "the one of this version" },
    { "below", 0, "VERSION", "those of lower versions than this one" },
    { NULL, 0, NULL, NULL },
};

static enum varve_status parse_versions(const struct arguments *arguments, uint64_t *from, uint64_t *until,
                                        struct varve_error *error)
{
    bool all = arguments_has(arguments, "all"), one = arguments_has(arguments, "at");
    bool below = arguments_has(arguments, "below");
    enum varve_status status = VARVE_OK;

    *from = 0;
    *until = INT64_MAX;
    if (all + one + below != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments", "say which: one of --all, --at VERSION or "
                          "--below VERSION");
    if (one) {
        status = arguments_uint(arguments, "at", INT64_MAX, from, error);
        *until = *from;
    }
    if (below) {
        status = arguments_uint(arguments, "below", INT64_MAX, until, error);
        if (status == VARVE_OK && *until == 0)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "below", "there is no version below 0");
        *until -= status == VARVE_OK;
    }
    return status;
}

static int run_delete(struct cli *cli)
{
    uint64_t from, until, count = 0;
    struct origin origin = { 0 };
    struct varve_error error;
    struct text object = { 0 };

    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK)
        status = parse_versions(&cli->arguments, &from, &until, &error);
    if (status == VARVE_OK)
        status = open_origin(cli, &origin, &error);
    if (status == VARVE_OK)
        status = origin.source->call->remove(origin.source, varve_view_str(cli->arguments.words[0]), (int64_t)from,
                                             (int64_t)until, &count, &error);
    close_origin(&origin);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE) {
        printf("deleted %" PRIu64 " snapshot%s of %s\n", count, count == 1 ? "" : "s", cli->arguments.words[0]);
        return CLI_OK;
    }
    text_add_str(&object, "{");
    text_member(&object, "stream", varve_view_str(cli->arguments.words[0]));
    text_member_uint(&object, "deleted", count);
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
    return CLI_OK;
}

const struct command command_snapshot_delete = {
    .name = "snapshot delete",
    .arguments = "STREAM --all | --at VERSION | --below VERSION",
    .summary = "delete snapshots of a stream",
    .details = "The events stay: a snapshot can be built again at any time.",
    .options = delete_options,
    .examples = "  varve snapshot delete order-42 --all\n  varve snapshot delete order-42 --below 100\n",
    .run = run_delete,
};
