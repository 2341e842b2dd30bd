/* cmd_parked.c - `varve parked ls|show|replay|discard`: the events that a consumer group has set aside. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "event_printer.h"
#include "group_text.h"
#include "listing.h"
#include "timestamp.h"

#define PAGE 1000u /* entries asked for at a time */

static struct varve_view group_of(const struct cli *cli)
{
    return varve_view_str(cli->arguments.words[0]);
}

static enum varve_status parse_position(const char *text, uint64_t *ret_position, struct varve_error *error)
{
    if (option_parse_uint(text, UINT64_MAX, ret_position) && *ret_position > 0)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "position", "POSITION must be that of an event (1, 2, 3, ...), "
                      "not \"%s\"", text);
}

/* ---- parked ls --------------------------------------------------------------------------------------------------- */

static const struct option_spec ls_options[] = {
    { "limit", 'n', "N", "at most so many" },
    { "after", 'f', "POSITION", "only those behind this position" },
    { NULL, 0, NULL, NULL },
};

static const struct table_column ls_columns[] = {
    { "position", true, 0 }, { "stream@version", false, 2 }, { "type", false, 2 }, { "attempts", true, 0 },
    { "reason", false, 0 }, { "parked_at", false, 0 }, { "last_error", false, 1 },
};

struct lister {
    struct cli *cli;
    uint64_t after;
};

static void print_entry(struct listing *listing, const struct varve_parked_event *parked)
{
    char parked_at[TIMESTAMP_TEXT];

    if (listing->table == NULL) {
        group_format_parked(&listing->text, parked);
        output_list_object(listing->output, &listing->text);
        return;
    }
    timestamp_format_short(parked->parked_at_us, parked_at);
    table_cellf(listing->table, "%" PRIu64, parked->position);
    text_clear(&listing->text);
    text_add(&listing->text, parked->stream);
    text_printf(&listing->text, "@%" PRIu64, parked->version);
    table_cell(listing->table, text_view(&listing->text));
    table_cell(listing->table, parked->type);
    table_cellf(listing->table, "%" PRIu32, parked->attempts);
    table_cell(listing->table, parked->replaying ? varve_view_str("replaying") : parked->reason);
    table_cell(listing->table, varve_view_str(parked_at));
    table_cell(listing->table, parked->last_error.data != NULL ? parked->last_error : varve_view_str(""));
    table_row_end(listing->table);
}

static enum varve_status list_page(void *user, struct listing *listing, uint32_t limit, size_t *ret_count,
                                   bool *ret_end, struct varve_error *error)
{
    struct lister *lister = user;
    const struct varve_parked_event *events = NULL;
    enum varve_status status = varve_client_parked_list(backend_client(lister->cli->backend), group_of(lister->cli),
                                                        lister->after, limit, &events, ret_count, ret_end, error);

    if (status != VARVE_OK)
        return status;
    listing_begin(listing);
    for (size_t i = 0; i < *ret_count; i++)
        print_entry(listing, &events[i]);
    if (*ret_count > 0)
        lister->after = events[*ret_count - 1].position;
    return VARVE_OK;
}

