/* cmd_outbox_move.c - `varve outbox rewind|reset|replay`: what is sent again, or left out. */
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "outbox_choice.h"
#include "outbox_text.h"
#include "progress.h"

#define YES_OPTION { "yes", 'y', NULL, "do not ask" }
#define REASON_OPTION { "reason", 0, "TEXT", "why, for the record" }

static const char *one_or_many(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* From `position` on, as far as the outbox had come. */
static void describe_move(const char *name, uint64_t before, uint64_t after, char *ret, size_t room)
{
    char from[32], to[32], count[32];

    format_count(before, from);
    format_count(after, to);
    if (after < before)
        snprintf(ret, room,
                 "The checkpoint of %s goes back from position %s to %s: up to %s event%s will be sent again", name,
                 from, to, format_count(before - after, count), one_or_many(before - after));
    else if (after > before)
        snprintf(ret, room,
                 "The checkpoint of %s goes forward from position %s to %s: up to %s event%s will never be sent", name,
                 from, to, format_count(after - before, count), one_or_many(after - before));
    else
        snprintf(ret, room, "The checkpoint of %s stays at position %s and is written anew", name, from);
}

static enum varve_status reset(struct cli *cli, const char *name, struct varve_outbox_order *order, const char *what,
                               struct varve_outbox_order_result *ret, struct varve_error *error)
{
    enum varve_status status = outbox_confirm(cli, what, error);

    order->action = VARVE_OUTBOX_RESET;
    order->reason = varve_view_str(arguments_text(&cli->arguments, "reason"));
    return status == VARVE_OK ? outbox_order(cli, name, order, ret, error) : status;
}

static void print_moved(struct cli *cli, const char *name, const struct varve_outbox_order_result *result)
{
    char line[80];

    snprintf(line, sizeof(line), "its checkpoint is at position %" PRIu64 " now", result->position);
    outbox_print_done(cli, name, VARVE_OUTBOX_RESET, result, line);
}

/* ---- rewind ------------------------------------------------------------------------------------------------------ */

static const struct option_spec rewind_options[] = {
    { "to", 't', "POSITION", "the last event that counts as published; 0: none" },
    REASON_OPTION, YES_OPTION, { NULL, 0, NULL, NULL },
};

static enum varve_status rewind_outbox(struct cli *cli, const char *name, struct varve_outbox_order *order,
                                       struct varve_outbox_order_result *ret, struct varve_error *error)
{
    const struct varve_outbox_entry *entry = NULL;
    char what[256];
    enum varve_status status = outbox_look(cli, name, &entry, error);

    if (status != VARVE_OK)
        return status;
    if (order->position > outbox_figure(entry, "position"))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "to", "the checkpoint is at position %" PRIu64 ", and rewind "
                          "only goes back; `varve outbox reset --from %" PRIu64 "` leaves events out",
                          outbox_figure(entry, "position"), order->position);
    describe_move(name, outbox_figure(entry, "position"), order->position, what, sizeof(what));
    return reset(cli, name, order, what, ret, error);
}

static int run_rewind(struct cli *cli)
{
    struct varve_outbox_order order = { .reset_to = VARVE_RESET_POSITION };
    struct varve_outbox_order_result result;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = outbox_parse_position("to", arguments_text(&cli->arguments, "to"), 0, &order.position, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), name, &error);
    if (status == VARVE_OK)
        status = rewind_outbox(cli, name, &order, &result, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    print_moved(cli, name, &result);
    return CLI_OK;
}

const struct command command_outbox_rewind = {
    .name = "outbox rewind",
    .arguments = "[NAME] --to POSITION",
    .summary = "publish everything behind a position again",
    .details = "For a topic that was lost. Consumers get the events a second time, without a mark; `varve outbox\n"
               "replay` sends some again beside the others, marked. Asks on a terminal; elsewhere say --yes.",
    .options = rewind_options,
    .examples = "  varve outbox rewind kafka --to 0\n"
                "  varve outbox rewind --to 4711 --yes --reason 'topic recreated'\n",
    .run = run_rewind,
};

/* ---- reset ------------------------------------------------------------------------------------------------------- */

