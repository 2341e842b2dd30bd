/* cmd_group_change.c - `varve group create|update|reset|delete`. */
#include <inttypes.h>
#include <stdlib.h>

#include "commands.h"
#include "follow_options.h"
#include "group_options.h"
#include "group_text.h"

static struct follow_filter given_filter; /* large, and needed once */

/* What a change did: a line that says so, or the group as it is now. */
static int print_done(struct cli *cli, const struct varve_group_info *info, const char *done)
{
    struct text object = { 0 };

    if (cli->output.format == OUTPUT_TABLE) {
        printf("%s %s\n", cli->arguments.words[0], done);
        return CLI_OK;
    }
    group_format_info(&object, info);
    output_object(&cli->output, &object);
    text_free(&object);
    return CLI_OK;
}

static enum varve_status take_name(struct cli *cli, struct varve_view *ret_name, struct varve_error *error)
{
    enum varve_status status = cli_words(cli, 1, 1, error);

    if (status != VARVE_OK)
        return status;
    *ret_name = varve_view_str(cli->arguments.words[0]);
    return varve_check_group_name(*ret_name, "group", error);
}

static enum varve_status check_settings(struct varve_group_settings *settings, struct varve_error *error)
{
    if (given_filter.given)
        settings->filter = &given_filter.filter;
    return varve_group_settings_check(settings, error);
}

/* ---- create ------------------------------------------------------------------------------------------------------ */

static const struct option_spec create_options[] = {
    FOLLOW_FILTER_OPTIONS, FOLLOW_AFTER_OPTION, GROUP_SETTINGS_OPTIONS, { NULL, 0, NULL, NULL },
};

