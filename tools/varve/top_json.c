/* top_json.c - see top_json.h. */
#include "top_json.h"

#include <stdio.h>

static void member_rate(struct text *out, const char *name, const char *end, const struct top_rates *rates, double rate)
{
    char key[64];

    snprintf(key, sizeof(key), "%s%s", name, end);
    text_key(out, key);
    if (rates->known)
        text_printf(out, "%.2f", rate);
    else
        text_add_str(out, "null");
}

static void begin(struct text *out, int64_t time_us)
{
    text_clear(out);
    text_add_str(out, "{");
    text_member_time(out, "time", time_us);
}

static void add_outboxes(struct text *out, const struct top_sample *sample, const struct top_rates *rates)
{
    text_key(out, "outboxes");
    text_add_str(out, "[");
    for (size_t i = 0; i < sample->outbox_count; i++) {
        const struct top_outbox *outbox = &sample->outboxes[i];

        text_add_str(out, i == 0 ? "{" : ",{");
        text_member(out, "name", varve_view_str(outbox->name));
        text_member(out, "phase", varve_view_str(outbox->phase));
        text_member(out, "breaker", varve_view_str(outbox->breaker));
        text_member(out, "halt", varve_view_str(outbox->halt));
        text_member(out, "reason", varve_view_str(outbox->reason));
        text_member_uint(out, "lag_events", outbox->lag_events);
        text_member_uint(out, "lag_us", outbox->lag_us);
        member_rate(out, "published", "_per_s", rates, rates->published[i]);
        text_member_uint(out, "dead_streams", outbox->dead_streams);
        text_member_uint(out, "parked_events", outbox->parked_events);
        text_add_str(out, "}");
    }
    text_add_str(out, "]");
}

static void add_groups(struct text *out, const struct top_sample *sample, const struct top_rates *rates)
{
    text_key(out, "groups");
    text_add_str(out, "[");
    for (size_t i = 0; i < sample->group_count; i++) {
        const struct top_group *group = &sample->groups[i];

        text_add_str(out, i == 0 ? "{" : ",{");
        text_member(out, "name", varve_view_str(group->name));
        text_member_bool(out, "stopped", group->stopped);
        text_member_uint(out, "lag_events", group->lag_events);
        text_member_uint(out, "parked", group->parked);
        text_member_uint(out, "in_flight", group->in_flight);
        text_member_uint(out, "retrying", group->retrying);
        member_rate(out, "acked", "_per_s", rates, rates->acked[i]);
        text_add_str(out, "}");
    }
    text_add_str(out, "]");
}

void top_format_sample(struct text *out, int64_t time_us, const struct top_sample *sample,
                       const struct top_rates *rates)
{
    begin(out, time_us);
    text_member(out, "version", varve_view_str(sample->version));
    if (sample->has_health) {
        text_member_bool(out, "live", sample->live);
        text_member_bool(out, "ready", sample->ready);
        text_member(out, "reason", varve_view_str(sample->reason));
    }
    for (size_t i = 0; i < TOP_RATES; i++)
        member_rate(out, top_rate_name((enum top_rate)i), "_per_s", rates, rates->all[i]);
    for (size_t i = 0; i < TOP_FIGURE_COUNT; i++) {
        if (sample->has[i])
            text_member_uint(out, top_figure_name((enum top_figure)i), sample->values[i]);
    }
    add_outboxes(out, sample, rates);
    add_groups(out, sample, rates);
    text_add_str(out, "}");
}

void top_format_away(struct text *out, int64_t time_us, const struct varve_error *why)
{
    begin(out, time_us);
    text_member(out, "error", varve_view_str(varve_status_name(why->status)));
    text_member(out, "message", varve_view_str(why->message));
    text_add_str(out, "}");
}
