/* outbox_status.c - how an outbox is, as figures. */
#include "outbox_status.h"

#include <assert.h>

#include "outbox/outbox_kafka.h"

static uint64_t time_or_zero(int64_t time_us)
{
    return time_us == VARVE_TIME_NONE || time_us < 0 ? 0 : (uint64_t)time_us;
}

size_t outbox_status_of_view(const struct outbox_view *view, struct varve_stat ret[OUTBOX_STATUS_STATS])
{
    size_t count = 0;

#define TEXT(figure, value) \
    ret[count++] = (struct varve_stat){ .name = varve_view_str(figure), .is_text = true, .text = varve_view_str(value) }
#define NUMBER(figure, value) ret[count++] = (struct varve_stat){ .name = varve_view_str(figure), .number = (value) }
    TEXT("name", view->config->name);
    TEXT("mode", varve_outbox_mode_name(view->config->mode));
    TEXT("brokers", view->config->brokers);
    NUMBER("is_mock", view->config->is_mock);
    TEXT("phase", varve_outbox_phase_name(view->phase));
    TEXT("breaker", varve_outbox_breaker_name(view->breaker));
    TEXT("halt", varve_outbox_halt_name(view->halt));
    TEXT("reason", view->reason);
    NUMBER("since", time_or_zero(view->since_us));
    NUMBER("next_attempt", time_or_zero(view->next_attempt_us));
    NUMBER("failures", view->failures);
    NUMBER("head_position", view->head);
    NUMBER("position", view->position);
    NUMBER("lag_events", view->lag_events);
    NUMBER("lag_us", time_or_zero(view->lag_us));
    NUMBER("generation", view->generation);
    NUMBER("gap_us", time_or_zero(view->gap_us));
    NUMBER("dead_streams", view->dead_streams);
    NUMBER("parked_events", view->parked_events);
    NUMBER("retention_floor", view->retention_floor);
    NUMBER("replay_number", view->replay_number);
    NUMBER("replay_position", view->replay_position);
    NUMBER("replay_until", view->replay_until);
    NUMBER("retry_streams", view->retry_streams);
    TEXT("librdkafka", outbox_kafka_version());
#undef TEXT
#undef NUMBER
    assert(count <= OUTBOX_STATUS_STATS);
    return count;
}

void outbox_status_look(struct outbox *outbox, struct outbox_status *ret)
{
    outbox_learn_age(outbox);
    outbox_look(outbox, &ret->view);
    ret->count = outbox_status_of_view(&ret->view, ret->stats);
    ret->count += outbox_figures_list(outbox_figures_of(outbox), ret->stats + ret->count, ret->texts);
}
