/* top_rates.c - see top_rates.h. */
#include "top_rates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

static const struct {
    const char *name;
    enum top_figure figures[3]; /* their sum counts; TOP_FIGURE_COUNT: no more */
} counted[TOP_RATES] = {
#define NONE TOP_FIGURE_COUNT
    [TOP_EVENTS] = { "events", { TOP_events_appended, NONE, NONE } },
    [TOP_APPENDS] = { "appends", { TOP_appends, NONE, NONE } },
    [TOP_CONFLICTS] = { "conflicts", { TOP_append_conflicts, NONE, NONE } },
    [TOP_REQUESTS] = { "requests", { TOP_requests, NONE, NONE } },
    [TOP_FAILED] = { "failed", { TOP_requests_failed, NONE, NONE } },
    [TOP_DELIVERED] = { "delivered", { TOP_subscription_events, TOP_group_events_delivered, TOP_push_events } },
    [TOP_PUBLISHED] = { "published", { NONE, NONE, NONE } }, /* of the outboxes */
    [TOP_BYTES_IN] = { "bytes_in", { TOP_bytes_in, NONE, NONE } },
    [TOP_BYTES_OUT] = { "bytes_out", { TOP_bytes_out, NONE, NONE } },
};

const char *top_rate_name(enum top_rate rate)
{
    return counted[rate].name;
}

static double rate_of(uint64_t before, uint64_t now, double seconds)
{
    return now > before ? (double)(now - before) / seconds : 0;
}

static uint64_t sum_of(const struct top_sample *sample, enum top_rate rate)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < 3 && counted[rate].figures[i] != NONE; i++)
        sum += sample->values[counted[rate].figures[i]];
    return sum;
}

static const struct top_group *find_group(const struct top_sample *sample, const char *name)
{
    for (size_t i = 0; sample != NULL && i < sample->group_count; i++) {
        if (strcmp(sample->groups[i].name, name) == 0)
            return &sample->groups[i];
    }
    return NULL;
}

static const struct top_outbox *find_outbox(const struct top_sample *sample, const char *name)
{
    for (size_t i = 0; i < sample->outbox_count; i++) {
        if (strcmp(sample->outboxes[i].name, name) == 0)
            return &sample->outboxes[i];
    }
    return NULL;
}

static void rate_groups(struct top_rates *ret, const struct top_sample *before, const struct top_sample *now,
                        double seconds)
{
    for (size_t i = 0; i < now->group_count; i++) {
        const struct top_group *group = find_group(before, now->groups[i].name);

        ret->acked[i] = group != NULL ? rate_of(group->acked, now->groups[i].acked, seconds) : 0;
    }
}

static void rate_outboxes(struct top_rates *ret, const struct top_sample *before, const struct top_sample *now,
                          double seconds)
{
    for (size_t i = 0; i < now->outbox_count; i++) {
        const struct top_outbox *outbox = find_outbox(before, now->outboxes[i].name);

        ret->published[i] = outbox != NULL ? rate_of(outbox->published, now->outboxes[i].published, seconds) : 0;
        ret->all[TOP_PUBLISHED] += ret->published[i];
    }
}

void top_rates_of(struct top_rates *ret, const struct top_sample *before, const struct top_sample *now)
{
    *ret = (struct top_rates){ .acked = memory_take((now->group_count + 1) * sizeof(*ret->acked)) };
    if (before == NULL || now->taken_us <= before->taken_us ||
        now->values[TOP_uptime_s] < before->values[TOP_uptime_s])
        return;
    double seconds = (double)(now->taken_us - before->taken_us) / 1e6;
    ret->known = true;
    for (size_t i = 0; i < TOP_RATES; i++)
        ret->all[i] = rate_of(sum_of(before, (enum top_rate)i), sum_of(now, (enum top_rate)i), seconds);
    rate_groups(ret, before, now, seconds);
    rate_outboxes(ret, before, now, seconds);
}

void top_rates_free(struct top_rates *rates)
{
    free(rates->acked);
    rates->acked = NULL;
}

void top_history_init(struct top_history *history)
{
    for (size_t i = 0; i < TOP_RATES; i++) {
        for (size_t j = 0; j < TOP_HISTORY; j++)
            history->values[i][j] = NAN;
    }
}

void top_history_add(struct top_history *history, const struct top_rates *rates)
{
    for (size_t i = 0; i < TOP_RATES; i++) {
        memmove(history->values[i], history->values[i] + 1, (TOP_HISTORY - 1) * sizeof(double));
        history->values[i][TOP_HISTORY - 1] = rates != NULL && rates->known ? rates->all[i] : NAN;
    }
}
