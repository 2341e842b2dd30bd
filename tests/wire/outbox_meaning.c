/* outbox_meaning.c - bodies of messages about outboxes to JSON. */
#include "wire_values.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *set(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
    return object;
}

static json_t *of_entries(const struct varve_outbox_entry *entries, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o}", "name", json_of_text(entries[i].name), "figures",
                                              json_of_stats(entries[i].figures, entries[i].figure_count)));
    return json_pack("{s:o}", "outboxes", list);
}

static json_t *of_order(struct varve_view name, const struct varve_outbox_order *order)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "name", json_of_text(name), "action",
                               number(order->action), "reset_to", number(order->reset_to), "position",
                               number(order->position), "until", number(order->until));

    set(object, "stream", json_of_text(order->stream));
    set(object, "type", json_of_text(order->type));
    return set(object, "reason", json_of_text(order->reason));
}

static json_t *of_letter(const struct varve_dead_letter *letter)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:b}", "stream", json_of_text(letter->stream), "position",
                               number(letter->position), "version", number(letter->version), "waiting",
                               number(letter->waiting), "skipped", letter->skipped);

    set(object, "retry_count", number(letter->retry_count));
    set(object, "error_code", json_of_text(letter->error_code));
    set(object, "last_error", json_of_text(letter->last_error));
    set(object, "first_attempt", json_integer(letter->first_attempt_us));
    return set(object, "last_attempt", json_integer(letter->last_attempt_us));
}

static json_t *of_event(const struct varve_outbox_history_event *event)
{
    json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "version", number(event->version), "position",
                               number(event->position), "type", json_of_text(event->type), "recorded_at",
                               json_integer(event->recorded_at_us), "fate", number(event->fate));

    set(object, "topic", json_of_text(event->topic));
    set(object, "published_at", json_of_time(event->published_at_us));
    set(object, "retry_count", number(event->retry_count));
    return set(object, "last_error", json_of_text(event->last_error));
}

static enum varve_status decode_list(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                     struct varve_error *error)
{
    const struct varve_outbox_entry *entries;
    size_t count;
    enum varve_status status = varve_decode_outbox_list_ok(body, arena, &entries, &count, error);

    if (status == VARVE_OK)
        *ret = of_entries(entries, count);
    return status;
}

static enum varve_status decode_dead(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                     struct varve_error *error)
{
    const struct varve_dead_letter *letters;
    size_t count;
    bool end;
    enum varve_status status = varve_decode_outbox_dead_ok(body, arena, &letters, &count, &end, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, of_letter(&letters[i]));
    *ret = json_pack("{s:o, s:b}", "letters", list, "end", end);
    return VARVE_OK;
}

static enum varve_status decode_history(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                        struct varve_error *error)
{
    const struct varve_outbox_history_event *events;
    size_t count;
    bool end;
    enum varve_status status = varve_decode_outbox_history_ok(body, arena, &events, &count, &end, error);

    if (status != VARVE_OK)
        return status;

    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, of_event(&events[i]));
    *ret = json_pack("{s:o, s:b}", "events", list, "end", end);
    return VARVE_OK;
}

static enum varve_status decode_verified(struct varve_view body, struct varve_wire_arena *arena, json_t **ret,
                                         struct varve_error *error)
{
    const struct varve_stat *figures;
    size_t count;
    enum varve_status status = varve_decode_outbox_verify_ok(body, arena, &figures, &count, error);

    if (status == VARVE_OK)
        *ret = json_pack("{s:o}", "figures", json_of_stats(figures, count));
    return status;
}

#define DECODED(decode, value) \
    do { \
        enum varve_status status_ = (decode); \
        if (status_ == VARVE_OK) \
            *ret = (value); \
        return status_; \
    } while (0)

enum varve_status outbox_meaning_decode(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                                        json_t **ret, struct varve_error *error)
{
    struct varve_view name;
    struct varve_outbox_order order;
    struct varve_outbox_order_result result;
    struct varve_outbox_dead_request dead;
    struct varve_outbox_history_request history;
    uint64_t depth;

    switch (opcode) {
    case VARVE_OP_OUTBOX_LIST:
        DECODED(varve_decode_outbox_list(body, &name, error), json_pack("{s:o}", "name", json_of_text(name)));
    case VARVE_OP_OUTBOX_LIST_OK: return decode_list(body, arena, ret, error);
    case VARVE_OP_OUTBOX_ORDER:
        DECODED(varve_decode_outbox_order(body, &name, &order, error), of_order(name, &order));
    case VARVE_OP_OUTBOX_ORDER_OK:
        DECODED(varve_decode_outbox_order_ok(body, &result, error),
                json_pack("{s:o, s:o}", "position", number(result.position), "count", number(result.count)));
    case VARVE_OP_OUTBOX_DEAD:
        DECODED(varve_decode_outbox_dead(body, &dead, error),
                json_pack("{s:o, s:o, s:o, s:o}", "name", json_of_text(dead.name), "stream", json_of_text(dead.stream),
                          "after", json_of_text(dead.after), "limit", number(dead.limit)));
    case VARVE_OP_OUTBOX_DEAD_OK: return decode_dead(body, arena, ret, error);
    case VARVE_OP_OUTBOX_HISTORY:
        DECODED(varve_decode_outbox_history(body, &history, error),
                json_pack("{s:o, s:o, s:o, s:o}", "name", json_of_text(history.name), "stream",
                          json_of_text(history.stream), "from_version", number(history.from_version), "limit",
                          number(history.limit)));
    case VARVE_OP_OUTBOX_HISTORY_OK: return decode_history(body, arena, ret, error);
    case VARVE_OP_OUTBOX_VERIFY:
        DECODED(varve_decode_outbox_verify(body, &name, &depth, error),
                json_pack("{s:o, s:o}", "name", json_of_text(name), "depth", number(depth)));
    case VARVE_OP_OUTBOX_VERIFY_OK: return decode_verified(body, arena, ret, error);
    default: return VARVE_UNSUPPORTED;
    }
}
