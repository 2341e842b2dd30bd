/* cmd_read.c - `varve read`: events in order, for people or for programs. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "event_printer.h"
#include "varve/uuid.h"

static const struct option_spec options[] = {
    { "all", 'a', NULL, "the events of all streams" },
    { "category", 'c', "NAME", "of the streams NAME-..." },
    { "type", 't', "TYPE", "of this type" },
    { "correlation", 0, "UUID", "with this correlation id" },
    { "id", 0, "UUID", "the one event with this id" },
    { "from", 'f', "N", "from this version on (of a stream) or position (else), itself included" },
    { "limit", 'n', "N", "at most so many" },
    { "since", 0, "TIME", "recorded at or after TIME" },
    { "until", 0, "TIME", "recorded before TIME" },
    { "backwards", 'b', NULL, "newest first" },
    { "system", 0, NULL, "also the events of system streams ($...)" },
    { NULL, 0, NULL, NULL },
};

/* Exactly one of STREAM, --all, --category, --type, --correlation, --id says what is read. */
static enum varve_status parse_what(const struct arguments *arguments, struct varve_read *read,
                                    struct varve_error *error)
{
    static const char *const names[] = { "all", "category", "type", "correlation", "id" };
    size_t given = arguments->word_count;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        given += arguments_has(arguments, names[i]);
    if (given != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "arguments",
                          "give one of STREAM, --all, --category, --type, --correlation or --id%s",
                          given > 1 ? ", not several" : "");
    if (arguments->word_count == 1) {
        read->kind = VARVE_READ_STREAM;
        read->name = varve_view_str(arguments->words[0]);
    } else if (arguments_has(arguments, "category")) {
        read->kind = VARVE_READ_CATEGORY;
        read->name = varve_view_str(arguments_text(arguments, "category"));
    } else if (arguments_has(arguments, "type")) {
        read->kind = VARVE_READ_TYPE;
        read->name = varve_view_str(arguments_text(arguments, "type"));
    } else if (arguments_has(arguments, "correlation")) {
        read->kind = VARVE_READ_CORRELATION;
    }
    return arguments_uuid(arguments, "correlation", &read->correlation_id, error);
}

static enum varve_status parse_read(const struct arguments *arguments, struct varve_read *read,
                                    struct varve_error *error)
{
    enum varve_status status = parse_what(arguments, read, error);

    read->backwards = arguments_has(arguments, "backwards");
    read->include_system = arguments_has(arguments, "system");
    if (status == VARVE_OK)
        status = arguments_uint(arguments, "from", VARVE_FROM_EDGE - 1, &read->from, error);
    if (status == VARVE_OK)
        status = arguments_limit(arguments, UINT64_MAX, &read->limit, error);
    if (status == VARVE_OK)
        status = arguments_moment(arguments, "since", &read->since_us, error);
    if (status == VARVE_OK)
        status = arguments_moment(arguments, "until", &read->until_us, error);
    return status;
}

static enum varve_status print_events(struct cli *cli, struct event_printer *printer, struct varve_error *error)
{
    const struct varve_event *event = NULL;
    enum varve_status status;

    do {
        status = cli->backend->call->read_next(cli->backend, &event, error);
        if (status == VARVE_OK && event != NULL)
            event_printer_event(printer, event);
    } while (status == VARVE_OK && event != NULL && output_works(&cli->output));
    return status;
}

static int read_events(struct cli *cli, const struct varve_read *read)
{
    struct event_printer printer;
    struct varve_error error;
    enum varve_status status = cli->backend->call->read_open(cli->backend, read, &error);

    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    /* A server answers with the first batch only; a stream that is not there must leave no half-printed table. */
    const struct varve_event *first = NULL;
    status = cli->backend->call->read_next(cli->backend, &first, &error);
    if (status != VARVE_OK) {
        cli->backend->call->read_close(cli->backend);
        return cli_fail(cli, &error);
    }
    event_printer_begin(&printer, &cli->output);
    if (first != NULL) {
        event_printer_event(&printer, first);
        status = print_events(cli, &printer, &error);
    }
    event_printer_end(&printer);
    cli->backend->call->read_close(cli->backend);
    return status == VARVE_OK ? CLI_OK : cli_fail(cli, &error);
}

static int read_one(struct cli *cli, const struct varve_uuid *id)
{
    struct event_printer printer;
    struct varve_event event;
    struct varve_error error;
    uint64_t position = 0;
    char text[VARVE_UUID_TEXT];

    enum varve_status status = cli->backend->call->find(cli->backend, id, 1, &position, &error);
    if (status == VARVE_OK && position == 0) {
        varve_uuid_format(id, text);
        status = varve_fail(&error, VARVE_EVENT_NOT_FOUND, "id", "no event has the id %s", text);
    }
    if (status == VARVE_OK)
        status = cli->backend->call->get(cli->backend, position, &event, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    event_printer_begin(&printer, &cli->output);
    event_printer_event(&printer, &event);
    event_printer_end(&printer);
    return CLI_OK;
}

static int run(struct cli *cli)
{
    struct varve_read read;
    struct varve_uuid id = { { 0 } };
    struct varve_error error;

    varve_read_init(&read);
    enum varve_status status = arguments_words(&cli->arguments, 0, 1, "read STREAM", &error);
    if (status == VARVE_OK)
        status = parse_read(&cli->arguments, &read, &error);
    if (status == VARVE_OK)
        status = arguments_uuid(&cli->arguments, "id", &id, &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    return varve_uuid_is_nil(&id) ? read_events(cli, &read) : read_one(cli, &id);
}

const struct command command_read = {
    .name = "read",
    .arguments = "STREAM | --all | --category NAME | --type TYPE | --correlation UUID | --id UUID",
    .summary = "read events in order",
    .details = "TIME is RFC 3339 (2024-05-01T12:00:00Z), a date, or how long ago (10m, 2h, 1d12h).\n"
               "-o ndjson prints one event a line, whole, in the form `varve import` takes: this is the export.",
    .options = options,
    .examples = "  varve read order-42\n"
                "  varve read --all --backwards --limit 20\n"
                "  varve read --category order --since 2h\n"
                "  varve read --type order.paid --from 4711 -o ndjson | jq .data.total\n"
                "  varve read --all -o ndjson > backup.ndjson\n",
    .run = run,
};
