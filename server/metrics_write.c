/* metrics_write.c - the table, told row by row; see metrics_write.h. */
#include "metrics_write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "metrics_telling.h"
#include "outboxes.h"

enum {
    BASE_BYTES = 512 * 1024,      /* what is there always, telling included */
    HISTOGRAM_LINES = 28,
    GROUP_AND_SAGA_BYTES = 2048,  /* a group or a type of sagas, of the longest name */
    SAGA_TYPE_BYTES = sizeof(struct varve_saga_count) + VARVE_SAGA_MAX_TYPE, /* counted, whether it is told or not */
    OUTBOX_BYTES = 128 * 1024,
};

/* ---- what the functions of the table use ------------------------------------------------------------------------ */

size_t telling_name_labels(struct telling *telling, const struct metric *metric)
{
    const char *at = metric->labels;
    size_t count = 0;

    while (at != NULL) {
        const char *end = strchrnul(at, ',');
        size_t size = (size_t)(end - at);

        assert(count < METRIC_MAX_LABELS && size < sizeof(telling->label_names[0]));
        memcpy(telling->label_names[count], at, size);
        telling->label_names[count++][size] = '\0';
        at = *end == ',' ? end + 1 : NULL;
    }
    return count;
}

const struct varve_stat *telling_find(const struct varve_stat *figures, size_t count, const char *name)
{
    struct varve_view wanted = varve_view_str(name);

    for (size_t i = 0; i < count; i++)
        if (varve_view_equal(figures[i].name, wanted))
            return &figures[i];
    return NULL;
}

static size_t set_labels(struct telling *telling, const struct metric *metric, const struct varve_view *values,
                         struct metric_label ret[METRIC_MAX_LABELS])
{
    size_t count = telling_name_labels(telling, metric);

    for (size_t i = 0; i < count; i++)
        ret[i] = (struct metric_label){ telling->label_names[i], values[i] };
    return count;
}

void tell_values(struct telling *telling, const struct metric *metric, const struct varve_view *values,
                 uint64_t number)
{
    struct metric_label labels[METRIC_MAX_LABELS];
    size_t count = set_labels(telling, metric, values, labels);

    metric_text_sample(telling->out, metric->name, labels, count, number, metric->unit);
}

void tell_spread(struct telling *telling, const struct metric *metric, const struct varve_view *values,
                 const struct varve_histogram_view *view)
{
    struct metric_label labels[METRIC_MAX_LABELS];
    size_t count = set_labels(telling, metric, values, labels);

    metric_text_histogram(telling->out, metric->name, labels, count, view, &metric->bounds, metric->unit);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

static bool is_first_of_its_name(const struct metric *metric)
{
    return metric == metrics_table || strcmp(metric[-1].name, metric->name) != 0;
}

static void tell_figure(struct telling *telling, const struct metric *metric)
{
    const struct varve_view value = varve_view_str(metric->value == NULL ? "" : metric->value);
    bool of_engine = metric->source == METRIC_OF_ENGINE;
    const struct varve_stat *figure = telling_find(of_engine ? telling->engine : telling->own,
                                                   of_engine ? telling->engine_count : telling->own_count,
                                                   metric->figure);

    if (figure == NULL)
        return; /* What it is about is not there, such as a cache of snapshots. */
    if (is_first_of_its_name(metric))
        metric_text_head(telling->out, metric->name, metric->type, metric->help);
    tell_values(telling, metric, &value, figure->number);
}

/* A head without a sample says that nothing has been counted yet. */
static void tell_row(struct telling *telling, const struct metric *metric)
{
    if (metric->tell == NULL) {
        tell_figure(telling, metric);
        return;
    }
    metric_text_head(telling->out, metric->name, metric->type, metric->help);
    metric->tell(telling, metric);
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static enum varve_status look_at_outboxes(struct telling *telling, struct varve_error *error)
{
    telling->outbox_count = outboxes_count(telling->server);
    if (telling->outbox_count == 0)
        return VARVE_OK;
    telling->outboxes = calloc(telling->outbox_count, sizeof(*telling->outboxes));
    if (telling->outboxes == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the figures of outboxes");
    for (size_t i = 0; i < telling->outbox_count; i++)
        outbox_status_look(outboxes_at(telling->server, i), &telling->outboxes[i]);
    return VARVE_OK;
}

static enum varve_status look_at_store(struct telling *telling, struct varve_error *error)
{
    struct server *server = telling->server;
    struct varve_stats engine;

    varve_store_stats(server->store, &engine);
    telling->engine_count = varve_stats_list(&engine, telling->engine_texts, telling->engine, TELLING_FIGURES);
    varve_store_histograms(server->store, &telling->histograms);
    enum varve_status status = look_at_outboxes(telling, error);
    return status == VARVE_OK ? varve_saga_counts(server->store, &telling->sagas, error) : status;
}

enum varve_status metrics_write(struct server *server, const struct metrics_look *looked,
                                struct varve_wire_buffer *out, struct varve_error *error)
{
    struct telling *telling = calloc(1, sizeof(*telling));

    if (telling == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for metrics");
    telling->server = server;
    telling->look = looked;
    telling->out = out;
    enum varve_status status = looked->has_store ? look_at_store(telling, error) : VARVE_OK;
    if (status == VARVE_OK)
        status = telling_work_out(telling, error);
    for (size_t i = 0; i < metrics_table_count && status == VARVE_OK; i++)
        if (looked->has_store || metric_needs_no_store(&metrics_table[i]))
            tell_row(telling, &metrics_table[i]);
    free(telling->sagas);
    free(telling->outboxes);
    free(telling);
    if (status == VARVE_OK && out->failed)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the text of the metrics");
    return status;
}

uint64_t metrics_write_bytes(const struct server *server, const struct metrics_look *look)
{
    const struct metrics *metrics = server->metrics;
    const struct series_set *const lines[] = { &metrics->published, &metrics->consumed, &metrics->failures,
                                               &metrics->http_codes };
    const struct series_set *const spreads[] = { &metrics->processing, &metrics->sagas, &metrics->http_durations };
    struct varve_store *store = server->store;
    uint64_t types = store == NULL ? 0 : varve_saga_type_count(store);
    uint64_t most = server->config->metrics_label_values + 1ull;
    uint64_t bytes = GROUP_AND_SAGA_BYTES * (look->group_count + (types < most ? types : most));

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        bytes += series_text_bytes(lines[i], 1);
    for (size_t i = 0; i < sizeof(spreads) / sizeof(spreads[0]); i++)
        bytes += series_text_bytes(spreads[i], HISTOGRAM_LINES);
    bytes = 2 * bytes + types * SAGA_TYPE_BYTES; /* Buffers double. */
    return BASE_BYTES + bytes + outboxes_count(server) * OUTBOX_BYTES;
}
