/* opening.c - opens the store on a thread, reads what must be known of it, and says how that went. */
#include "opening.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "varve/version.h"

static void *run(void *user)
{
    struct opening *opening = user;
    const struct config *config = opening->server->config;

    opening->status = varve_store_open(config->directory, &config->store, &opening->store, &opening->error);
    if (opening->status == VARVE_OK)
        opening->status = server_load(opening->server, opening->store, &opening->error);
    completions_push(&opening->server->completions, &opening->completion);
    return NULL;
}

static void finish(struct completion *completion)
{
    struct opening *opening = (struct opening *)((char *)completion - offsetof(struct opening, completion));

    pthread_join(opening->thread, NULL);
    opening->under_way = false;
    opening->done(opening);
}

enum varve_status opening_begin(struct opening *opening, struct server *server,
                                void (*done)(struct opening *opening), struct varve_error *error)
{
    *opening = (struct opening){ .server = server, .done = done, .completion.finish = finish };
    if (pthread_create(&opening->thread, NULL, run, opening) != 0)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no thread to open the store with");
    opening->under_way = true;
    return VARVE_OK;
}

void opening_log(const struct server *server)
{
    struct varve_stats stats;
    struct server_memory memory;
    char formula[320];

    varve_store_stats(server->store, &stats);
    server_memory_bound(server, &memory);
    snprintf(formula, sizeof(formula),
             "engine %" PRIu64 " + connections %" PRIu64 " + budget %" PRIu64 " + decoding %" PRIu64
             " + readers %" PRIu64 " + sagas %" PRIu64 " + snapshots %" PRIu64 " + outboxes %" PRIu64
             " + metrics %" PRIu64 " + http %" PRIu64 " MiB",
             memory.engine_bytes >> 20, memory.connection_bytes >> 20, memory.budget_bytes >> 20,
             memory.decoder_bytes >> 20, memory.readers_bytes >> 20, memory.sagas_bytes >> 20,
             memory.snapshot_bytes >> 20, memory.outboxes_bytes >> 20,
             memory.metrics_bytes >> 20, memory.http_bytes >> 20);
    log_info(&server->log, "server.started", log_text("version", VARVE_VERSION), log_number("pid", (uint64_t)getpid()),
             log_text("directory", server->config->directory), log_number("last_position", stats.last_position),
             log_number("settled_position", stats.settled_position),
             log_number("recovered_events", stats.recovered_events), log_number("dur_ms", stats.open_us / 1000),
             log_number("streams", stats.stream_count), log_number("memory_bound_mib", memory.total_bytes >> 20),
             log_text("memory", formula));
}
