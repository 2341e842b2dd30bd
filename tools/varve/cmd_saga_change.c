/* cmd_saga_change.c - `varve saga begin|step|compensate|complete|fail|archive`: one transition of one saga. */
#include <inttypes.h>

#include "commands.h"
#include "data_argument.h"
#include "saga_text.h"
#include "varve/state.h"

#define EXPECTED_OPTION \
    { "expected", 'e', "VERSION", "the version this was decided on; default: whatever it is at" }
#define STATE_OPTIONS \
    { "content-type", 0, "TYPE", "of STATE: application/json (default), application/msgpack or " \
                                 "application/octet-stream" }, \
    { "event-id", 0, "UUID", "of the event; repeating the change with it, and with the same deadline, is safe" }, \
    { "correlation-id", 0, "UUID", "what it belongs to" }, \
    { "causation-id", 0, "UUID", "the event that caused it" }
#define DEADLINE_OPTION \
    { "deadline", 0, "TIME", "time out then: RFC 3339, or so long from now (30s, 2h)" }

static const struct option_spec begin_options[] = {
    { "step", 0, "STEP", "the step it begins with" }, DEADLINE_OPTION, STATE_OPTIONS, { NULL, 0, NULL, NULL },
};
static const struct option_spec step_options[] = {
    EXPECTED_OPTION, DEADLINE_OPTION, STATE_OPTIONS, { NULL, 0, NULL, NULL },
};
static const struct option_spec compensate_options[] = {
    { "error", 0, "TEXT", "why" }, EXPECTED_OPTION, DEADLINE_OPTION, STATE_OPTIONS, { NULL, 0, NULL, NULL },
};
static const struct option_spec complete_options[] = { EXPECTED_OPTION, STATE_OPTIONS, { NULL, 0, NULL, NULL } };
static const struct option_spec fail_options[] = {
    { "error", 0, "TEXT", "why" }, EXPECTED_OPTION, STATE_OPTIONS, { NULL, 0, NULL, NULL },
};
static const struct option_spec archive_options[] = { EXPECTED_OPTION, { NULL, 0, NULL, NULL } };

/* What a command says of its action. */
struct shape {
    const struct command *command;
    enum varve_saga_action action;
    bool takes_step;  /* a word */
    bool takes_state; /* a word that may be left out */
    const char *done; /* "order/17 <done> at version 2" */
};
static const struct shape shapes[] = {
    { &command_saga_begin, VARVE_SAGA_BEGIN, false, true, "begun" },
    { &command_saga_step, VARVE_SAGA_STEP, true, true, "stepped" },
    { &command_saga_compensate, VARVE_SAGA_COMPENSATE, true, true, "compensating" },
    { &command_saga_complete, VARVE_SAGA_COMPLETE, false, true, "completed" },
    { &command_saga_fail, VARVE_SAGA_FAIL, false, true, "failed" },
    { &command_saga_archive, VARVE_SAGA_ARCHIVE, false, false, "archived" },
};

static const struct shape *shape_of(const struct cli *cli)
{
    const struct shape *shape = shapes;

    while (shape->command != cli->command)
        shape++;
    return shape;
}

static bool may_have(const struct cli *cli, const char *name)
{
    for (const struct option_spec *spec = cli->command->options; spec->name != NULL; spec++)
        if (varve_view_equal(varve_view_str(spec->name), varve_view_str(name)))
            return true;
    return false;
}

static enum varve_status parse_expected(const struct arguments *arguments, int64_t *ret_expected,
                                        struct varve_error *error)
{
    const char *text = arguments_text(arguments, "expected");
    uint64_t version;

    if (text == NULL)
        return VARVE_OK;
    if (!option_parse_uint(text, INT64_MAX, &version))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "expected", "--expected must be a version (0, 1, 2, ...), not "
                          "\"%s\"", text);
    *ret_expected = (int64_t)version;
    return VARVE_OK;
}

static enum varve_status parse_state_options(const struct arguments *arguments, struct varve_saga_change *change,
                                             struct varve_error *error)
{
    const char *content_type = arguments_text(arguments, "content-type");

    if (content_type != NULL && !varve_content_type_parse(varve_view_str(content_type), &change->content_type))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "content-type",
                          "--content-type must be application/json, application/msgpack or "
                          "application/octet-stream, not \"%.64s\"", content_type);
    enum varve_status status = arguments_uuid(arguments, "event-id", &change->event_id, error);
    if (status == VARVE_OK)
        status = arguments_uuid(arguments, "correlation-id", &change->correlation_id, error);
    if (status == VARVE_OK)
        status = arguments_uuid(arguments, "causation-id", &change->causation_id, error);
    return status;
}

static enum varve_status parse_options(const struct cli *cli, struct varve_saga_change *change,
                                       struct varve_error *error)
{
    const struct arguments *arguments = &cli->arguments;
    enum varve_status status = VARVE_OK;

    if (may_have(cli, "expected"))
        status = parse_expected(arguments, &change->expected, error);
    if (status == VARVE_OK && may_have(cli, "deadline") && arguments_has(arguments, "deadline"))
        status = saga_deadline_parse(arguments_text(arguments, "deadline"), &change->deadline_us, error);
    if (may_have(cli, "step"))
        change->step = varve_view_str(arguments_text(arguments, "step"));
    if (may_have(cli, "error"))
        change->error = varve_view_str(arguments_text(arguments, "error"));
    if (status == VARVE_OK && may_have(cli, "content-type"))
        status = parse_state_options(arguments, change, error);
    return status;
}

