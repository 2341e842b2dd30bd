/* cmd_append.c - `varve append`: one event to one stream. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "data_argument.h"
#include "event_check.h"
#include "varve/uuid.h"

static const struct option_spec options[] = {
    { "expected", 'e', "VERSION", "any (default), no_stream, stream_exists, or the version last seen" },
    { "id", 0, "UUID", "of the event; repeating an append with its id stores nothing twice" },
    { "time", 't', "TIME", "when it happened, RFC 3339" },
    { "correlation-id", 0, "UUID", "what it belongs to" },
    { "causation-id", 0, "UUID", "the event that caused it" },
    { "user-id", 0, "TEXT", "on whose behalf" },
    { "source", 0, "TEXT", "the service that writes it" },
    { "class", 0, "CLASS", "domain (default), integration or realtime" },
    { "schema-version", 0, "N", "of the data; default 1" },
    { "metadata", 0, "JSON", "about the event, for programs" },
    { "content-type", 0, "TYPE", "application/json (default), application/msgpack or application/octet-stream" },
    { NULL, 0, NULL, NULL },
};

static enum varve_status parse_names(const struct arguments *arguments, struct varve_event *event,
                                     struct varve_error *error)
{
    const char *class_name = arguments_text(arguments, "class");
    const char *content_type = arguments_text(arguments, "content-type");

    if (class_name != NULL && !varve_class_parse(varve_view_str(class_name), &event->class_))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "class",
                          "--class must be domain, integration or realtime, not \"%.64s\"", class_name);
    if (content_type != NULL && !varve_content_type_parse(varve_view_str(content_type), &event->content_type))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "content-type",
                          "--content-type must be application/json, application/msgpack or "
                          "application/octet-stream, not \"%.64s\"", content_type);
    event->source = varve_view_str(arguments_text(arguments, "source"));
    event->user_id = varve_view_str(arguments_text(arguments, "user-id"));
    event->metadata = varve_view_str(arguments_text(arguments, "metadata"));
    return VARVE_OK;
}

/* An id of our own makes the append repeatable when its answer is lost. */
static void make_id(struct varve_uuid *ret)
{
    const struct varve_os *os = varve_os_default();
    uint8_t random[10];

    if (os->random_bytes(os->self, random, sizeof(random)) >= 0)
        varve_uuid_v7(os->now_us(os->self), random, ret);
}

static enum varve_status parse_event(const struct arguments *arguments, struct varve_event *event,
                                     struct varve_error *error)
{
    uint64_t schema_version = 1;
    enum varve_status status = arguments_uint(arguments, "schema-version", UINT32_MAX, &schema_version, error);

    event->schema_version = (uint32_t)schema_version;
    if (status == VARVE_OK)
        status = arguments_uuid(arguments, "id", &event->id, error);
    if (status == VARVE_OK)
        status = arguments_uuid(arguments, "correlation-id", &event->correlation_id, error);
    if (status == VARVE_OK)
        status = arguments_uuid(arguments, "causation-id", &event->causation_id, error);
    if (status == VARVE_OK)
        status = arguments_time(arguments, "time", &event->time_us, error);
    if (status == VARVE_OK)
        status = parse_names(arguments, event, error);
    if (status == VARVE_OK && varve_uuid_is_nil(&event->id))
        make_id(&event->id);
    return status;
}

static void print_json(struct output *output, const struct varve_append_outcome *outcome,
                       struct varve_view stream, const struct varve_uuid *id)
{
    struct text line = { 0 };

    text_add_str(&line, "{");
    text_member(&line, "stream", stream);
    text_member_int(&line, "version", outcome->results[0].first_version);
    text_member_uint(&line, "position", outcome->results[0].first_position);
    text_member_uuid(&line, "id", id);
    text_member_bool(&line, "replayed", outcome->replayed);
    text_add_str(&line, "}");
    output_object(output, &line);
    text_free(&line);
}

static int append_event(struct cli *cli, const struct varve_event *event, int64_t expected)
{
    struct varve_append_stream stream = { varve_view_str(cli->arguments.words[0]), expected };
    struct varve_append_request request = {
        .streams = &stream, .stream_count = 1, .events = event, .event_count = 1,
    };
    struct varve_append_outcome outcome = { 0 };
    struct varve_error error = { 0 };

    if (cli->backend->call->append(cli->backend, &request, &outcome, &error) != VARVE_OK)
        return cli_fail_append(cli, &outcome, &error);
    if (cli->output.format != OUTPUT_TABLE)
        print_json(&cli->output, &outcome, stream.stream, &event->id);
    else
        printf("%s@%" PRId64 " position %" PRIu64 "%s\n", cli->arguments.words[0], outcome.results[0].first_version,
               outcome.results[0].first_position, outcome.replayed ? " (already there)" : "");
    return CLI_OK;
}

static int run(struct cli *cli)
{
    const struct arguments *arguments = &cli->arguments;
    struct varve_event event = { .time_us = VARVE_TIME_NONE };
    struct text data = { 0 };
    struct varve_error error;
    int64_t expected = VARVE_EXPECTED_ANY;
    int code;

    enum varve_status status = arguments_words(arguments, 2, 3, "append STREAM TYPE [DATA|-|@FILE]", &error);
    if (status == VARVE_OK)
        status = arguments_expected(arguments, "expected", &expected, &error);
    if (status == VARVE_OK)
        status = parse_event(arguments, &event, &error);
    if (status == VARVE_OK && arguments->word_count == 3)
        status = data_argument_read(arguments->words[2], &data, &error);
    if (status == VARVE_OK) {
        event.type = varve_view_str(arguments->words[1]);
        event.data = data.size > 0 ? text_view(&data) : (struct varve_view){ 0 };
        event.stream = varve_view_str(arguments->words[0]);
        status = event_check(&event, &error); /* what is wrong in itself is refused before a store is opened or made */
    }
    if (status == VARVE_OK)
        status = cli_open(cli, true, &error);
    code = status == VARVE_OK ? append_event(cli, &event, expected) : cli_fail(cli, &error);
    text_free(&data);
    return code;
}

const struct command command_append = {
    .name = "append",
    .arguments = "STREAM TYPE [DATA|-|@FILE]",
    .summary = "append one event to a stream",
    .details = "DATA is the event's data itself, - for standard input, or @FILE; none is fine. It is\n"
               "checked to be what the content type says. Prints the event's version in its stream\n"
               "and its position in the store. With --expected the append is refused (exit code 3)\n"
               "unless the stream is at that version.",
    .options = options,
    .examples = "  varve append order-42 order.placed '{\"total\": 99}' --expected no_stream\n"
                "  varve append order-42 order.paid --expected 0 --user-id anna\n"
                "  varve append photo-1 photo.taken @photo.jpg --content-type application/octet-stream\n",
    .run = run,
};
