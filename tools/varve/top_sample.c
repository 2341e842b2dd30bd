/* top_sample.c - see top_sample.h. */
#include "top_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "outbox_text.h"

static const char *const names[TOP_FIGURE_COUNT] = {
#define X(name) #name,
    TOP_FIGURES(X)
#undef X
};

const char *top_figure_name(enum top_figure figure)
{
    return names[figure];
}

static void copy(char *into, size_t room, struct varve_view text)
{
    snprintf(into, room, "%.*s", (int)text.size, text.data);
}

static void take_stat(struct top_sample *sample, const struct varve_stat *stat)
{
    if (stat->is_text && varve_view_equal(stat->name, varve_view_str("version")))
        copy(sample->version, sizeof(sample->version), stat->text);
    for (size_t i = 0; i < TOP_FIGURE_COUNT && !stat->is_text; i++) {
        if (varve_view_equal(stat->name, varve_view_str(names[i]))) {
            sample->values[i] = stat->number;
            sample->has[i] = true;
            return;
        }
    }
}

void top_sample_stats(struct top_sample *sample, const struct varve_stat *stats, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take_stat(sample, &stats[i]);
}

void top_sample_health(struct top_sample *sample, const struct varve_health *health)
{
    size_t used = 0;

    sample->has_health = true;
    sample->live = health->live;
    sample->ready = health->ready;
    sample->reason[0] = '\0';
    for (size_t i = 0; i < health->check_count && used < sizeof(sample->reason); i++) {
        const struct varve_health_check *check = &health->checks[i];

        if (!check->good)
            used += (size_t)snprintf(sample->reason + used, sizeof(sample->reason) - used, "%s%.*s: %.*s",
                                     used == 0 ? "" : "; ", (int)check->name.size, check->name.data,
                                     (int)check->reason.size, check->reason.data);
    }
}

/* Those that need a look first: stopped, then far behind. */
static int compare_groups(const void *a, const void *b)
{
    const struct top_group *one = a, *other = b;

    if (one->stopped != other->stopped)
        return one->stopped ? -1 : 1;
    if (one->lag_events != other->lag_events)
        return one->lag_events > other->lag_events ? -1 : 1;
    return strcmp(one->name, other->name);
}

void top_sample_groups(struct top_sample *sample, const struct varve_group_info *infos, size_t count)
{
    sample->groups = memory_resize(sample->groups, (count + 1) * sizeof(*sample->groups));
    sample->group_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct varve_group_info *info = &infos[i];
        uint64_t lag = info->last_position > info->checkpoint ? info->last_position - info->checkpoint : 0;

        sample->groups[i] = (struct top_group){ .lag_events = lag, .parked = info->parked,
                                                .in_flight = info->in_flight, .retrying = info->retrying,
                                                .acked = info->acked, .stopped = info->stopped };
        copy(sample->groups[i].name, sizeof(sample->groups[i].name), info->name);
    }
    qsort(sample->groups, count, sizeof(*sample->groups), compare_groups);
}

/* 0: it stands; 1: it has trouble; 2: it works. */
static int rank_of(const struct top_outbox *outbox)
{
    return strcmp(outbox->phase, "HALTED") == 0 ? 0 : strcmp(outbox->breaker, "CLOSED") != 0 ? 1 : 2;
}

/* As groups: those that need a look first. */
static int compare_outboxes(const void *a, const void *b)
{
    const struct top_outbox *one = a, *other = b;

    if (rank_of(one) != rank_of(other))
        return rank_of(one) - rank_of(other);
    if (one->lag_events != other->lag_events)
        return one->lag_events > other->lag_events ? -1 : 1;
    return strcmp(one->name, other->name);
}

void top_sample_outboxes(struct top_sample *sample, const struct varve_outbox_entry *entries, size_t count)
{
    sample->outbox_count = count < VARVE_MAX_OUTBOXES ? count : VARVE_MAX_OUTBOXES;
    for (size_t i = 0; i < sample->outbox_count; i++) {
        const struct varve_stat *figures = entries[i].figures;
        size_t figure_count = entries[i].figure_count;
        struct top_outbox *outbox = &sample->outboxes[i];

        *outbox = (struct top_outbox){
            .lag_events = outbox_number(figures, figure_count, "lag_events"),
            .lag_us = outbox_number(figures, figure_count, "lag_us"),
            .published = outbox_number(figures, figure_count, "events_published"),
            .dead_streams = outbox_number(figures, figure_count, "dead_streams"),
            .parked_events = outbox_number(figures, figure_count, "parked_events"),
        };
        copy(outbox->name, sizeof(outbox->name), entries[i].name);
        copy(outbox->phase, sizeof(outbox->phase), outbox_word(figures, figure_count, "phase"));
        copy(outbox->breaker, sizeof(outbox->breaker), outbox_word(figures, figure_count, "breaker"));
        copy(outbox->halt, sizeof(outbox->halt), outbox_word(figures, figure_count, "halt"));
        copy(outbox->reason, sizeof(outbox->reason), outbox_word(figures, figure_count, "reason"));
    }
    qsort(sample->outboxes, sample->outbox_count, sizeof(*sample->outboxes), compare_outboxes);
}

void top_sample_free(struct top_sample *sample)
{
    free(sample->groups);
    *sample = (struct top_sample){ .taken_us = 0 };
}
