/* stats.c - STATS: the figures of the engine and those of the server. */
#include "lookups.h"

#include <stdlib.h>

#include "metrics_parts.h"
#include "outboxes.h"
#include "varve/saga.h"
#include "varve/snapshots.h"
#include "varve/version.h"

enum { ROOM = 192 };

static void add_number(struct varve_stat *stats, size_t *count, const char *name, uint64_t number)
{
    if (*count < ROOM)
        stats[(*count)++] = (struct varve_stat){ .name = varve_view_str(name), .number = number };
}

static void add_server_figures(const struct server *server, struct varve_stat *stats, size_t *count)
{
    const struct figures *figures = &server->figures;

    if (*count < ROOM)
        stats[(*count)++] = (struct varve_stat){ .name = varve_view_str("version"), .is_text = true,
                                                 .text = varve_view_str(VARVE_VERSION) };
    add_number(stats, count, "uptime_s", (uv_hrtime() / 1000 - server->started_us) / 1000000);
#define X(name) add_number(stats, count, #name, figure_get(&figures->name));
    FIGURES(X)
#undef X
}

/* Of all types together: what is there now. */
static enum varve_status add_saga_totals(const struct server *server, struct varve_stat *stats, size_t *count,
                                         struct varve_error *error)
{
    static const char *const names[VARVE_SAGA_STATUSES] = {
        [VARVE_SAGA_RUNNING] = "sagas_running", [VARVE_SAGA_COMPENSATING] = "sagas_compensating",
        [VARVE_SAGA_TIMED_OUT] = "sagas_timed_out", [VARVE_SAGA_COMPLETED] = "sagas_completed",
        [VARVE_SAGA_FAILED] = "sagas_failed",
    };
    struct varve_saga_counts *counts = NULL;
    enum varve_status status = varve_saga_counts(server->store, &counts, error);

    if (status != VARVE_OK)
        return status;
    for (unsigned i = 0; i < VARVE_SAGA_STATUSES; i++) {
        uint64_t total = 0;
        for (size_t type = 0; type < counts->count; type++)
            total += counts->types[type].by_status[i];
        add_number(stats, count, names[i], total);
    }
    free(counts);
    return VARVE_OK;
}

static void add_snapshot_figures(struct varve_snapshots *snapshots, struct varve_stat *stats, size_t *count)
{
    struct varve_snapshots_stats figures;

    if (snapshots == NULL)
        return;
    varve_snapshots_get_stats(snapshots, &figures);
    add_number(stats, count, "snapshots", figures.count);
    add_number(stats, count, "snapshot_file_bytes", figures.file_bytes);
    add_number(stats, count, "snapshot_hits", figures.hits);
    add_number(stats, count, "snapshot_misses", figures.misses);
    add_number(stats, count, "snapshot_puts", figures.puts);
    add_number(stats, count, "snapshots_damaged", figures.damaged);
}

/* Of the last seconds; see metrics_recent.c. */
static void add_recent(const struct server *server, struct varve_stat *stats, size_t *count)
{
    const struct metrics_recent *recent = &server->metrics->recent;

#define X(name, histogram, per_mille) add_number(stats, count, #name, figure_get(&recent->name));
    RECENT_FIGURES(X)
#undef X
}

static void add_outbox_totals(const struct server *server, struct varve_stat *stats, size_t *count)
{
    struct outboxes_totals totals;

    outboxes_total(server, &totals);
    add_number(stats, count, "outboxes", totals.outboxes);
    add_number(stats, count, "outbox_lag_events", totals.lag_events);
    add_number(stats, count, "outbox_parked_events", totals.parked_events);
    add_number(stats, count, "outboxes_halted", totals.halted);
}

enum varve_status answer_stats(const struct lookup_context *context, struct varve_view body, struct varve_error *error)
{
    enum varve_status status = varve_decode_empty(body, VARVE_OP_STATS, error);
    struct varve_stats engine;
    struct varve_stat stats[ROOM];
    char text[2 * 64];

    if (status != VARVE_OK)
        return status;
    varve_store_stats(context->server->store, &engine);
    size_t count = varve_stats_list(&engine, text, stats, ROOM);
    add_server_figures(context->server, stats, &count);
    status = add_saga_totals(context->server, stats, &count, error);
    if (status != VARVE_OK)
        return status;
    add_snapshot_figures(context->server->snapshots, stats, &count);
    add_outbox_totals(context->server, stats, &count);
    add_recent(context->server, stats, &count);
    varve_encode_stats_ok(context->out, context->request_id, stats, count);
    return VARVE_OK;
}
