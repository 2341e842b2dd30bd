/* metrics.c - counting by label; see metrics.h. */
#include "metrics_parts.h"

#include <stdio.h>
#include <stdlib.h>

/* Of an event without a source. */
static struct varve_view service_or_unknown(struct varve_view service)
{
    return service.size > 0 ? service : varve_view_str("unknown");
}

/* ---- events and sagas ------------------------------------------------------------------------------------------- */

static void count_locked(struct metrics *metrics, struct series_set *set, struct varve_view first,
                         struct varve_view second, uint64_t more)
{
    const struct varve_view values[] = { first, second };

    pthread_mutex_lock(&metrics->lock);
    series_add(series_find(set, values), more);
    pthread_mutex_unlock(&metrics->lock);
}

void metrics_published(struct metrics *metrics, struct varve_view type, struct varve_view service, uint64_t events)
{
    count_locked(metrics, &metrics->published, type, service_or_unknown(service), events);
}

void metrics_publish_failed(struct metrics *metrics, const char *outbox, const char *reason, uint64_t events)
{
    count_locked(metrics, &metrics->failures, varve_view_str(outbox), varve_view_str(reason), events);
}

void metrics_consumed(struct metrics *metrics, struct varve_view type, struct varve_view service,
                      struct varve_view group, uint64_t duration_us)
{
    const struct varve_view by_service[] = { type, service_or_unknown(service) }, by_group[] = { type, group };

    series_add(series_find(&metrics->consumed, by_service), 1);
    varve_histogram_add(series_find(&metrics->processing, by_group)->histogram, duration_us);
}

void metrics_saga_ended(struct metrics *metrics, struct varve_view saga_type, uint64_t duration_us)
{
    varve_histogram_add(series_find(&metrics->sagas, &saga_type)->histogram, duration_us);
}

/* ---- requests --------------------------------------------------------------------------------------------------- */

void metrics_request(struct metrics *metrics, uint8_t opcode, enum varve_status status, uint64_t duration_us)
{
    struct operation *operation = metrics->operations[opcode];
    _Atomic uint64_t *count = &operation->codes[(unsigned)status < METRICS_CODES ? status : VARVE_INTERNAL];

    figure_add(count, 1);
    if (duration_us == METRICS_NO_DURATION)
        return;
    varve_histogram_add(&operation->duration_us, duration_us);
    varve_histogram_add(&metrics->request_us, duration_us);
}

void metrics_http_request(struct metrics *metrics, const char *operation, unsigned http_status, uint64_t duration_us)
{
    char code[12];
    struct varve_view values[] = { varve_view_str(operation), varve_view_of(code, 0) };

    values[1].size = (size_t)snprintf(code, sizeof(code), "%u", http_status);
    series_add(series_find(&metrics->http_codes, values), 1);
    if (duration_us == METRICS_NO_DURATION)
        return;
    varve_histogram_add(series_find(&metrics->http_durations, values)->histogram, duration_us);
    varve_histogram_add(&metrics->request_us, duration_us);
}

/* ---- its beginning and its end ---------------------------------------------------------------------------------- */

void metrics_end(struct server *server)
{
    struct metrics *metrics = server->metrics;

    if (metrics == NULL)
        return;
    server->metrics = NULL;
    for (size_t i = 0; i < 256; i++)
        if (metrics->operations[i] != &metrics->unknown)
            free(metrics->operations[i]);
    series_end(&metrics->http_codes);
    series_end(&metrics->http_durations);
    series_end(&metrics->consumed);
    series_end(&metrics->processing);
    series_end(&metrics->sagas);
    series_end(&metrics->published);
    series_end(&metrics->failures);
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

/* Replies have names, too, but nobody asks with them: those that were asked for are told. */
static bool start_operations(struct metrics *metrics)
{
    metrics->unknown.name = "UNKNOWN";
    for (unsigned opcode = 0; opcode < 256; opcode++) {
        const char *name = varve_opcode_name((uint8_t)opcode);

        metrics->operations[opcode] = &metrics->unknown;
        if (name[0] == '?' || opcode >= 0x80)
            continue;
        struct operation *operation = calloc(1, sizeof(*operation));
        if (operation == NULL)
            return false;
        operation->name = name;
        metrics->operations[opcode] = operation;
    }
    return true;
}

enum varve_status metrics_start(struct server *server, struct varve_error *error)
{
    const struct varve_os *os = varve_os_default();
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    uint32_t values = server->config->metrics_label_values;

    if (metrics == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for metrics");
    server->metrics = metrics;
    metrics->started_at_us = os->now_us(os->self);
    pthread_mutex_init(&metrics->lock, NULL);
    if (start_operations(metrics) && series_start(&metrics->http_codes, 2, METRICS_OPERATIONS, false) &&
        series_start(&metrics->http_durations, 1, METRICS_OPERATIONS, true) &&
        series_start(&metrics->consumed, 2, values, false) && series_start(&metrics->processing, 2, values, true) &&
        series_start(&metrics->sagas, 1, values, true) && series_start(&metrics->published, 2, values, false) &&
        series_start(&metrics->failures, 2, METRICS_REASONS, false))
        return VARVE_OK;
    metrics_end(server);
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for metrics");
}

void metrics_tick(struct server *server)
{
    if (server->store != NULL) /* Opening one may take longer than a second. */
        metrics_recent_tick(server);
}

uint64_t metrics_memory_bytes(const struct config *config)
{
    uint32_t values = config->metrics_label_values;

    return sizeof(struct metrics) + 128 * sizeof(struct operation) +
           series_memory_bound(2, METRICS_OPERATIONS, false) + series_memory_bound(1, METRICS_OPERATIONS, true) +
           series_memory_bound(2, values, false) * 2 + series_memory_bound(2, values, true) +
           series_memory_bound(1, values, true) + series_memory_bound(2, METRICS_REASONS, false);
}