static int run_create(struct cli *cli)
{
    struct varve_group_settings settings;
    struct varve_group_info info;
    struct varve_error error;
    struct varve_view name;
    uint64_t after = 0;
    char done[96];

    varve_group_settings_init(&settings);
    enum varve_status status = take_name(cli, &name, &error);
    if (status == VARVE_OK)
        status = follow_filter_parse(&cli->arguments, 1, &given_filter, &error);
    if (status == VARVE_OK)
        status = follow_after_parse(&cli->arguments, &after, &error);
    if (status == VARVE_OK)
        status = group_settings_parse(&cli->arguments, &settings, &error);
    if (status == VARVE_OK)
        status = check_settings(&settings, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_group_create(backend_client(cli->backend), name, &settings, after, &info, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    snprintf(done, sizeof(done), "created: it begins behind position %" PRIu64, info.checkpoint);
    return print_done(cli, &info, done);
}

const struct command command_group_create = {
    .name = "group create",
    .arguments = "NAME [filter] [settings] [--after POSITION|start|end]",
    .summary = "create a consumer group",
    .details = FOLLOW_FILTER_DETAILS "\nIt begins at the start of the log unless --after says otherwise.",
    .options = create_options,
    .examples = "  varve group create mails --type order.paid --type order.shipped\n"
                "  varve group create billing --category order --after end --max-attempts 10 --backoff 1s,1m,10m\n",
    .run = run_create,
};

/* ---- update ------------------------------------------------------------------------------------------------------ */

static const struct option_spec update_options[] = {
    FOLLOW_FILTER_OPTIONS, GROUP_SETTINGS_OPTIONS,
    { "resume", 0, NULL, "go on after one of its consumers stopped it" },
    { NULL, 0, NULL, NULL },
};

/* What is not given stays: it is asked for first. */
static enum varve_status update(struct cli *cli, struct varve_view name, struct varve_group_info *ret_info,
                                struct varve_error *error)
{
    struct varve_client *client = backend_client(cli->backend);
    bool resume = arguments_has(&cli->arguments, "resume");
    struct varve_group_settings settings;
    struct varve_filter *kept = NULL; /* what an info points to lives until the next call */

    if (!given_filter.given && !group_settings_given(&cli->arguments))
        return varve_client_group_update(client, name, NULL, resume, ret_info, error);
    enum varve_status status = varve_client_group_info(client, name, ret_info, error);
    if (status != VARVE_OK)
        return status;
    settings = ret_info->settings;
    if (settings.filter != NULL && (kept = varve_filter_copy(settings.filter)) == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a filter");
    settings.filter = kept;
    status = group_settings_parse(&cli->arguments, &settings, error);
    if (status == VARVE_OK)
        status = check_settings(&settings, error);
    if (status == VARVE_OK)
        status = varve_client_group_update(client, name, &settings, resume, ret_info, error);
    free(kept);
    return status;
}

static int run_update(struct cli *cli)
{
    struct varve_group_info info;
    struct varve_error error;
    struct varve_view name;

    enum varve_status status = take_name(cli, &name, &error);
    if (status == VARVE_OK)
        status = follow_filter_parse(&cli->arguments, 1, &given_filter, &error);
    if (status == VARVE_OK && !given_filter.given && !group_settings_given(&cli->arguments) &&
        !arguments_has(&cli->arguments, "resume"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "arguments", "say what to change: a setting, a filter, or "
                            "--resume");
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = update(cli, name, &info, &error);
    return status == VARVE_OK ? print_done(cli, &info, "updated") : cli_fail(cli, &error);
}

const struct command command_group_update = {
    .name = "group update",
    .arguments = "NAME [filter] [settings] [--resume]",
    .summary = "change a consumer group's filter or settings",
    .details = "What is not given stays. A filter is replaced as a whole (--all removes it) and counts, as the key\n"
               "does, for events that were not looked at yet.",
    .options = update_options,
    .examples = "  varve group update mails --ack-timeout 5m\n  varve group update mails --resume\n",
    .run = run_update,
};

/* ---- reset ------------------------------------------------------------------------------------------------------- */

static const struct option_spec reset_options[] = { FOLLOW_AFTER_OPTION, { NULL, 0, NULL, NULL } };

static int run_reset(struct cli *cli)
{
    struct varve_group_info info;
    struct varve_error error;
    struct varve_view name;
    uint64_t after = 0;
    char done[96];

    enum varve_status status = take_name(cli, &name, &error);
    if (status == VARVE_OK && !arguments_has(&cli->arguments, "after"))
        status = varve_fail(&error, VARVE_INVALID_ARGUMENT, "after", "--after POSITION|start|end is missing");
    if (status == VARVE_OK)
        status = follow_after_parse(&cli->arguments, &after, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_group_reset(backend_client(cli->backend), name, after, &info, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    snprintf(done, sizeof(done), "reset: it goes on behind position %" PRIu64, info.checkpoint);
    return print_done(cli, &info, done);
}

const struct command command_group_reset = {
    .name = "group reset",
    .arguments = "NAME --after POSITION|start|end",
    .summary = "let a consumer group begin again elsewhere",
    .details = "Consumers stay; what they are working on is theirs no more, and their acknowledgements of it are\n"
               "refused. Parked events stay parked. A stopped group goes on.",
    .options = reset_options,
    .examples = "  varve group reset mails --after start\n  varve group reset mails --after 4711\n",
    .run = run_reset,
};

/* ---- delete ------------------------------------------------------------------------------------------------------ */

static const struct option_spec delete_options[] = { { NULL, 0, NULL, NULL } };

static int run_delete(struct cli *cli)
{
    struct varve_error error;
    struct varve_view name;
    struct text object = { 0 };

    enum varve_status status = take_name(cli, &name, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_group_delete(backend_client(cli->backend), name, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    if (cli->output.format == OUTPUT_TABLE) {
        printf("%s deleted\n", cli->arguments.words[0]);
        return CLI_OK;
    }
    text_add_str(&object, "{");
    text_member(&object, "group", name);
    text_member(&object, "change", varve_view_str("delete"));
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
    return CLI_OK;
}

const struct command command_group_delete = {
    .name = "group delete",
    .arguments = "NAME",
    .summary = "delete a consumer group",
    .details = "Its consumers are sent away, its checkpoint is forgotten. The events it followed are not touched.",
    .options = delete_options,
    .examples = "  varve group delete mails\n",
    .run = run_delete,
};
