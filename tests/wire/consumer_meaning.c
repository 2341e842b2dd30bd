/* consumer_meaning.c - bodies of messages about subscriptions and groups to JSON. */
#include "wire_values.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *names(const struct varve_view *views, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_of_text(views[i]));
    return list;
}

static json_t *numbers(const uint64_t *values, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, number(values[i]));
    return list;
}

static json_t *of_filter(const struct varve_filter *filter)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "streams", names(filter->streams, filter->stream_count),
                     "categories", names(filter->categories, filter->category_count), "types",
                     names(filter->types, filter->type_count), "prefixes",
                     names(filter->prefixes, filter->prefix_count), "correlation_id",
                     json_of_uuid(&filter->correlation_id), "classes", number(filter->classes), "include_system",
                     filter->include_system);
}

static json_t *of_subscribe(const struct varve_subscribe_request *request)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "filter", of_filter(&request->filter), "after",
                     json_of_count(request->after, VARVE_AFTER_END), "credit_bytes", number(request->credit_bytes),
                     "batch_bytes", number(request->batch_bytes));
}

static json_t *of_settings(const struct varve_group_settings *settings)
{
    json_t *backoffs = json_array();

    for (uint32_t i = 0; i < settings->backoff_count; i++)
        json_array_append_new(backoffs, number(settings->backoff_ms[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "filter", of_filter(settings->filter), "key",
                     number(settings->key), "max_in_flight", number(settings->max_in_flight),
                     "consumer_max_in_flight", number(settings->consumer_max_in_flight), "ack_timeout_ms",
                     number(settings->ack_timeout_ms), "max_attempts", number(settings->max_attempts), "backoff_ms",
                     backoffs);
}

static json_t *of_group(uint8_t opcode, const struct varve_group_request *request)
{
    json_t *object = json_pack("{s:o}", "group", json_of_text(request->group));

    if (opcode == VARVE_OP_GROUP_CREATE || opcode == VARVE_OP_GROUP_UPDATE)
        json_object_set_new(object, "settings",
                            request->has_settings ? of_settings(&request->settings) : json_null());
    if (opcode == VARVE_OP_GROUP_UPDATE)
        json_object_set_new(object, "resume", json_boolean(request->resume));
    if (opcode == VARVE_OP_GROUP_CREATE || opcode == VARVE_OP_GROUP_RESET)
        json_object_set_new(object, "after", json_of_count(request->after, VARVE_AFTER_END));
    return object;
}

static json_t *of_info(const struct varve_group_info *info)
{
    json_t *consumers = json_array();

    for (size_t i = 0; i < info->consumer_count; i++)
        json_array_append_new(consumers, json_pack("{s:o, s:o, s:o, s:o}", "consumer",
                                                   json_of_text(info->consumers[i].name), "epoch",
                                                   number(info->consumers[i].epoch), "in_flight",
                                                   number(info->consumers[i].in_flight), "max_in_flight",
                                                   number(info->consumers[i].max_in_flight)));

    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "name", json_of_text(info->name), "settings",
                               of_settings(&info->settings), "stop_reason",
                               info->stopped ? json_of_text(info->stop_reason) : json_null(), "consumers", consumers);

    json_object_set_new(object, "checkpoint", number(info->checkpoint));
    json_object_set_new(object, "last_position", number(info->last_position));
    json_object_set_new(object, "in_flight", number(info->in_flight));
    json_object_set_new(object, "retrying", number(info->retrying));
    json_object_set_new(object, "parked", number(info->parked));
    json_object_set_new(object, "acked", number(info->acked));
    json_object_set_new(object, "redelivered", number(info->redelivered));
    json_object_set_new(object, "created_at", json_integer(info->created_at_us));
    return object;
}

static json_t *of_join(const struct varve_group_join *join)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:b}", "group", json_of_text(join->group), "consumer",
                     json_of_text(join->consumer), "max_in_flight", number(join->max_in_flight), "credit_bytes",
                     number(join->credit_bytes), "takeover", join->takeover);
}

static json_t *of_ack(uint8_t opcode, const struct varve_group_ack *ack)
{
    json_t *object = json_pack("{s:o, s:o, s:o}", "group", json_of_text(ack->group), "epoch", number(ack->epoch),
                               "positions", numbers(ack->positions, ack->count));

    if (opcode == VARVE_OP_GROUP_NACK) {
        json_object_set_new(object, "action", number(ack->action));
        json_object_set_new(object, "retry_after_ms", json_of_count(ack->wait_ms, VARVE_RETRY_BACKOFF));
        json_object_set_new(object, "reason", json_of_text(ack->reason));
    } else if (opcode == VARVE_OP_GROUP_EXTEND) {
        json_object_set_new(object, "by_ms", number(ack->wait_ms));
    }
    return object;
}

static json_t *of_parked(uint8_t opcode, const struct varve_parked_request *request)
{
    bool lists = opcode == VARVE_OP_PARKED_LIST;
    json_t *object = json_pack("{s:o, s:o}", "group", json_of_text(request->group), "limit", number(request->limit));

    json_object_set_new(object, lists ? "after" : "position",
                        lists ? number(request->position) : json_of_count(request->position, 0));
    if (opcode == VARVE_OP_PARKED_DISCARD)
        json_object_set_new(object, "reason", json_of_text(request->reason));
    return object;
}

