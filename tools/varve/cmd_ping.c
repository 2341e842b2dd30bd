/* cmd_ping.c - `varve ping`: does anybody answer, and how fast? */
#include <inttypes.h>

#include "commands.h"
#include "timestamp.h"

static const struct option_spec options[] = { { NULL, 0, NULL, NULL } };

static void print(struct cli *cli, int64_t server_us, uint64_t last_position, uint64_t took_us)
{
    struct text line = { 0 };
    char took[TIMESTAMP_TEXT];

    if (cli->output.format == OUTPUT_TABLE) {
        duration_format((int64_t)took_us, took);
        printf("ok: last position %" PRIu64 ", answered in %s\n", last_position, took);
        return;
    }
    text_add_str(&line, "{");
    text_member_uint(&line, "last_position", last_position);
    text_member_time(&line, "server_time", server_us);
    text_member_uint(&line, "round_trip_us", took_us);
    text_add_str(&line, "}");
    output_object(&cli->output, &line);
    text_free(&line);
}

static int run(struct cli *cli)
{
    const struct varve_os *os = varve_os_default();
    struct varve_error error;
    int64_t server_us;
    uint64_t last_position;

    enum varve_status status = arguments_words(&cli->arguments, 0, 0, "ping", &error);
    if (status == VARVE_OK)
        status = cli_open(cli, false, &error);
    if (status == VARVE_OK) /* connects, so that the second one tells the round trip alone */
        status = cli->backend->call->ping(cli->backend, &server_us, &last_position, &error);
    uint64_t start_us = os->monotonic_us(os->self);
    if (status == VARVE_OK)
        status = cli->backend->call->ping(cli->backend, &server_us, &last_position, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    print(cli, server_us, last_position, os->monotonic_us(os->self) - start_us);
    return CLI_OK;
}

const struct command command_ping = {
    .name = "ping",
    .arguments = "",
    .summary = "ask whether the server answers",
    .details = "Exits with 5 when it does not. Prints the last position and the time of a round trip.",
    .options = options,
    .examples = "  varve ping\n  varve ping --server varve://10.0.0.7:8278\n",
    .run = run,
};
