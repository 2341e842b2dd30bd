/* cmd_health.c - `varve health`: may the server be given work, and if not, why? Made for probes. */
#include "commands.h"
#include "timestamp.h"

#include <inttypes.h>
#include <stdlib.h>

#define TIMEOUT_MS 3000u
#define DEFAULT_HTTP "http://127.0.0.1:8279"

static const struct option_spec options[] = {
    { "live", 'l', NULL, "only: is the process worth keeping?" },
    { "timeout", 't', "DURATION", "so long may connecting take, and the answer; default 3s" },
    { NULL, 0, NULL, NULL },
};

static void print_table(struct cli *cli, const struct varve_health *health)
{
    static const struct table_column columns[] = { { "check", false, 0 }, { "state", false, 0 },
                                                   { "reason", false, 1 } };
    char up[TIMESTAMP_TEXT];

    if (health->uptime_s < 60) /* In whole seconds, as it is told: not 0 us. */
        snprintf(up, sizeof(up), "%" PRIu64 " s", health->uptime_s);
    else
        duration_format((int64_t)health->uptime_s * 1000000, up);
    printf("%s: varved %.*s, up %s\n", !health->live ? "not live" : health->ready ? "ready" : "not ready",
           (int)health->version.size, health->version.data, up);
    struct table *table = table_begin(&cli->output, columns, 3);
    for (size_t i = 0; i < health->check_count; i++) {
        table_cell(table, health->checks[i].name);
        table_cell(table, varve_view_str(health->checks[i].good ? "ok" : "bad"));
        table_cell(table, health->checks[i].reason);
        table_row_end(table);
    }
    table_end(table);
}

static void print_json(struct cli *cli, const struct varve_health *health)
{
    struct text object = { 0 };

    text_add_str(&object, "{");
    text_member_bool(&object, "live", health->live);
    text_member_bool(&object, "ready", health->ready);
    text_key(&object, "checks");
    text_add_str(&object, "[");
    for (size_t i = 0; i < health->check_count; i++) {
        text_add_str(&object, i == 0 ? "{" : ",{");
        text_member(&object, "name", health->checks[i].name);
        text_member_bool(&object, "good", health->checks[i].good);
        text_member(&object, "reason", health->checks[i].reason);
        text_add_str(&object, "}");
    }
    text_add_str(&object, "]");
    text_member_uint(&object, "uptime_s", health->uptime_s);
    text_member(&object, "version", health->version);
    text_add_str(&object, "}");
    output_object(&cli->output, &object);
    text_free(&object);
}

/* A probe asks again by itself: one attempt, and a short one. What the URL sets goes before. */
static enum varve_status connect_briefly(struct cli *cli, struct varve_client **ret, struct varve_error *error)
{
    struct varve_client_options client_options;
    int64_t timeout_us = TIMEOUT_MS * 1000;
    enum varve_status status = arguments_duration(&cli->arguments, "timeout", &timeout_us, error);

    if (status == VARVE_OK && (timeout_us < 1000 || timeout_us > INT64_C(3600) * 1000000))
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "timeout", "--timeout must be from 1ms to 1h");
    if (status == VARVE_OK)
        status = cli_open_server(cli, error);
    if (status != VARVE_OK)
        return status;
    varve_client_options_init(&client_options);
    client_options.client_name = "varve health";
    client_options.connect_timeout_ms = client_options.request_timeout_ms = (uint32_t)(timeout_us / 1000);
    client_options.reconnect_attempts = 0;
    return varve_client_create(backend_url(cli->backend), &client_options, ret, error);
}

/* That nobody listens is no sign of death: the HTTP port is there before the store is. */
static int fail(const struct cli *cli, const struct varve_error *error)
{
    const char *http = getenv("VARVE_HTTP");
    int code = cli_fail(cli, error);

    if (code == CLI_UNREACHABLE)
        cli_note("A server does not listen before its store is open. %s/health/ready, on its machine, says whether it "
                 "is still opening it.", http != NULL && http[0] != '\0' ? http : DEFAULT_HTTP);
    return code;
}

static int run(struct cli *cli)
{
    struct varve_client *client = NULL;
    struct varve_health health;
    struct varve_error error;

    enum varve_status status = cli_words(cli, 0, 0, &error);
    if (status == VARVE_OK)
        status = connect_briefly(cli, &client, &error);
    if (status == VARVE_OK)
        status = varve_client_health(client, &health, &error);
    if (status != VARVE_OK) {
        varve_client_free(client);
        return fail(cli, &error);
    }
    bool good = arguments_has(&cli->arguments, "live") ? health.live : health.live && health.ready;
    if (cli->output.format == OUTPUT_TABLE)
        print_table(cli, &health);
    else
        print_json(cli, &health);
    varve_client_free(client);
    return good ? CLI_OK : CLI_FAILED;
}

const struct command command_health = {
    .name = "health",
    .arguments = "[--live]",
    .summary = "ask whether the server may be given work; for probes",
    .details = "Exit code 0: it is ready (with --live: alive, and worth keeping); 1: it is not, and the table says\n"
               "why; 5: nobody answers in time. A server that still opens its store does not listen yet, which is 5\n"
               "with --live, too; its HTTP port (VARVE_HTTP, " DEFAULT_HTTP " when not set) tells then.",
    .options = options,
    .examples = "  varve health\n  varve health --live --timeout 1s -o json\n"
                "  HEALTHCHECK CMD varve health                  # in a Dockerfile\n",
    .run = run,
};