static json_t *of_entry(const struct varve_parked_event *event)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "position", number(event->position), "stream",
                               json_of_text(event->stream), "version", number(event->version), "type",
                               json_of_text(event->type), "id", json_of_uuid(&event->id), "attempts",
                               number(event->attempts));

    json_object_set_new(object, "reason", json_of_text(event->reason));
    json_object_set_new(object, "last_error", json_of_text(event->last_error));
    json_object_set_new(object, "first_attempt", json_integer(event->first_attempt_us));
    json_object_set_new(object, "parked_at", json_integer(event->parked_at_us));
    json_object_set_new(object, "replaying", json_boolean(event->replaying));
    return object;
}

static enum varve_status decode_events(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                       struct varve_error *error)
{
    const struct varve_view *records;
    uint32_t count;
    uint64_t position;
    enum varve_status status = varve_decode_events(body, arena, &records, &count, &position, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_of_record(records[i]));
    *ret = json_pack("{s:o, s:o}", "records", list, "position", number(position));
    return VARVE_OK;
}

static enum varve_status decode_deliveries(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                           struct varve_error *error)
{
    const struct varve_delivery *deliveries;
    uint32_t count;
    enum varve_status status = varve_decode_group_events(body, arena, &deliveries, &count, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "attempt", number(deliveries[i].attempt), "record",
                                              json_of_record(deliveries[i].record)));
    *ret = json_pack("{s:o}", "deliveries", list);
    return VARVE_OK;
}

static enum varve_status decode_infos(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                      struct varve_error *error)
{
    const struct varve_group_info *infos;
    size_t count;
    enum varve_status status = varve_decode_group_list_ok(body, arena, &infos, &count, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, of_info(&infos[i]));
    *ret = json_pack("{s:o}", "groups", list);
    return VARVE_OK;
}

static enum varve_status decode_ack_ok(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                       struct varve_error *error)
{
    const struct varve_refused_ack *refused;
    uint32_t done;
    size_t count;
    enum varve_status status = varve_decode_group_ack_ok(body, arena, &done, &refused, &count, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "position", number(refused[i].position), "status",
                                              number(refused[i].status)));
    *ret = json_pack("{s:o, s:o}", "done", number(done), "refused", list);
    return VARVE_OK;
}

static enum varve_status decode_entries(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                        struct varve_error *error)
{
    const struct varve_parked_event *events;
    size_t count;
    bool end;
    enum varve_status status = varve_decode_parked_list_ok(body, arena, &events, &count, &end, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, of_entry(&events[i]));
    *ret = json_pack("{s:o, s:b}", "entries", list, "end", end);
    return VARVE_OK;
}

#define DECODED(decode, value) \
    do { \
        enum varve_status status_ = (decode); \
        if (status_ == VARVE_OK) \
            *ret = (value); \
        return status_; \
    } while (0)

static enum varve_status decode_request(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                        json_t **ret, struct varve_error *error)
{
    struct varve_subscribe_request subscribe;
    struct varve_group_request group;
    struct varve_group_join join;
    struct varve_group_ack ack;
    struct varve_parked_request parked;

    switch (opcode) {
    case VARVE_OP_SUBSCRIBE:
        DECODED(varve_decode_subscribe(body, arena, &subscribe, error), of_subscribe(&subscribe));
    case VARVE_OP_GROUP_CREATE ... VARVE_OP_GROUP_INFO:
        DECODED(varve_decode_group(body, opcode, arena, &group, error), of_group(opcode, &group));
    case VARVE_OP_GROUP_LIST: DECODED(varve_decode_empty(body, opcode, error), json_object());
    case VARVE_OP_GROUP_JOIN: DECODED(varve_decode_group_join(body, &join, error), of_join(&join));
    case VARVE_OP_GROUP_ACK ... VARVE_OP_GROUP_EXTEND:
        DECODED(varve_decode_group_ack(body, opcode, arena, &ack, error), of_ack(opcode, &ack));
    case VARVE_OP_PARKED_LIST ... VARVE_OP_PARKED_DISCARD:
        DECODED(varve_decode_parked(body, opcode, &parked, error), of_parked(opcode, &parked));
    default: return state_meaning_decode(opcode, body, arena, ret, error);
    }
}

enum varve_status consumer_meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                          json_t **ret, struct varve_error *error)
{
    struct varve_group_info info;
    uint64_t position, other;
    uint32_t count;

    switch (opcode) {
    case VARVE_OP_SUBSCRIBED:
        DECODED(varve_decode_subscribed(body, &position, &other, error),
                json_pack("{s:o, s:o}", "after", number(position), "last_position", number(other)));
    case VARVE_OP_EVENTS: return decode_events(body, arena, ret, error);
    case VARVE_OP_CAUGHT_UP ... VARVE_OP_CHECKPOINT:
        DECODED(varve_decode_position(body, opcode, &position, error),
                json_pack("{s:o}", "position", number(position)));
    case VARVE_OP_GROUP_OK: DECODED(varve_decode_group_ok(body, arena, &info, error), of_info(&info));
    case VARVE_OP_GROUP_LIST_OK: return decode_infos(body, arena, ret, error);
    case VARVE_OP_GROUP_JOINED:
        DECODED(varve_decode_group_joined(body, &position, &other, &count, error),
                json_pack("{s:o, s:o, s:o}", "epoch", number(position), "checkpoint", number(other),
                          "ack_timeout_ms", number(count)));
    case VARVE_OP_GROUP_EVENTS: return decode_deliveries(body, arena, ret, error);
    case VARVE_OP_GROUP_ACK_OK: return decode_ack_ok(body, arena, ret, error);
    case VARVE_OP_PARKED_LIST_OK: return decode_entries(body, arena, ret, error);
    case VARVE_OP_PARKED_OK:
        DECODED(varve_decode_parked_ok(body, &count, error), json_pack("{s:o}", "count", number(count)));
    default: return decode_request(opcode, body, arena, ret, error);
    }
}
