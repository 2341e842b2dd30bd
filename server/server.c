/* server.c - makes and ends what the parts of the server share. */
#include "server.h"

#include <string.h>

#include "follow.h"
#include "groups.h"
#include "http/api.h"
#include "http/push.h"
#include "metrics.h"
#include "outboxes.h"
#include "saga_claims.h"
#include "saga_deadlines.h"
#include "saga_leases.h"
#include "snapshots.h"

/* What one connection holds when nothing is under way: its session, libuv's parts, the allocator's rounding. */
enum { CONNECTION_FIXED_BYTES = 4096, DECODED_PER_BODY_BYTE = 16, POOL_BYTES = 8 * 1024 * 1024 };

/* A frame carries what fits an append, and the names of streams that are only checked. */
static uint32_t frame_limit(const struct varve_options *limits)
{
    uint64_t bytes = (uint64_t)limits->max_append_bytes + (1u << 20);

    return bytes > VARVE_WIRE_MAX_FRAME ? VARVE_WIRE_MAX_FRAME : (uint32_t)bytes;
}

enum varve_status server_init(struct server *server, const struct config *config, const struct log *log,
                              struct varve_error *error)
{
    int fault;

    memset(server, 0, sizeof(*server));
    server->config = config;
    server->log = *log;
    log_repeats_init(&server->log_repeats);
    server->log.repeats = &server->log_repeats;
    server->log.figures = &server->figures;
    server->started_us = uv_hrtime() / 1000;
    server->doing = "the store is being opened";
    server->budget.limit_bytes = config->memory_budget_bytes;
    figure_set(&server->figures.budget_limit_bytes, config->memory_budget_bytes);

    server->arena = varve_wire_arena_create();
    if (server->arena == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to decode requests");
    if ((fault = uv_loop_init(&server->loop)) != 0 ||
        (fault = completions_init(&server->completions, &server->loop)) != 0)
        return varve_fail(error, VARVE_IO, NULL, "the event loop cannot be made: %s", uv_strerror(fault));
    if (workers_start(&server->workers, config->reader_threads, SERVER_WORK_QUEUE, &server->completions) != VARVE_OK)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the reader threads cannot be made");
    enum varve_status status = groups_init(server, error);
    return status == VARVE_OK ? metrics_start(server, error) : status;
}

static void learn_limits(struct server *server, struct varve_store *store)
{
    struct varve_stats stats;

    varve_store_limits(store, &server->limits);
    varve_store_stats(store, &stats);
    server->database_id = stats.database_id;
    server->max_frame_bytes = frame_limit(&server->limits);
}

enum varve_status server_load(struct server *server, struct varve_store *store, struct varve_error *error)
{
    static const struct {
        const char *doing;
        enum varve_status (*load)(struct server *server, struct varve_store *store, struct varve_error *error);
    } parts[] = {
        { "the cache of snapshots is being checked", snapshots_load },
        { "the consumer groups are being read", groups_load },
        { "the memory of the outboxes is being read", outboxes_load },
    };
    enum varve_status status = VARVE_OK;

    learn_limits(server, store);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && status == VARVE_OK; i++) {
        server->doing = parts[i].doing;
        status = server->stopping ? varve_fail(error, VARVE_NOT_READY, NULL, "the server is stopping")
                                  : parts[i].load(server, store, error);
    }
    return status;
}

enum varve_status server_begin(struct server *server, struct varve_store *store, struct varve_error *error)
{
    static enum varve_status (*const parts[])(struct server *server, struct varve_error *error) = {
        follow_start, push_start, saga_claims_start, saga_deadlines_start, outboxes_start,
    };
    enum varve_status status = VARVE_OK;

    server->store = store;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && status == VARVE_OK; i++)
        status = parts[i](server, error);
    server->begun = status == VARVE_OK;
    return status;
}

bool server_is_idle(const struct server *server)
{
    if (server->session_count > 0 || !http_is_idle(server))
        return false;
    return !server->begun ||
           (groups_are_idle(server) && follow_is_idle(server) && saga_deadlines_are_idle(server));
}

void server_end(struct server *server)
{
    saga_deadlines_end(server);
    saga_claims_end(server);
    groups_end(server);
    workers_stop(&server->workers);
    snapshots_end(server);
    outboxes_free(server);
    metrics_end(server);
    push_end(server);
    follow_end(server);
    completions_end(&server->completions);
    uv_run(&server->loop, UV_RUN_DEFAULT); /* Lets the handles close. */
    int busy = uv_loop_close(&server->loop);
    assert(busy == 0); /* Whoever made a handle has closed it. */
    output_pool_free(&server->pool);
    varve_wire_arena_free(server->arena);
    log_tell_repeats(&server->log, true);
    log_repeats_end(&server->log_repeats);
    assert(server->budget.used_bytes == 0);
}

void server_memory_bound(const struct server *server, struct server_memory *ret)
{
    const struct config *config = server->config;
    uint64_t one_read = 2 * ((uint64_t)SERVER_MAX_BATCH_BYTES + server->limits.max_event_bytes);
    uint64_t one_batch = 6 * ((uint64_t)SERVER_MAX_BATCH_BYTES + server->limits.max_event_bytes); /* Of a follower. */
    struct varve_stats stats;

    varve_store_stats(server->store, &stats);
    ret->engine_bytes = stats.memory_bound_bytes;
    ret->connection_bytes = ((uint64_t)config_number(&config->max_connections) + SERVER_SPARE_CONNECTIONS) *
                            (CONNECTION_FIXED_BYTES + SERVER_INPUT_FLOOR_BYTES);
    ret->budget_bytes = config_number(&config->memory_budget_bytes);
    ret->decoder_bytes = (uint64_t)server->max_frame_bytes * DECODED_PER_BODY_BYTE + POOL_BYTES;
    ret->readers_bytes = config->reader_threads * (one_read + one_batch);
    ret->sagas_bytes = saga_leases_bound(SAGA_MAX_LEASES) + saga_deadlines_bound();
    ret->snapshot_bytes = snapshots_memory_bytes(server);
    ret->outboxes_bytes = outboxes_memory_bytes(config);
    ret->metrics_bytes = metrics_memory_bytes(config);
    ret->http_bytes = http_memory_bytes(config) + api_memory_bytes(server);
    ret->total_bytes = ret->engine_bytes + ret->connection_bytes + ret->budget_bytes + ret->decoder_bytes +
                       ret->readers_bytes + ret->sagas_bytes + ret->snapshot_bytes + ret->outboxes_bytes +
                       ret->metrics_bytes + ret->http_bytes;
}