static const struct option_spec reset_options[] = {
    { "from", 'f', "WHERE", "kafka-tail, hint, start, end, or a position" },
    REASON_OPTION, YES_OPTION, { NULL, 0, NULL, NULL },
};

static enum varve_status parse_from(const char *text, const struct varve_outbox_entry *entry,
                                    struct varve_outbox_order *order, struct varve_error *error)
{
    if (strcmp(text, "kafka-tail") == 0)
        order->reset_to = VARVE_RESET_KAFKA_TAIL;
    else if (strcmp(text, "hint") == 0)
        order->reset_to = VARVE_RESET_HINT;
    else if (strcmp(text, "end") == 0)
        order->position = outbox_figure(entry, "head_position");
    else if (strcmp(text, "start") != 0 && !option_parse_uint(text, UINT64_MAX - 1, &order->position))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "from", "--from must be kafka-tail, hint, start, end or a "
                          "position, not \"%s\"", text);
    return VARVE_OK;
}

static void describe_reset(const char *name, const struct varve_outbox_entry *entry,
                           const struct varve_outbox_order *order, char *ret, size_t room)
{
    if (order->reset_to == VARVE_RESET_KAFKA_TAIL)
        snprintf(ret, room, "The checkpoint of %s goes to the highest position found in the ends of its topics: what "
                 "Kafka lacks below it will never be sent, what is behind it will be", name);
    else if (order->reset_to == VARVE_RESET_HINT)
        snprintf(ret, room, "The checkpoint of %s goes to the newest one that the log remembers, up to a second old: "
                 "what was published since will be sent again", name);
    else
        describe_move(name, outbox_figure(entry, "position"), order->position, ret, room);
}

static enum varve_status reset_outbox(struct cli *cli, const char *name, struct varve_outbox_order_result *ret,
                                      struct varve_error *error)
{
    struct varve_outbox_order order = { .reset_to = VARVE_RESET_POSITION };
    const struct varve_outbox_entry *entry = NULL;
    char what[320];
    enum varve_status status = outbox_look(cli, name, &entry, error);

    if (status == VARVE_OK)
        status = parse_from(arguments_text(&cli->arguments, "from"), entry, &order, error);
    if (status != VARVE_OK)
        return status;
    describe_reset(name, entry, &order, what, sizeof(what));
    return reset(cli, name, &order, what, ret, error);
}

static int run_reset(struct cli *cli)
{
    struct varve_outbox_order_result result;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK && !arguments_has(&cli->arguments, "from"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "from", "--from is needed: kafka-tail, hint, start, end or "
                            "a position");
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), name, &error);
    if (status == VARVE_OK)
        status = reset_outbox(cli, name, &result, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    print_moved(cli, name, &result);
    return CLI_OK;
}

const struct command command_outbox_reset = {
    .name = "outbox reset",
    .arguments = "[NAME] --from WHERE",
    .summary = "say where an outbox is to go on, whatever its checkpoint says",
    .details = "For an outbox that is HALTED because its checkpoint is missing, older than it was, or of another\n"
               "log. kafka-tail looks into the topics; hint takes what the log remembers. It goes on at once, unless\n"
               "it is paused. Asks on a terminal; elsewhere say --yes.",
    .options = reset_options,
    .examples = "  varve outbox reset kafka --from kafka-tail\n  varve outbox reset kafka --from end --yes\n",
    .run = run_reset,
};

/* ---- replay ------------------------------------------------------------------------------------------------------ */

static const struct option_spec replay_options[] = {
    { "from", 'f', "POSITION", "the first event" },
    { "to", 't', "POSITION", "the last one; default: the end of the log" },
    { "stream", 0, "STREAM", "only of this stream" },
    { "type", 0, "TYPE", "only of this type" },
    { "no-wait", 0, NULL, "do not wait until they are sent" },
    REASON_OPTION, YES_OPTION, { NULL, 0, NULL, NULL },
};

static enum varve_status parse_replay(const struct arguments *arguments, struct varve_outbox_order *order,
                                      struct varve_error *error)
{
    enum varve_status status = outbox_parse_position("from", arguments_text(arguments, "from"), 1, &order->position,
                                                     error);

