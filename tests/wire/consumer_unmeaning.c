/* consumer_unmeaning.c - JSON to frames of messages about subscriptions and groups. */
#include "wire_values.h"

static const struct varve_view *names(const json_t *m, const char *key, size_t *ret_count)
{
    const json_t *list = json_object_get(m, key);
    size_t count = json_array_size(list);
    struct varve_view *views = value_room(count, sizeof(*views));

    for (size_t i = 0; i < count; i++)
        views[i] = varve_view_str(json_string_value(json_array_get(list, i)));
    *ret_count = count;
    return views;
}

static struct varve_filter to_filter(const json_t *m)
{
    struct varve_filter filter = {
        .correlation_id = value_uuid(json_object_get(m, "correlation_id")),
        .classes = (unsigned)value_int(m, "classes"),
        .include_system = value_bool(m, "include_system"),
    };

    filter.streams = names(m, "streams", &filter.stream_count);
    filter.categories = names(m, "categories", &filter.category_count);
    filter.types = names(m, "types", &filter.type_count);
    filter.prefixes = names(m, "prefixes", &filter.prefix_count);
    return filter;
}

static void encode_subscribe(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_subscribe_request request = {
        .filter = to_filter(json_object_get(m, "filter")),
        .after = value_count(m, "after", VARVE_AFTER_END),
        .credit_bytes = (uint32_t)value_int(m, "credit_bytes"),
        .batch_bytes = (uint32_t)value_int(m, "batch_bytes"),
    };

    varve_encode_subscribe(out, id, &request);
}

static void encode_events(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "records");
    size_t count = json_array_size(list);
    const uint8_t **records = value_room(count, sizeof(*records));
    uint32_t *sizes = value_room(count, sizeof(*sizes));

    for (size_t i = 0; i < count; i++) {
        struct varve_view record = value_record(json_array_get(list, i));

        records[i] = (const uint8_t *)record.data;
        sizes[i] = (uint32_t)record.size;
    }
    varve_encode_events(out, id, records, sizes, (uint32_t)count, (uint64_t)value_int(m, "position"));
}

static struct varve_group_settings to_settings(const json_t *m)
{
    const json_t *backoffs = json_object_get(m, "backoff_ms");
    struct varve_filter *filter = value_room(1, sizeof(*filter));
    struct varve_group_settings settings = {
        .filter = filter,
        .key = (enum varve_group_key)value_int(m, "key"),
        .max_in_flight = (uint32_t)value_int(m, "max_in_flight"),
        .consumer_max_in_flight = (uint32_t)value_int(m, "consumer_max_in_flight"),
        .ack_timeout_ms = (uint32_t)value_int(m, "ack_timeout_ms"),
        .max_attempts = (uint32_t)value_int(m, "max_attempts"),
        .backoff_count = (uint32_t)json_array_size(backoffs),
    };

    *filter = to_filter(json_object_get(m, "filter"));
    for (uint32_t i = 0; i < settings.backoff_count; i++)
        settings.backoff_ms[i] = (uint32_t)json_integer_value(json_array_get(backoffs, i));
    return settings;
}

static void encode_group(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    const json_t *settings = json_object_get(m, "settings");
    struct varve_group_request request = { .group = value_text(m, "group"), .has_settings = json_is_object(settings) };

    if (request.has_settings)
        request.settings = to_settings(settings);
    if (opcode == VARVE_OP_GROUP_UPDATE)
        request.resume = value_bool(m, "resume");
    if (opcode == VARVE_OP_GROUP_CREATE || opcode == VARVE_OP_GROUP_RESET)
        request.after = value_count(m, "after", VARVE_AFTER_END);
    varve_encode_group(out, id, opcode, &request);
}

static struct varve_group_info to_info(const json_t *m)
{
    const json_t *list = json_object_get(m, "consumers");
    size_t count = json_array_size(list);
    struct varve_group_consumer *consumers = value_room(count, sizeof(*consumers));

    for (size_t i = 0; i < count; i++) {
        const json_t *consumer = json_array_get(list, i);

        consumers[i] = (struct varve_group_consumer){ value_text(consumer, "consumer"),
                                                      (uint64_t)value_int(consumer, "epoch"),
                                                      (uint32_t)value_int(consumer, "in_flight"),
                                                      (uint32_t)value_int(consumer, "max_in_flight") };
    }
    return (struct varve_group_info){
        .name = value_text(m, "name"),
        .settings = to_settings(json_object_get(m, "settings")),
        .stopped = !json_is_null(json_object_get(m, "stop_reason")),
        .stop_reason = value_text(m, "stop_reason"),
        .checkpoint = (uint64_t)value_int(m, "checkpoint"),
        .last_position = (uint64_t)value_int(m, "last_position"),
        .in_flight = (uint64_t)value_int(m, "in_flight"),
        .retrying = (uint64_t)value_int(m, "retrying"),
        .parked = (uint64_t)value_int(m, "parked"),
        .acked = (uint64_t)value_int(m, "acked"),
        .redelivered = (uint64_t)value_int(m, "redelivered"),
        .created_at_us = value_int(m, "created_at"),
        .consumers = consumers,
        .consumer_count = count,
    };
}

static void encode_group_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_group_info info = to_info(m);

    varve_encode_group_ok(out, id, &info);
}

static void encode_group_list_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "groups");
    size_t count = json_array_size(list);
    struct varve_group_info *infos = value_room(count, sizeof(*infos));

    for (size_t i = 0; i < count; i++)
        infos[i] = to_info(json_array_get(list, i));
    varve_encode_group_list_ok(out, id, infos, count);
}

static void encode_join(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_group_join join = { value_text(m, "group"), value_text(m, "consumer"),
                                           (uint32_t)value_int(m, "max_in_flight"),
                                           (uint32_t)value_int(m, "credit_bytes"), value_bool(m, "takeover") };

    varve_encode_group_join(out, id, &join);
}

