/* subscribe.c - SUBSCRIBE and what comes of it: events, and how far the log was looked at. */
#include "filter.h"

#define SUBSCRIBE_FIELDS 4u

void varve_encode_subscribe(struct varve_wire_buffer *out, uint32_t request_id,
                            const struct varve_subscribe_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SUBSCRIBE, request_id);
    pack_array(&pack, SUBSCRIBE_FIELDS);
    pack_filter(&pack, &request->filter);
    pack_uint_or_nil(&pack, request->after, VARVE_AFTER_END);
    pack_uint(&pack, request->credit_bytes);
    pack_uint(&pack, request->batch_bytes);
    pack_end(&pack);
}

enum varve_status varve_decode_subscribe(struct varve_view body, struct varve_wire_arena *arena,
                                         struct varve_subscribe_request *ret, struct varve_error *error)
{
    struct varve_subscribe_request request = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "SUBSCRIBE", body, error);
    uint32_t unknown = fields_open(&fields, SUBSCRIBE_FIELDS);

    fields_filter(&fields, arena, &request.filter);
    if (!fields.pull.failed && fields.status == VARVE_OK)
        fields.status = varve_filter_check(&request.filter, error);
    request.after = fields_uint_or_nil(&fields, "after", VARVE_AFTER_END - 1, VARVE_AFTER_END);
    request.credit_bytes = (uint32_t)fields_uint(&fields, "credit_bytes", 1, UINT32_MAX);
    request.batch_bytes = (uint32_t)fields_uint(&fields, "batch_bytes", 0, UINT32_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

void varve_encode_subscribed(struct varve_wire_buffer *out, uint32_t request_id, uint64_t after,
                             uint64_t last_position)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SUBSCRIBED, request_id);
    pack_array(&pack, 2);
    pack_uint(&pack, after);
    pack_uint(&pack, last_position);
    pack_end(&pack);
}

enum varve_status varve_decode_subscribed(struct varve_view body, uint64_t *ret_after, uint64_t *ret_last_position,
                                          struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "SUBSCRIBED", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    uint64_t after = fields_uint(&fields, "after", 0, UINT64_MAX);
    uint64_t last_position = fields_uint(&fields, "last_position", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_after = after;
    *ret_last_position = last_position;
    return VARVE_OK;
}

void varve_encode_events(struct varve_wire_buffer *out, uint32_t request_id, const uint8_t *const *records,
                         const uint32_t *sizes, uint32_t count, uint64_t position)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_EVENTS, request_id);
    pack_array(&pack, 2);
    pack_records(&pack, records, sizes, count);
    pack_uint(&pack, position);
    pack_end(&pack);
}

enum varve_status varve_decode_events(struct varve_view body, struct varve_wire_arena *arena,
                                      const struct varve_view **ret_records, uint32_t *ret_count,
                                      uint64_t *ret_position, struct varve_error *error)
{
    struct fields fields;
    uint32_t count;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "EVENTS", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    const struct varve_view *records = fields_records(&fields, arena, &count);
    uint64_t position = fields_uint(&fields, "position", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_records = records;
    *ret_count = count;
    *ret_position = position;
    return VARVE_OK;
}

void varve_encode_position(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode, uint64_t position)
{
    struct pack pack;

    pack_begin(&pack, out, opcode, request_id);
    pack_array(&pack, 1);
    pack_uint(&pack, position);
    pack_end(&pack);
}

enum varve_status varve_decode_position(struct varve_view body, uint8_t opcode, uint64_t *ret_position,
                                        struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, varve_opcode_name(opcode), body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint64_t position = fields_uint(&fields, "position", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_position = position;
    return status;
}
