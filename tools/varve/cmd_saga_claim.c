/* cmd_saga_claim.c - `varve saga claim`: unfinished sagas as work to be taken on. */
#include <inttypes.h>
#include <unistd.h>

#include "commands.h"
#include "saga_text.h"
#include "varve/state.h"

static const struct option_spec options[] = {
    { "status", 0, "STATUS", "running, compensating, timed_out; several with commas; default: all three" },
    { "step", 0, "STEP", "at this step" },
    { "worker", 'w', "NAME", "who takes it on; default: host and process" },
    { "lease", 'l', "DURATION", "nobody else gets it for so long, unless it changes; default 30s" },
    { "limit", 'n', "N", "at most so many; default 1" },
    { "wait", 0, "DURATION", "for one to be there, at most 30s; default 0" },
    { NULL, 0, NULL, NULL },
};

static enum varve_status duration_ms(const struct arguments *arguments, const char *name, uint32_t max_ms,
                                     uint32_t *ret_ms, struct varve_error *error)
{
    int64_t us = (int64_t)*ret_ms * 1000;
    enum varve_status status = arguments_duration(arguments, name, &us, error);

    if (status == VARVE_OK && (us < 0 || us > (int64_t)max_ms * 1000))
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, name, "--%s must be at most %" PRIu32 " ms", name, max_ms);
    *ret_ms = status == VARVE_OK ? (uint32_t)((us + 999) / 1000) : 0;
    return status;
}

static enum varve_status parse_claim(const struct arguments *arguments, struct varve_saga_claim *claim,
                                     struct varve_error *error)
{
    uint64_t limit = claim->limit;
    enum varve_status status = saga_statuses_parse(arguments, &claim->statuses, error);

    if (status == VARVE_OK && (claim->statuses & ~VARVE_SAGA_UNFINISHED) != 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "status", "--status: what is finished cannot be claimed");
    claim->step = varve_view_str(arguments_text(arguments, "step"));
    if (arguments_has(arguments, "worker"))
        claim->worker = varve_view_str(arguments_text(arguments, "worker"));
    if (status == VARVE_OK)
        status = arguments_limit(arguments, VARVE_MAX_CLAIM, &limit, error);
    claim->limit = (uint32_t)limit;
    if (status == VARVE_OK)
        status = duration_ms(arguments, "lease", VARVE_MAX_LEASE_MS, &claim->lease_ms, error);
    if (status == VARVE_OK && claim->lease_ms == 0)
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "lease", "--lease must be longer than 0");
    if (status == VARVE_OK)
        status = duration_ms(arguments, "wait", VARVE_MAX_CLAIM_WAIT_MS, &claim->wait_ms, error);
    return status;
}

static void name_worker(char ret_name[VARVE_MAX_WORKER_NAME + 1])
{
    char host[64] = "";

    gethostname(host, sizeof(host) - 1);
    snprintf(ret_name, VARVE_MAX_WORKER_NAME + 1, "%s-%ld", host, (long)getpid());
}

static int run(struct cli *cli)
{
    char worker[VARVE_MAX_WORKER_NAME + 1];
    struct varve_saga_claim claim = { .lease_ms = 30000, .limit = 1 };
    const struct varve_saga *sagas = NULL;
    struct saga_printer printer;
    struct varve_error error;
    size_t count = 0;

    name_worker(worker);
    claim.worker = varve_view_str(worker);
    enum varve_status status = cli_words(cli, 1, 1, &error);
    if (status == VARVE_OK) {
        claim.type = varve_view_str(cli->arguments.words[0]);
        status = varve_check_saga_type(claim.type, "type", &error);
    }
    if (status == VARVE_OK)
        status = parse_claim(&cli->arguments, &claim, &error);
    if (status == VARVE_OK)
        status = cli_open_server(cli, &error);
    if (status == VARVE_OK)
        status = varve_client_saga_claim(backend_client(cli->backend), &claim, &sagas, &count, &error);
    if (status != VARVE_OK)
        return cli_fail(cli, &error);
    saga_printer_begin(&printer, &cli->output);
    for (size_t i = 0; i < count; i++)
        saga_printer_saga(&printer, &sagas[i]);
    saga_printer_end(&printer);
    return CLI_OK;
}

const struct command command_saga_claim = {
    .name = "saga claim",
    .arguments = "TYPE",
    .summary = "take unfinished sagas on, those that waited longest first",
    .details = "Nobody else is given them until the lease ends or they change. What guards a saga is its version:\n"
               "say it with --expected in what follows. JSON output has the states.",
    .options = options,
    .examples = "  varve saga claim order --step charge_payment --lease 1m -o ndjson\n"
                "  varve saga claim order --status timed_out --limit 10 --wait 30s -o ndjson\n",
    .run = run,
};