static int run_ls(struct cli *cli)
{
    struct listing listing = { .output = &cli->output, .columns = ls_columns,
                               .column_count = sizeof(ls_columns) / sizeof(ls_columns[0]), .page = PAGE,
                               .left = UINT64_MAX };
    struct lister lister = { .cli = cli };
    struct varve_error error;

    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK)
        status = arguments_limit(&cli->arguments, UINT64_MAX, &listing.left, &error);
    if (status == VARVE_OK)
        status = arguments_uint(&cli->arguments, "after", UINT64_MAX - 1, &lister.after, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = listing_run(&listing, list_page, &lister, &error);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_parked_ls = {
    .name = "parked ls",
    .arguments = "GROUP",
    .summary = "list the events a consumer group has set aside",
    .details = "Oldest first. A group parks an event that failed too often, or that a consumer asked it to park; the\n"
               "events behind it go on.",
    .options = ls_options,
    .examples = "  varve parked ls mails\n  varve parked ls mails --limit 20 -o ndjson | jq -r .last_error\n",
    .run = run_ls,
};

/* ---- parked show ------------------------------------------------------------------------------------------------- */

static const struct option_spec show_options[] = { { NULL, 0, NULL, NULL } };

static enum varve_status find_parked(struct cli *cli, uint64_t position, const struct varve_parked_event **ret_parked,
                                     struct varve_error *error)
{
    size_t count = 0;
    bool end;
    enum varve_status status = varve_client_parked_list(backend_client(cli->backend), group_of(cli), position - 1, 1,
                                                        ret_parked, &count, &end, error);

    if (status == VARVE_OK && (count == 0 || (*ret_parked)->position != position))
        return varve_fail(error, VARVE_EVENT_NOT_FOUND, "position", "the event at position %" PRIu64 " is not parked",
                          position);
    return status;
}

/* The entry and below it the event; or the entry's object with the event as a member. The entry lives until the event
 * is asked for, so it is written first. */
static enum varve_status show(struct cli *cli, uint64_t position, struct varve_error *error)
{
    const struct varve_parked_event *parked = NULL;
    struct varve_event event;
    struct event_printer printer;
    struct text object = { 0 };
    bool table = cli->output.format == OUTPUT_TABLE;
    enum varve_status status = find_parked(cli, position, &parked, error);

    if (status == VARVE_OK && table)
        group_print_parked(&cli->output, parked);
    else if (status == VARVE_OK)
        group_format_parked(&object, parked);
    if (status == VARVE_OK)
        status = cli->backend->call->get(cli->backend, position, &event, error);
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
    struct varve_error error;
    uint64_t position = 0;

    enum varve_status status = cli_words(cli, 2, 2, &error);
    if (status == VARVE_OK)
        status = parse_position(cli->arguments.words[1], &position, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = show(cli, position, &error);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

const struct command command_parked_show = {
    .name = "parked show",
    .arguments = "GROUP POSITION",
    .summary = "show a parked event and why it was parked",
    .details = "",
    .options = show_options,
    .examples = "  varve parked show mails 4711\n  varve parked show mails 4711 -o json | jq .event.data\n",
    .run = run_show,
};

/* ---- parked replay, parked discard ------------------------------------------------------------------------------- */

#define WHICH_OPTIONS \
    { "all", 'a', NULL, "all of them" }, \
    { "limit", 'n', "N", "the oldest N of them" }

struct which {
    uint64_t position; /* 0: the oldest `limit`, */
    uint32_t limit;    /* 0: all */
};

static enum varve_status parse_which(struct cli *cli, struct which *which, struct varve_error *error)
{
    bool all = arguments_has(&cli->arguments, "all"), some = arguments_has(&cli->arguments, "limit");
    uint64_t limit = 0;
    enum varve_status status = cli_words(cli, 1, 2, error);

    if (status != VARVE_OK)
        return status;
    bool one = cli->arguments.word_count == 2;
    if (all + some + one != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments", "say which: one of POSITION, --limit N or --all");
    if (one)
        return parse_position(cli->arguments.words[1], &which->position, error);
    status = arguments_limit(&cli->arguments, UINT32_MAX, &limit, error);
    which->limit = (uint32_t)limit;
    return status;
}

/* `done` in the past tense. */
static int print_count(struct cli *cli, const char *done, uint32_t count)
{
    struct text object = { 0 };

    if (cli->output.format == OUTPUT_TABLE) {
        printf("%s %" PRIu32 " event%s of %s\n", done, count, count == 1 ? "" : "s", cli->arguments.words[0]);
        return CLI_OK;
    }
    text_add_str(&object, "{");
    text_member(&object, "group", group_of(cli));
    text_member_uint(&object, done, count);
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
    return CLI_OK;
}

static const struct option_spec replay_options[] = { WHICH_OPTIONS, { NULL, 0, NULL, NULL } };

static int run_replay(struct cli *cli)
{
    struct which which = { 0 };
    struct varve_error error;
    uint32_t count = 0;

    enum varve_status status = parse_which(cli, &which, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_parked_replay(backend_client(cli->backend), group_of(cli), which.position, which.limit,
                                            &count, &error);
    return status == VARVE_OK ? print_count(cli, "replayed", count) : cli_fail(cli, &error);
}

const struct command command_parked_replay = {
    .name = "parked replay",
    .arguments = "GROUP POSITION | --limit N | --all",
    .summary = "hand parked events to the consumers again",
    .details = "What fails again is parked again. The group's checkpoint does not move.",
    .options = replay_options,
    .examples = "  varve parked replay mails 4711\n  varve parked replay mails --limit 100\n"
                "  varve parked replay mails --all\n",
    .run = run_replay,
};

static const struct option_spec discard_options[] = {
    WHICH_OPTIONS,
    { "reason", 0, "TEXT", "why, for the record" },
    { NULL, 0, NULL, NULL },
};

static int run_discard(struct cli *cli)
{
    struct which which = { 0 };
    struct varve_error error;
    uint32_t count = 0;

    enum varve_status status = parse_which(cli, &which, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_parked_discard(backend_client(cli->backend), group_of(cli), which.position, which.limit,
                                             varve_view_str(arguments_text(&cli->arguments, "reason")), &count,
                                             &error);
    return status == VARVE_OK ? print_count(cli, "discarded", count) : cli_fail(cli, &error);
}

const struct command command_parked_discard = {
    .name = "parked discard",
    .arguments = "GROUP POSITION | --limit N | --all [--reason TEXT]",
    .summary = "forget parked events",
    .details = "The events themselves stay in their streams; that they were discarded is an event, too.",
    .options = discard_options,
    .examples = "  varve parked discard mails 4711 --reason 'the customer is gone'\n"
                "  varve parked discard mails --all\n",
    .run = run_discard,
};
