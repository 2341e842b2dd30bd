/* metrics_figures.c - single numbers that are no counter of anybody's: worked out for a scrape. */
#include "metrics_telling.h"

#include <stdlib.h>

#include "varve/snapshots.h"

#define MAY_TIME_OUT (1u << VARVE_SAGA_RUNNING | 1u << VARVE_SAGA_COMPENSATING)

void telling_add(struct telling *telling, const char *name, uint64_t number)
{
    assert(telling->own_count < TELLING_FIGURES);
    telling->own[telling->own_count++] = (struct varve_stat){ .name = varve_view_str(name), .number = number };
}

static void add_figures(struct telling *telling)
{
    const struct figures *figures = &telling->server->figures;

#define X(name) telling_add(telling, #name, figure_get(&figures->name));
    FIGURES(X)
#undef X
    telling_add(telling, "started_at_us", (uint64_t)telling->server->metrics->started_at_us);
}

static uint64_t engine_figure(const struct telling *telling, const char *name)
{
    const struct varve_stat *figure = telling_find(telling->engine, telling->engine_count, name);

    return figure == NULL ? 0 : figure->number;
}

static void add_store(struct telling *telling)
{
    const struct server *server = telling->server;
    struct server_memory memory;

    server_memory_bound(server, &memory);
    telling_add(telling, "memory_bound", memory.total_bytes);
    telling_add(telling, "disk_reserve_bytes", server->limits.disk_reserve_bytes);
    telling_add(telling, "settle_lag_events",
                engine_figure(telling, "last_position") - engine_figure(telling, "settled_position"));
    telling_add(telling, "settle_lag_us", varve_store_settle_lag_us(server->store));
}

static void add_health(struct telling *telling)
{
    health_look(telling->server, &telling->health);
    telling_add(telling, "live", telling->health.live);
    telling_add(telling, "ready", telling->health.ready);
}

static void add_outboxes(struct telling *telling)
{
    uint64_t queue = 0, lag_us = 0;

    for (size_t i = 0; i < telling->outbox_count; i++) {
        const struct outbox_view *view = &telling->outboxes[i].view;

        queue += view->lag_events;
        if (view->lag_us > 0 && (uint64_t)view->lag_us > lag_us)
            lag_us = (uint64_t)view->lag_us;
    }
    telling_add(telling, "outbox_queue", queue);
    telling_add(telling, "outbox_queue_lag_us", lag_us);
}

static void add_snapshots(struct telling *telling)
{
    struct varve_snapshots_stats stats;

    if (telling->server->snapshots == NULL)
        return;
    varve_snapshots_get_stats(telling->server->snapshots, &stats);
    telling_add(telling, "snapshots", stats.count);
    telling_add(telling, "snapshot_file_bytes", stats.file_bytes);
    telling_add(telling, "snapshot_hits", stats.hits);
    telling_add(telling, "snapshot_misses", stats.misses);
    telling_add(telling, "snapshot_puts", stats.puts);
    telling_add(telling, "snapshots_damaged", stats.damaged);
}

/* One list is enough to say that something is wrong. */
static enum varve_status add_overdue(struct telling *telling, struct varve_error *error)
{
    const struct varve_os *os = telling->server->limits.os;
    struct varve_saga_list *list = NULL;
    struct varve_saga_query query;

    varve_saga_query_init(&query);
    query.order = VARVE_SAGA_BY_DEADLINE;
    query.statuses = MAY_TIME_OUT;
    query.deadline_before_us = os->now_us(os->self);
    query.limit = VARVE_SAGA_MAX_LIST;
    enum varve_status status = varve_saga_list(telling->server->store, &query, &list, error);
    if (status != VARVE_OK)
        return status;
    telling_add(telling, "sagas_overdue", list->count);
    free(list);
    return VARVE_OK;
}

static void add_process(struct telling *telling)
{
    struct varve_stat process[PROCESS_FIGURES];
    size_t count = metrics_process_look(process);

    for (size_t i = 0; i < count; i++)
        telling->own[telling->own_count++] = process[i];
}

enum varve_status telling_work_out(struct telling *telling, struct varve_error *error)
{
    add_figures(telling);
    add_health(telling);
    add_process(telling);
    if (!telling->look->has_store)
        return VARVE_OK;
    add_store(telling);
    add_outboxes(telling);
    add_snapshots(telling);
    return add_overdue(telling, error);
}