static void encode_deliveries(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "deliveries");
    size_t count = json_array_size(list);
    struct varve_delivery *deliveries = value_room(count, sizeof(*deliveries));

    for (size_t i = 0; i < count; i++) {
        const json_t *delivery = json_array_get(list, i);

        deliveries[i].attempt = (uint32_t)value_int(delivery, "attempt");
        deliveries[i].record = value_record(json_object_get(delivery, "record"));
    }
    varve_encode_group_events(out, id, deliveries, (uint32_t)count);
}

static void encode_ack(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    const json_t *list = json_object_get(m, "positions");
    struct varve_group_ack ack = { .group = value_text(m, "group"), .epoch = (uint64_t)value_int(m, "epoch"),
                                   .count = json_array_size(list) };
    uint64_t *positions = value_room(ack.count, sizeof(*positions));

    for (size_t i = 0; i < ack.count; i++)
        positions[i] = (uint64_t)json_integer_value(json_array_get(list, i));
    ack.positions = positions;
    if (opcode == VARVE_OP_GROUP_NACK) {
        ack.action = (enum varve_nack)value_int(m, "action");
        ack.wait_ms = (uint32_t)value_count(m, "retry_after_ms", VARVE_RETRY_BACKOFF);
        ack.reason = value_text(m, "reason");
    } else if (opcode == VARVE_OP_GROUP_EXTEND) {
        ack.wait_ms = (uint32_t)value_int(m, "by_ms");
    }
    varve_encode_group_ack(out, id, opcode, &ack);
}

static void encode_ack_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "refused");
    size_t count = json_array_size(list);
    struct varve_refused_ack *refused = value_room(count, sizeof(*refused));

    for (size_t i = 0; i < count; i++) {
        refused[i].position = (uint64_t)value_int(json_array_get(list, i), "position");
        refused[i].status = (enum varve_status)value_int(json_array_get(list, i), "status");
    }
    varve_encode_group_ack_ok(out, id, (uint32_t)value_int(m, "done"), refused, count);
}

static void encode_parked(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    bool lists = opcode == VARVE_OP_PARKED_LIST;
    struct varve_parked_request request = { .group = value_text(m, "group"), .limit = (uint32_t)value_int(m, "limit") };

    request.position = lists ? (uint64_t)value_int(m, "after") : value_count(m, "position", 0);
    if (opcode == VARVE_OP_PARKED_DISCARD)
        request.reason = value_text(m, "reason");
    varve_encode_parked(out, id, opcode, &request);
}

static void encode_entries(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "entries");
    size_t count = json_array_size(list);
    struct varve_parked_event *events = value_room(count, sizeof(*events));

    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);

        events[i] = (struct varve_parked_event){
            .position = (uint64_t)value_int(entry, "position"),
            .stream = value_text(entry, "stream"),
            .type = value_text(entry, "type"),
            .version = (uint64_t)value_int(entry, "version"),
            .id = value_uuid(json_object_get(entry, "id")),
            .attempts = (uint32_t)value_int(entry, "attempts"),
            .reason = value_text(entry, "reason"),
            .last_error = value_text(entry, "last_error"),
            .first_attempt_us = value_int(entry, "first_attempt"),
            .parked_at_us = value_int(entry, "parked_at"),
            .replaying = value_bool(entry, "replaying"),
        };
    }
    varve_encode_parked_list_ok(out, id, events, count, value_bool(m, "end"));
}

static bool encode_answer(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_SUBSCRIBED:
        varve_encode_subscribed(out, id, (uint64_t)value_int(m, "after"), (uint64_t)value_int(m, "last_position"));
        return true;
    case VARVE_OP_EVENTS: encode_events(out, id, m); return true;
    case VARVE_OP_CAUGHT_UP ... VARVE_OP_CHECKPOINT:
        varve_encode_position(out, id, opcode, (uint64_t)value_int(m, "position"));
        return true;
    case VARVE_OP_GROUP_OK: encode_group_ok(out, id, m); return true;
    case VARVE_OP_GROUP_LIST_OK: encode_group_list_ok(out, id, m); return true;
    case VARVE_OP_GROUP_JOINED:
        varve_encode_group_joined(out, id, (uint64_t)value_int(m, "epoch"), (uint64_t)value_int(m, "checkpoint"),
                                  (uint32_t)value_int(m, "ack_timeout_ms"));
        return true;
    case VARVE_OP_GROUP_EVENTS: encode_deliveries(out, id, m); return true;
    case VARVE_OP_GROUP_ACK_OK: encode_ack_ok(out, id, m); return true;
    case VARVE_OP_PARKED_LIST_OK: encode_entries(out, id, m); return true;
    case VARVE_OP_PARKED_OK: varve_encode_parked_ok(out, id, (uint32_t)value_int(m, "count")); return true;
    default: return state_meaning_encode(out, id, opcode, m);
    }
}

bool consumer_meaning_encode(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_SUBSCRIBE: encode_subscribe(out, id, m); return true;
    case VARVE_OP_GROUP_CREATE ... VARVE_OP_GROUP_INFO: encode_group(out, id, opcode, m); return true;
    case VARVE_OP_GROUP_LIST: varve_encode_group_list(out, id); return true;
    case VARVE_OP_GROUP_JOIN: encode_join(out, id, m); return true;
    case VARVE_OP_GROUP_ACK ... VARVE_OP_GROUP_EXTEND: encode_ack(out, id, opcode, m); return true;
    case VARVE_OP_PARKED_LIST ... VARVE_OP_PARKED_DISCARD: encode_parked(out, id, opcode, m); return true;
    default: return encode_answer(out, id, opcode, m);
    }
}
