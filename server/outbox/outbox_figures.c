/* outbox_figures.c - counters, measures, counts by code, and all of them as a list. */
#include "outbox_figures.h"

#include <stdio.h>
#include <string.h>

enum { CODE_ROOM = sizeof(((struct outbox_coded *)NULL)->codes[0]) };

static const char *const measure_names[OUTBOX_MEASURES] = {
    [OUTBOX_MEASURE_TRANSACTION_EVENTS] = "transaction_events", [OUTBOX_MEASURE_ACK_US] = "ack_us",
    [OUTBOX_MEASURE_COMMIT_US] = "commit_us", [OUTBOX_MEASURE_PUBLISH_DELAY_US] = "publish_delay_us",
    [OUTBOX_MEASURE_TAKEOVER_US] = "takeover_us",
};

static uint64_t get(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

void outbox_figures_init(struct outbox_figures *figures)
{
    memset(figures, 0, sizeof(*figures));
    pthread_mutex_init(&figures->lock, NULL);
}

void outbox_figures_end(struct outbox_figures *figures)
{
    pthread_mutex_destroy(&figures->lock);
}

const char *outbox_measure_name(enum outbox_measure measure)
{
    return measure_names[measure];
}

void outbox_figures_measure(struct outbox_figures *figures, enum outbox_measure measure, uint64_t value)
{
    varve_histogram_add(&figures->measures[measure], value);
}

/* ---- codes ------------------------------------------------------------------------------------------------------ */

/* It becomes a part of a figure's name. */
static void clean_code(const char *code, char ret[CODE_ROOM])
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

    snprintf(ret, CODE_ROOM, "%s", code[0] == '\0' ? "unknown" : code);
    for (char *at = ret + strspn(ret, allowed); *at != '\0'; at += strspn(at, allowed))
        *at = '_';
}

/* Its place, or a new one; the last place is for all that find none. */
static size_t place_of(struct outbox_coded *coded, const char *name)
{
    size_t i = 0;

    while (i < coded->count && strcmp(coded->codes[i], name) != 0)
        i++;
    if (i < coded->count)
        return i;
    if (i >= OUTBOX_MAX_CODES - 1) {
        i = OUTBOX_MAX_CODES - 1;
        name = "other";
    }
    snprintf(coded->codes[i], sizeof(coded->codes[i]), "%s", name);
    coded->count = i + 1;
    return i;
}

void outbox_figures_count_code(struct outbox_figures *figures, struct outbox_coded *coded, const char *code)
{
    char name[CODE_ROOM];

    clean_code(code, name);
    pthread_mutex_lock(&figures->lock);
    coded->counts[place_of(coded, name)]++;
    pthread_mutex_unlock(&figures->lock);
}

/* ---- the list --------------------------------------------------------------------------------------------------- */

struct listing {
    struct varve_stat *stats;
    size_t count;
    char *texts;
    size_t used;
};

/* A text of the list's own; absent when there is no room, and then its figure is left out. */
static struct varve_view keep(struct listing *list, const char *prefix, const char *name, const char *suffix)
{
    size_t room = OUTBOX_FIGURE_TEXTS - list->used;
    char *at = list->texts + list->used;
    int size = snprintf(at, room, "%s%s%s", prefix, name, suffix);

    if (size < 0 || (size_t)size >= room)
        return (struct varve_view){ NULL, 0 };
    list->used += (size_t)size + 1;
    return varve_view_of(at, (size_t)size);
}

static void put_number(struct listing *list, struct varve_view name, uint64_t number)
{
    if (name.data != NULL && list->count < OUTBOX_FIGURE_STATS)
        list->stats[list->count++] = (struct varve_stat){ .name = name, .number = number };
}

static void put_measure(struct listing *list, const struct outbox_figures *figures, enum outbox_measure measure)
{
    const char *name = measure_names[measure];
    struct varve_histogram_view view;

    varve_histogram_look(&figures->measures[measure], &view);
    put_number(list, keep(list, name, "_count", ""), view.count);
    put_number(list, keep(list, name, "_sum", ""), view.sum);
    put_number(list, keep(list, name, "_p50", ""), varve_histogram_quantile(&view, 500));
    put_number(list, keep(list, name, "_p99", ""), varve_histogram_quantile(&view, 990));
    put_number(list, keep(list, name, "_max", ""), view.max);
}

static void put_coded(struct listing *list, const char *prefix, const struct outbox_coded *coded)
{
    for (size_t i = 0; i < coded->count; i++)
        put_number(list, keep(list, prefix, coded->codes[i], ""), coded->counts[i]);
}

size_t outbox_figures_list(struct outbox_figures *figures, struct varve_stat ret[OUTBOX_FIGURE_STATS],
                           char texts[OUTBOX_FIGURE_TEXTS])
{
    struct listing list = { .stats = ret, .texts = texts };

#define X(name) put_number(&list, varve_view_str(#name), get(&figures->name));
    OUTBOX_FIGURES(X)
#undef X
    for (int reason = 0; reason < OUTBOX_FILTER_REASONS; reason++)
        put_number(&list, keep(&list, "filtered_", outbox_filter_reason_name((enum outbox_filter_reason)reason), ""),
                   get(&figures->filtered[reason]));
    for (int measure = 0; measure < OUTBOX_MEASURES; measure++)
        put_measure(&list, figures, (enum outbox_measure)measure);
    pthread_mutex_lock(&figures->lock);
    put_coded(&list, "delivery_error_", &figures->delivery_errors);
    put_coded(&list, "rebuild_", &figures->rebuild_reasons);
    struct varve_view stats = keep(&list, figures->broker_stats, "", "");
    pthread_mutex_unlock(&figures->lock);
    if (stats.size > 0 && list.count < OUTBOX_FIGURE_STATS)
        ret[list.count++] = (struct varve_stat){ .name = varve_view_str("broker_stats"), .is_text = true,
                                                 .text = stats };
    return list.count;
}
