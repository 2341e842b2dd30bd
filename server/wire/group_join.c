/* group_join.c - GROUP_JOIN and what a member is sent: that it is one, and events. */
#include "group_settings.h"

#define JOIN_FIELDS 5u
#define DELIVERY_FIELDS 2u
#define LEAST_DELIVERY_BYTES 4u /* an array, a number, a record's bin */

void varve_encode_group_join(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_group_join *join)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GROUP_JOIN, request_id);
    pack_array(&pack, JOIN_FIELDS);
    pack_str(&pack, join->group);
    pack_str(&pack, join->consumer);
    pack_uint(&pack, join->max_in_flight);
    pack_uint(&pack, join->credit_bytes);
    pack_bool(&pack, join->takeover);
    pack_end(&pack);
}

enum varve_status varve_decode_group_join(struct varve_view body, struct varve_group_join *ret,
                                          struct varve_error *error)
{
    struct varve_group_join join = { 0 };
    struct fields fields;

    fields_begin(&fields, "GROUP_JOIN", body, error);
    uint32_t unknown = fields_open(&fields, JOIN_FIELDS);

    join.group = fields_group(&fields);
    join.consumer = varve_pull_str(&fields.pull);
    fields_check_text(&fields, "consumer", join.consumer, VARVE_MAX_CONSUMER_NAME);
    join.max_in_flight = (uint32_t)fields_uint(&fields, "max_in_flight", 0, VARVE_MAX_IN_FLIGHT);
    join.credit_bytes = (uint32_t)fields_uint(&fields, "credit_bytes", 1, UINT32_MAX);
    join.takeover = varve_pull_bool(&fields.pull);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = join;
    return status;
}

void varve_encode_group_joined(struct varve_wire_buffer *out, uint32_t request_id, uint64_t epoch, uint64_t checkpoint,
                               uint32_t ack_timeout_ms)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GROUP_JOINED, request_id);
    pack_array(&pack, 3);
    pack_uint(&pack, epoch);
    pack_uint(&pack, checkpoint);
    pack_uint(&pack, ack_timeout_ms);
    pack_end(&pack);
}

enum varve_status varve_decode_group_joined(struct varve_view body, uint64_t *ret_epoch, uint64_t *ret_checkpoint,
                                            uint32_t *ret_ack_timeout_ms, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "GROUP_JOINED", body, error);
    uint32_t unknown = fields_open(&fields, 3);
    uint64_t epoch = fields_uint(&fields, "epoch", 1, UINT64_MAX);
    uint64_t checkpoint = fields_uint(&fields, "checkpoint", 0, UINT64_MAX);
    uint32_t ack_timeout_ms = (uint32_t)fields_uint(&fields, "ack_timeout_ms", 0, UINT32_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_epoch = epoch;
    *ret_checkpoint = checkpoint;
    *ret_ack_timeout_ms = ack_timeout_ms;
    return VARVE_OK;
}

void varve_encode_group_events(struct varve_wire_buffer *out, uint32_t request_id,
                               const struct varve_delivery *deliveries, uint32_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GROUP_EVENTS, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, count);
    for (uint32_t i = 0; i < count; i++) {
        pack_array(&pack, DELIVERY_FIELDS);
        pack_uint(&pack, deliveries[i].attempt);
        pack_bin(&pack, deliveries[i].record);
    }
    pack_end(&pack);
}

enum varve_status varve_decode_group_events(struct varve_view body, struct varve_wire_arena *arena,
                                            const struct varve_delivery **ret_deliveries, uint32_t *ret_count,
                                            struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "GROUP_EVENTS", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = fields_list(&fields, "deliveries", LEAST_DELIVERY_BYTES);
    struct varve_delivery *deliveries = fields_take(&fields, arena, count, sizeof(*deliveries));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        uint32_t more = fields_open(&fields, DELIVERY_FIELDS);

        deliveries[i].attempt = (uint32_t)fields_uint(&fields, "attempt", 1, UINT32_MAX);
        deliveries[i].record = varve_pull_bin(&fields.pull);
        fields_close(&fields, more);
    }
    fields_list_end(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_deliveries = deliveries;
    *ret_count = count;
    return VARVE_OK;
}
