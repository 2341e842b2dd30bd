/* outbox_order.c - OUTBOX_ORDER: what an operator wants of an outbox. */
#include "outbox_name.h"
#include "pack.h"
#include "varve/wire_outbox.h"

#define ORDER_FIELDS 8u

void varve_encode_outbox_order(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view name,
                               const struct varve_outbox_order *order)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_ORDER, request_id);
    pack_array(&pack, ORDER_FIELDS);
    pack_str(&pack, name);
    pack_uint(&pack, order->action);
    pack_uint(&pack, order->reset_to);
    pack_uint(&pack, order->position);
    pack_uint(&pack, order->until);
    pack_str_or_nil(&pack, order->stream);
    pack_str_or_nil(&pack, order->type);
    pack_str_or_nil(&pack, order->reason);
    pack_end(&pack);
}

static struct varve_view decode_text_or_nil(struct fields *fields, const char *field, size_t max_bytes)
{
    struct varve_view text = varve_pull_str_or_nil(&fields->pull);

    if (text.data != NULL)
        fields_check_text(fields, field, text, max_bytes);
    return text;
}

/* Positions count from 1; 0 says something only where the action gives it a meaning. */
static void check_positions(struct fields *fields, const struct varve_outbox_order *order)
{
    bool names_event = order->action == VARVE_OUTBOX_DISCARD || order->action == VARVE_OUTBOX_REPLAY;

    if (names_event && order->position == 0)
        fields_bad(fields, "position", "expected that of an event: 1 or above");
    if (order->action == VARVE_OUTBOX_REPLAY && order->until != 0 && order->until < order->position)
        fields_bad(fields, "until", "expected 0, or a position that does not come before the first");
}

enum varve_status varve_decode_outbox_order(struct varve_view body, struct varve_view *ret_name,
                                            struct varve_outbox_order *ret, struct varve_error *error)
{
    struct varve_outbox_order order = { 0 };
    struct fields fields;

    fields_begin(&fields, "OUTBOX_ORDER", body, error);
    uint32_t unknown = fields_open(&fields, ORDER_FIELDS);
    struct varve_view name = fields_outbox(&fields);

    order.action = (enum varve_outbox_action)fields_uint(&fields, "action", 0, VARVE_OUTBOX_ACTIONS - 1);
    order.reset_to = (enum varve_outbox_reset)fields_uint(&fields, "reset_to", 0, VARVE_RESET_KAFKA_TAIL);
    order.position = fields_uint(&fields, "position", 0, UINT64_MAX);
    order.until = fields_uint(&fields, "until", 0, UINT64_MAX);
    check_positions(&fields, &order);
    order.stream = fields_stream_or_nil(&fields);
    order.type = decode_text_or_nil(&fields, "type", VARVE_MAX_TYPE);
    order.reason = decode_text_or_nil(&fields, "reason", VARVE_MAX_OUTBOX_REASON);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_name = name;
    *ret = order;
    return VARVE_OK;
}

void varve_encode_outbox_order_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                  const struct varve_outbox_order_result *result)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_ORDER_OK, request_id);
    pack_array(&pack, 2);
    pack_uint(&pack, result->position);
    pack_uint(&pack, result->count);
    pack_end(&pack);
}

enum varve_status varve_decode_outbox_order_ok(struct varve_view body, struct varve_outbox_order_result *ret,
                                               struct varve_error *error)
{
    struct varve_outbox_order_result result;
    struct fields fields;

    fields_begin(&fields, "OUTBOX_ORDER_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);

    result.position = fields_uint(&fields, "position", 0, UINT64_MAX);
    result.count = fields_uint(&fields, "count", 0, UINT64_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = result;
    return status;
}