    if (status == VARVE_OK && arguments_has(arguments, "to"))
        status = outbox_parse_position("to", arguments_text(arguments, "to"), 1, &order->until, error);
    if (status == VARVE_OK && order->until != 0 && order->until < order->position)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "to", "--to must not be before --from");
    order->action = VARVE_OUTBOX_REPLAY;
    order->stream = varve_view_str(arguments_text(arguments, "stream"));
    order->type = varve_view_str(arguments_text(arguments, "type"));
    order->reason = varve_view_str(arguments_text(arguments, "reason"));
    return status;
}

static void describe_replay(const char *name, const struct varve_outbox_order *order, char *ret, size_t room)
{
    char until[64] = "the end of the log";
    const char *stream = order->stream.data != NULL ? order->stream.data : "";
    const char *type = order->type.data != NULL ? order->type.data : "";

    if (order->until != 0)
        snprintf(until, sizeof(until), "position %" PRIu64, order->until);
    snprintf(ret, room, "%s sends events from position %" PRIu64 " to %s again%s%s%s%s, marked as a replay", name,
             order->position, until, stream[0] != '\0' ? ", of stream " : "", stream,
             type[0] != '\0' ? ", of type " : "", type);
}

/* Until it is not under way any more. */
static enum varve_status wait_for_replay(struct cli *cli, const char *name, uint64_t from,
                                         const struct varve_outbox_order_result *result, struct varve_error *error)
{
    const struct varve_outbox_entry *entry = NULL;
    struct progress progress;
    enum varve_status status = VARVE_OK;
    bool done = false;

    progress_begin(&progress, "positions", result->position >= from ? result->position - from + 1 : 0);
    while (status == VARVE_OK && !done) {
        status = outbox_look(cli, name, &entry, error);
        if (status != VARVE_OK)
            break;
        uint64_t position = outbox_figure(entry, "replay_position");
        done = outbox_figure(entry, "replay_number") != result->count;
        if (!done) {
            progress_show(&progress, position >= from ? position - from + 1 : 0,
                          position >= from ? position - from + 1 : 0);
            status = outbox_goes_on(entry, error);
            outbox_pause_between_looks();
        }
    }
    progress_end(&progress);
    return status;
}

static enum varve_status replay(struct cli *cli, const char *name, const struct varve_outbox_order *order,
                                struct varve_outbox_order_result *ret, struct varve_error *error)
{
    char what[1024];

    describe_replay(name, order, what, sizeof(what));
    enum varve_status status = outbox_confirm(cli, what, error);
    if (status == VARVE_OK)
        status = outbox_order(cli, name, order, ret, error);
    if (status == VARVE_OK && !arguments_has(&cli->arguments, "no-wait"))
        status = wait_for_replay(cli, name, order->position, ret, error);
    return status;
}

static int run_replay(struct cli *cli)
{
    struct varve_outbox_order order = { 0 };
    struct varve_outbox_order_result result;
    char name[VARVE_MAX_OUTBOX_NAME + 1], line[120];
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 1, &error);
    if (status == VARVE_OK)
        status = parse_replay(&cli->arguments, &order, &error);
    if (status == VARVE_OK)
        status = outbox_choose(cli, outbox_given(cli, 0), name, &error);
    if (status == VARVE_OK)
        status = replay(cli, name, &order, &result, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    snprintf(line, sizeof(line), "replay %" PRIu64 " of positions %" PRIu64 " to %" PRIu64 " %s", result.count,
             order.position, result.position, arguments_has(&cli->arguments, "no-wait") ? "begun" : "done");
    outbox_print_done(cli, name, order.action, &result, line);
    return CLI_OK;
}

const struct command command_outbox_replay = {
    .name = "outbox replay",
    .arguments = "[NAME] --from POSITION [--to POSITION]",
    .summary = "send events again, marked, while the others go on",
    .details = "Each message carries the number of the replay in the header v-replay. Survives restarts; sends each\n"
               "event once. The checkpoint does not move. Asks on a terminal; elsewhere say --yes.",
    .options = replay_options,
    .examples = "  varve outbox replay kafka --from 4711 --to 5000\n"
                "  varve outbox replay --from 1 --stream order-42 --yes\n"
                "  varve outbox replay --from 1 --type order.paid --no-wait\n",
    .run = run_replay,
};
