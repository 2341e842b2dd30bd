/* outbox_choice.c - see outbox_choice.h. */
#include "outbox_choice.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "outbox_text.h"

#define BETWEEN_LOOKS_MS 200

const char *outbox_given(const struct cli *cli, size_t index)
{
    return index < cli->arguments.word_count ? cli->arguments.words[index] : NULL;
}

static enum varve_status say_which(const struct varve_outbox_entry *entries, size_t count, struct varve_error *error)
{
    char names[200] = "";
    size_t size = 0;

    for (size_t i = 0; i < count && size < sizeof(names); i++)
        size += (size_t)snprintf(names + size, sizeof(names) - size, "%s%.*s", i == 0 ? "" : ", ",
                                 (int)entries[i].name.size, entries[i].name.data);
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "outbox", "the server has %zu outboxes; say which: %s", count,
                      names);
}

/* The server's only one. */
static enum varve_status choose_only(struct cli *cli, char ret_name[VARVE_MAX_OUTBOX_NAME + 1],
                                     struct varve_error *error)
{
    const struct varve_outbox_entry *entries;
    size_t count;
    enum varve_status status =
        varve_client_outbox_list(backend_client(cli->backend), varve_view_of(NULL, 0), &entries, &count, error);

    if (status != VARVE_OK)
        return status;
    if (count == 0)
        return varve_fail(error, VARVE_OUTBOX_NOT_FOUND, NULL, "the server has no outbox");
    if (count > 1)
        return say_which(entries, count, error);
    snprintf(ret_name, VARVE_MAX_OUTBOX_NAME + 1, "%.*s", (int)entries[0].name.size, entries[0].name.data);
    return VARVE_OK;
}

enum varve_status outbox_choose(struct cli *cli, const char *given, char ret_name[VARVE_MAX_OUTBOX_NAME + 1],
                                struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    if (given != NULL)
        status = varve_check_outbox_name(varve_view_str(given), "outbox", error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, error);
    if (status != VARVE_OK)
        return status;
    if (given == NULL)
        return choose_only(cli, ret_name, error);
    snprintf(ret_name, VARVE_MAX_OUTBOX_NAME + 1, "%s", given);
    return VARVE_OK;
}

enum varve_status outbox_look(struct cli *cli, const char *name, const struct varve_outbox_entry **ret,
                              struct varve_error *error)
{
    size_t count;

    return varve_client_outbox_list(backend_client(cli->backend), varve_view_str(name), ret, &count, error);
}

uint64_t outbox_figure(const struct varve_outbox_entry *entry, const char *name)
{
    return outbox_number(entry->figures, entry->figure_count, name);
}

enum varve_status outbox_goes_on(const struct varve_outbox_entry *entry, struct varve_error *error)
{
    struct varve_view phase = outbox_word(entry->figures, entry->figure_count, "phase");
    struct varve_view halt = outbox_word(entry->figures, entry->figure_count, "halt");

    if (varve_view_equal(phase, varve_view_str("PAUSED")))
        return varve_fail(error, VARVE_OUTBOX_BUSY, NULL, "the outbox is PAUSED, with %" PRIu64 " events to go",
                          outbox_figure(entry, "lag_events"));
    if (varve_view_equal(phase, varve_view_str("HALTED")))
        return varve_fail(error, VARVE_OUTBOX_BUSY, NULL, "the outbox is HALTED (%.*s), with %" PRIu64 " events to go",
                          (int)halt.size, halt.data, outbox_figure(entry, "lag_events"));
    return VARVE_OK;
}

enum varve_status outbox_confirm(const struct cli *cli, const char *what, struct varve_error *error)
{
    char answer[16] = "";

    if (arguments_has(&cli->arguments, "yes"))
        return VARVE_OK;
    if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "yes", "%s: say --yes", what);
    fprintf(stderr, "%s.\nGo on? [y/N] ", what);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return VARVE_OK;
    return varve_fail(error, VARVE_CANCELLED, NULL, "nothing was changed");
}

enum varve_status outbox_order(struct cli *cli, const char *name, const struct varve_outbox_order *order,
                               struct varve_outbox_order_result *ret, struct varve_error *error)
{
    return varve_client_outbox_order(backend_client(cli->backend), varve_view_str(name), order, ret, error);
}

void outbox_print_done(struct cli *cli, const char *name, enum varve_outbox_action action,
                       const struct varve_outbox_order_result *result, const char *line)
{
    struct text object = { 0 };

    if (cli->output.format == OUTPUT_TABLE) {
        fprintf(cli->output.file, "%s: %s\n", name, line);
        return;
    }
    text_add_str(&object, "{");
    text_member(&object, "outbox", varve_view_str(name));
    text_member(&object, "action", varve_view_str(varve_outbox_action_name(action)));
    text_member_uint(&object, "position", result->position);
    text_member_uint(&object, "count", result->count);
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
}

enum varve_status outbox_parse_position(const char *option, const char *text, uint64_t min, uint64_t *ret,
                                        struct varve_error *error)
{
    if (text == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, option, "--%s POSITION is needed", option);
    if (option_parse_uint(text, UINT64_MAX - 1, ret) && *ret >= min)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, option, "--%s must be a position (%s), not \"%s\"", option,
                      min == 0 ? "0, 1, 2, ..." : "1, 2, 3, ...", text);
}

void outbox_pause_between_looks(void)
{
    poll(NULL, 0, BETWEEN_LOOKS_MS);
}
