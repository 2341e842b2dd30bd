/* metrics_tell.c - what is no plain figure: histograms, and what has labels. */
#include "metrics_telling.h"

#include <string.h>

#include "varve/version.h"

/* ---- the engine and the server itself --------------------------------------------------------------------------- */

void tell_build(struct telling *telling, const struct metric *metric)
{
    const struct varve_view version = varve_view_str(VARVE_VERSION);

    tell_values(telling, metric, &version, 1);
}

void tell_health(struct telling *telling, const struct metric *metric)
{
    for (size_t i = 0; i < HEALTH_CHECKS; i++) {
        const struct varve_view name = varve_view_str(telling->health.findings[i].name);

        tell_values(telling, metric, &name, telling->health.findings[i].good);
    }
}

void tell_store(struct telling *telling, const struct metric *metric)
{
    const struct varve_stat *id = telling_find(telling->engine, telling->engine_count, "database_id");
    const struct varve_stat *indexes = telling_find(telling->engine, telling->engine_count, "indexes");
    const struct varve_view values[] = { id->text, indexes->text };

    tell_values(telling, metric, values, 1);
}

void tell_commits(struct telling *telling, const struct metric *metric)
{
    tell_spread(telling, metric, NULL, &telling->histograms.commit_us);
}

void tell_syncs(struct telling *telling, const struct metric *metric)
{
    tell_spread(telling, metric, NULL, &telling->histograms.sync_us);
}

void tell_group_events(struct telling *telling, const struct metric *metric)
{
    tell_spread(telling, metric, NULL, &telling->histograms.group_events);
}

void tell_settles(struct telling *telling, const struct metric *metric)
{
    tell_spread(telling, metric, NULL, &telling->histograms.settle_us);
}

/* ---- series ----------------------------------------------------------------------------------------------------- */

static void tell_one(struct telling *telling, const struct metric *metric, const struct series_set *set,
                     const struct series *series)
{
    struct varve_view values[SERIES_MAX_LABELS];
    struct varve_histogram_view view;

    for (uint32_t i = 0; i < set->label_count; i++)
        values[i] = series_label(set, series, i);
    if (!set->has_histograms) {
        uint64_t count = figure_get(&series->count);

        if (count > 0)
            tell_values(telling, metric, values, count);
        return;
    }
    varve_histogram_look(series->histogram, &view);
    if (view.count > 0)
        tell_spread(telling, metric, values, &view);
}

void tell_series(struct telling *telling, const struct metric *metric, const struct series_set *set)
{
    uint32_t count = series_count(set);

    for (uint32_t i = 0; i < count; i++)
        tell_one(telling, metric, set, &set->all[i]);
}

void tell_published(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->published);
}

void tell_publish_failures(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->failures);
}

void tell_consumed(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->consumed);
}

void tell_processing(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->processing);
}

void tell_saga_durations(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->sagas);
}

void tell_http_requests(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->http_codes);
}

void tell_http_durations(struct telling *telling, const struct metric *metric)
{
    tell_series(telling, metric, &telling->server->metrics->http_durations);
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

/* The i-th operation, the unknown ones as the last. */
static const struct operation *operation_at(const struct metrics *metrics, unsigned i)
{
    return i == 256 ? &metrics->unknown : metrics->operations[i] == &metrics->unknown ? NULL : metrics->operations[i];
}

/* What went well is told from the beginning, so that rates have something to begin with. */
void tell_requests(struct telling *telling, const struct metric *metric)
{
    for (unsigned i = 0; i <= 256; i++) {
        const struct operation *operation = operation_at(telling->server->metrics, i);

        for (int status = 0; operation != NULL && status < METRICS_CODES; status++) {
            uint64_t count = figure_get(&operation->codes[status]);
            const struct varve_view values[] = { varve_view_str(operation->name),
                                                 varve_view_str(varve_status_name((enum varve_status)status)) };

            if (count > 0 || (status == VARVE_OK && i < 256))
                tell_values(telling, metric, values, count);
        }
    }
}

void tell_request_durations(struct telling *telling, const struct metric *metric)
{
    struct varve_histogram_view view;

    for (unsigned i = 0; i <= 256; i++) {
        const struct operation *operation = operation_at(telling->server->metrics, i);

        if (operation == NULL)
            continue;
        const struct varve_view name = varve_view_str(operation->name);
        varve_histogram_look(&operation->duration_us, &view);
        if (view.count > 0)
            tell_spread(telling, metric, &name, &view);
    }
}

/* ---- groups and sagas ------------------------------------------------------------------------------------------- */

static void tell_groups(struct telling *telling, const struct metric *metric, size_t member, bool adds_up)
{
    const struct metrics_look *look = telling->look;

    for (size_t i = 0; i < look->group_count; i++) {
        const struct metrics_group *group = &look->groups[i];
        const struct varve_view name = varve_view_of(group->name, group->name_size);
        uint64_t number;

        if (!adds_up && look->has_other && i == look->group_count - 1)
            return; /* Many groups have no checkpoint together. */
        memcpy(&number, (const char *)group + member, sizeof(number));
        tell_values(telling, metric, &name, number);
    }
}

void tell_group_members(struct telling *telling, const struct metric *metric)
{
    tell_groups(telling, metric, offsetof(struct metrics_group, members), true);
}

void tell_group_lag(struct telling *telling, const struct metric *metric)
{
    tell_groups(telling, metric, offsetof(struct metrics_group, lag_events), true);
}

void tell_group_parked(struct telling *telling, const struct metric *metric)
{
    tell_groups(telling, metric, offsetof(struct metrics_group, parked), true);
}

void tell_group_checkpoint(struct telling *telling, const struct metric *metric)
{
    tell_groups(telling, metric, offsetof(struct metrics_group, checkpoint), false);
}

static void tell_statuses(struct telling *telling, const struct metric *metric, struct varve_view type,
                          const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    for (unsigned i = 0; i < VARVE_SAGA_STATUSES; i++) {
        const struct varve_view values[] = { type, varve_view_str(varve_saga_status_name((enum varve_saga_status)i)) };

        tell_values(telling, metric, values, by_status[i]);
    }
}

/* Those that have no row of their own; a type that is really called so is one of them. */
static bool is_other(const struct varve_saga_counts *counts, size_t i, size_t most)
{
    return counts->count > most && (i >= most || varve_view_equal(counts->types[i].type, varve_view_str("other")));
}

/* Names of types need no escaping: letters, digits, '_' and '.'. */
void tell_sagas(struct telling *telling, const struct metric *metric)
{
    const struct varve_saga_counts *counts = telling->sagas;
    size_t most = telling->server->config->metrics_label_values;
    uint64_t others[VARVE_SAGA_STATUSES] = { 0 };

    for (size_t i = 0; i < counts->count; i++) {
        const uint64_t *by_status = counts->types[i].by_status;

        if (!is_other(counts, i, most))
            tell_statuses(telling, metric, counts->types[i].type, by_status);
        for (unsigned status = 0; status < VARVE_SAGA_STATUSES && is_other(counts, i, most); status++)
            others[status] += by_status[status];
    }
    if (counts->count > most)
        tell_statuses(telling, metric, varve_view_str("other"), others);
}