/* TYPE ID [STEP] [STATE] */
static enum varve_status parse_words(const struct cli *cli, const struct shape *shape, struct text *state,
                                     struct varve_saga_change *change, struct varve_error *error)
{
    const struct arguments *arguments = &cli->arguments;
    size_t needed = shape->takes_step ? 3 : 2;
    enum varve_status status = cli_words(cli, needed, needed + shape->takes_state, error);

    if (status != VARVE_OK)
        return status;
    change->type = varve_view_str(arguments->words[0]);
    change->id = varve_view_str(arguments->words[1]);
    if (shape->takes_step)
        change->step = varve_view_str(arguments->words[2]);
    if (arguments->word_count == needed)
        return VARVE_OK;
    change->has_state = true;
    status = data_argument_read(arguments->words[needed], state, error);
    change->state = text_view(state);
    return status;
}

static int print_done(struct cli *cli, const struct shape *shape, int64_t version, uint64_t position)
{
    struct text object = { 0 };

    if (cli->output.format == OUTPUT_TABLE) {
        printf("%s/%s %s at version %" PRId64 ", position %" PRIu64 "\n", cli->arguments.words[0],
               cli->arguments.words[1], shape->done, version, position);
        return CLI_OK;
    }
    text_add_str(&object, "{");
    text_member(&object, "type", varve_view_str(cli->arguments.words[0]));
    text_member(&object, "saga_id", varve_view_str(cli->arguments.words[1]));
    text_member(&object, "change", varve_view_str(varve_saga_action_name(shape->action)));
    text_member_int(&object, "version", version);
    text_member_uint(&object, "position", position);
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
    return CLI_OK;
}

static int run_change(struct cli *cli)
{
    const struct shape *shape = shape_of(cli);
    struct varve_saga_change change;
    struct varve_error error;
    struct text state = { 0 };
    int64_t version;
    uint64_t position;

    varve_saga_change_init(&change);
    change.action = shape->action;
    enum varve_status status = parse_words(cli, shape, &state, &change, &error);
    if (status == VARVE_OK)
        status = parse_options(cli, &change, &error);
    if (status == VARVE_OK)
        status = varve_saga_change_check(&change, "saga", &error); /* before a server is asked */
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_saga_change(backend_client(cli->backend), &change, &version, &position, &error);
    text_free(&state);
    return status == VARVE_OK ? print_done(cli, shape, version, position) : cli_fail(cli, &error);
}

#define STATE_DETAILS "STATE is the new state itself, - for standard input, or @FILE; without it the state stays."
#define EXPECTED_DETAILS "\nWith --expected it is refused (exit code 3) unless the saga is at that version."

const struct command command_saga_begin = {
    .name = "saga begin",
    .arguments = "TYPE ID [STATE|-|@FILE]",
    .summary = "begin a saga",
    .details = "A type and id can be begun once, for ever. STATE is the state itself, - for standard input, or @FILE.",
    .options = begin_options,
    .examples = "  varve saga begin order 17 '{\"total\": 99}' --step reserve_inventory --deadline 30s\n",
    .run = run_change,
};

const struct command command_saga_step = {
    .name = "saga step",
    .arguments = "TYPE ID STEP [STATE|-|@FILE]",
    .summary = "take a saga to its next step",
    .details = STATE_DETAILS "\nThe deadline of the step before it no longer holds." EXPECTED_DETAILS,
    .options = step_options,
    .examples = "  varve saga step order 17 charge_payment --expected 0 --deadline 5m\n",
    .run = run_change,
};

const struct command command_saga_compensate = {
    .name = "saga compensate",
    .arguments = "TYPE ID STEP [STATE|-|@FILE]",
    .summary = "begin, or go on, to undo what a saga did",
    .details = STATE_DETAILS EXPECTED_DETAILS,
    .options = compensate_options,
    .examples = "  varve saga compensate order 17 release_inventory --error 'card declined'\n",
    .run = run_change,
};

const struct command command_saga_complete = {
    .name = "saga complete",
    .arguments = "TYPE ID [STATE|-|@FILE]",
    .summary = "end a saga well",
    .details = STATE_DETAILS EXPECTED_DETAILS,
    .options = complete_options,
    .examples = "  varve saga complete order 17 --expected 2\n",
    .run = run_change,
};

const struct command command_saga_fail = {
    .name = "saga fail",
    .arguments = "TYPE ID [STATE|-|@FILE]",
    .summary = "end a saga that failed, compensated or not",
    .details = STATE_DETAILS EXPECTED_DETAILS,
    .options = fail_options,
    .examples = "  varve saga fail order 17 --error 'card declined, inventory released'\n",
    .run = run_change,
};

const struct command command_saga_archive = {
    .name = "saga archive",
    .arguments = "TYPE ID",
    .summary = "take a finished saga out of the table",
    .details = "It is neither listed nor counted any more; its history stays in the log." EXPECTED_DETAILS,
    .options = archive_options,
    .examples = "  varve saga archive order 17\n"
                "  varve saga ls order --status completed -o ndjson | jq -r .saga_id |\n"
                "      while read id; do varve saga archive order \"$id\"; done\n",
    .run = run_change,
};
