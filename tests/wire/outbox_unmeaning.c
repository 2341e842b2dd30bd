/* outbox_unmeaning.c - JSON to frames of messages about outboxes. */
#include "wire_values.h"

static uint64_t value_uint(const json_t *m, const char *key)
{
    return (uint64_t)value_int(m, key);
}

static void encode_list_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "outboxes");
    size_t count = json_array_size(list);
    struct varve_outbox_entry *entries = value_room(count, sizeof(*entries));

    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);

        entries[i].name = value_text(entry, "name");
        entries[i].figures = value_stats(json_object_get(entry, "figures"), &entries[i].figure_count);
    }
    varve_encode_outbox_list_ok(out, id, entries, count);
}

static void encode_order(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_outbox_order order = {
        .action = (enum varve_outbox_action)value_int(m, "action"),
        .reset_to = (enum varve_outbox_reset)value_int(m, "reset_to"),
        .position = value_uint(m, "position"),
        .until = value_uint(m, "until"),
        .stream = value_text(m, "stream"),
        .type = value_text(m, "type"),
        .reason = value_text(m, "reason"),
    };

    varve_encode_outbox_order(out, id, value_text(m, "name"), &order);
}

static void encode_order_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_outbox_order_result result = { value_uint(m, "position"), value_uint(m, "count") };

    varve_encode_outbox_order_ok(out, id, &result);
}

static void encode_dead(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_outbox_dead_request request = { value_text(m, "name"), value_text(m, "stream"),
                                                       value_text(m, "after"), (uint32_t)value_int(m, "limit") };

    varve_encode_outbox_dead(out, id, &request);
}

static struct varve_dead_letter to_letter(const json_t *m)
{
    return (struct varve_dead_letter){
        .stream = value_text(m, "stream"),
        .position = value_uint(m, "position"),
        .version = value_uint(m, "version"),
        .waiting = value_uint(m, "waiting"),
        .skipped = value_bool(m, "skipped"),
        .retry_count = (uint32_t)value_int(m, "retry_count"),
        .error_code = value_text(m, "error_code"),
        .last_error = value_text(m, "last_error"),
        .first_attempt_us = value_int(m, "first_attempt"),
        .last_attempt_us = value_int(m, "last_attempt"),
    };
}

static void encode_dead_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "letters");
    size_t count = json_array_size(list);
    struct varve_dead_letter *letters = value_room(count, sizeof(*letters));

    for (size_t i = 0; i < count; i++)
        letters[i] = to_letter(json_array_get(list, i));
    varve_encode_outbox_dead_ok(out, id, letters, count, value_bool(m, "end"));
}

static void encode_history(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const struct varve_outbox_history_request request = { value_text(m, "name"), value_text(m, "stream"),
                                                          value_uint(m, "from_version"),
                                                          (uint32_t)value_int(m, "limit") };

    varve_encode_outbox_history(out, id, &request);
}

static struct varve_outbox_history_event to_event(const json_t *m)
{
    return (struct varve_outbox_history_event){
        .version = value_uint(m, "version"),
        .position = value_uint(m, "position"),
        .type = value_text(m, "type"),
        .recorded_at_us = value_int(m, "recorded_at"),
        .fate = (enum varve_outbox_fate)value_int(m, "fate"),
        .topic = value_text(m, "topic"),
        .published_at_us = value_time(m, "published_at"),
        .retry_count = (uint32_t)value_int(m, "retry_count"),
        .last_error = value_text(m, "last_error"),
    };
}

static void encode_history_ok(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    const json_t *list = json_object_get(m, "events");
    size_t count = json_array_size(list);
    struct varve_outbox_history_event *events = value_room(count, sizeof(*events));

    for (size_t i = 0; i < count; i++)
        events[i] = to_event(json_array_get(list, i));
    varve_encode_outbox_history_ok(out, id, events, count, value_bool(m, "end"));
}

static void encode_verified(struct varve_wire_buffer *out, uint32_t id, const json_t *m)
{
    size_t count;
    const struct varve_stat *figures = value_stats(json_object_get(m, "figures"), &count);

    varve_encode_outbox_verify_ok(out, id, figures, count);
}

bool outbox_meaning_encode(struct varve_wire_buffer *out, uint32_t id, uint8_t opcode, const json_t *m)
{
    switch (opcode) {
    case VARVE_OP_OUTBOX_LIST: varve_encode_outbox_list(out, id, value_text(m, "name")); return true;
    case VARVE_OP_OUTBOX_LIST_OK: encode_list_ok(out, id, m); return true;
    case VARVE_OP_OUTBOX_ORDER: encode_order(out, id, m); return true;
    case VARVE_OP_OUTBOX_ORDER_OK: encode_order_ok(out, id, m); return true;
    case VARVE_OP_OUTBOX_DEAD: encode_dead(out, id, m); return true;
    case VARVE_OP_OUTBOX_DEAD_OK: encode_dead_ok(out, id, m); return true;
    case VARVE_OP_OUTBOX_HISTORY: encode_history(out, id, m); return true;
    case VARVE_OP_OUTBOX_HISTORY_OK: encode_history_ok(out, id, m); return true;
    case VARVE_OP_OUTBOX_VERIFY:
        varve_encode_outbox_verify(out, id, value_text(m, "name"), value_uint(m, "depth"));
        return true;
    case VARVE_OP_OUTBOX_VERIFY_OK: encode_verified(out, id, m); return true;
    default: return false;
    }
}
