/* parked.c - PARKED_LIST, PARKED_REPLAY and PARKED_DISCARD: what a group has set aside, and what becomes of it. */
#include "group_settings.h"

#define ENTRY_FIELDS 11u
#define LEAST_ENTRY_BYTES (1 + ENTRY_FIELDS)

void varve_encode_parked(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                         const struct varve_parked_request *request)
{
    bool lists = opcode == VARVE_OP_PARKED_LIST, discards = opcode == VARVE_OP_PARKED_DISCARD;
    struct pack pack;

    pack_begin(&pack, out, opcode, request_id);
    pack_array(&pack, discards ? 4 : 3);
    pack_str(&pack, request->group);
    pack_uint_or_nil(&pack, request->position, lists ? UINT64_MAX : 0);
    pack_uint(&pack, request->limit);
    if (discards)
        pack_str_or_nil(&pack, request->reason);
    pack_end(&pack);
}

/* Of one event, or nil. */
static uint64_t decode_position_or_nil(struct fields *fields)
{
    return varve_pull_nil(&fields->pull) ? 0 : fields_uint(fields, "position", 1, UINT64_MAX);
}

enum varve_status varve_decode_parked(struct varve_view body, uint8_t opcode, struct varve_parked_request *ret,
                                      struct varve_error *error)
{
    bool lists = opcode == VARVE_OP_PARKED_LIST, discards = opcode == VARVE_OP_PARKED_DISCARD;
    struct varve_parked_request request = { 0 };
    struct fields fields;

    fields_begin(&fields, varve_opcode_name(opcode), body, error);
    uint32_t unknown = fields_open(&fields, discards ? 4 : 3);

    request.group = fields_group(&fields);
    request.position = lists ? fields_uint(&fields, "after", 0, UINT64_MAX - 1) : decode_position_or_nil(&fields);
    request.limit = (uint32_t)fields_uint(&fields, "limit", lists ? 1 : 0, lists ? VARVE_MAX_PARKED_LIST : UINT32_MAX);
    if (discards)
        request.reason = fields_reason(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

static void encode_entry(struct pack *pack, const struct varve_parked_event *event)
{
    pack_array(pack, ENTRY_FIELDS);
    pack_uint(pack, event->position);
    pack_str(pack, event->stream);
    pack_uint(pack, event->version);
    pack_str(pack, event->type);
    pack_uuid(pack, &event->id);
    pack_uint(pack, event->attempts);
    pack_str(pack, event->reason);
    pack_str_or_nil(pack, event->last_error);
    pack_int(pack, event->first_attempt_us);
    pack_int(pack, event->parked_at_us);
    pack_bool(pack, event->replaying);
}

static void decode_entry(struct fields *fields, struct varve_parked_event *event)
{
    uint32_t unknown = fields_open(fields, ENTRY_FIELDS);

    event->position = fields_uint(fields, "position", 1, UINT64_MAX);
    event->stream = varve_pull_str(&fields->pull);
    event->version = fields_uint(fields, "version", 0, UINT64_MAX);
    event->type = varve_pull_str(&fields->pull);
    event->id = fields_uuid(fields, "id");
    event->attempts = (uint32_t)fields_uint(fields, "attempts", 0, UINT32_MAX);
    event->reason = varve_pull_str(&fields->pull);
    event->last_error = varve_pull_str_or_nil(&fields->pull);
    event->first_attempt_us = fields_int(fields, "first_attempt", INT64_MIN, INT64_MAX);
    event->parked_at_us = fields_int(fields, "parked_at", INT64_MIN, INT64_MAX);
    event->replaying = varve_pull_bool(&fields->pull);
    fields_close(fields, unknown);
}

void varve_encode_parked_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_parked_event *events, size_t count, bool end)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_PARKED_LIST_OK, request_id);
    pack_array(&pack, 2);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        encode_entry(&pack, &events[i]);
    pack_bool(&pack, end);
    pack_end(&pack);
}

enum varve_status varve_decode_parked_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              const struct varve_parked_event **ret_events, size_t *ret_count,
                                              bool *ret_end, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "PARKED_LIST_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    uint32_t count = fields_list(&fields, "entries", LEAST_ENTRY_BYTES);
    struct varve_parked_event *events = fields_take(&fields, arena, count, sizeof(*events));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_entry(&fields, &events[i]);
    }
    fields_list_end(&fields);
    bool end = varve_pull_bool(&fields.pull);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_events = events;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}

void varve_encode_parked_ok(struct varve_wire_buffer *out, uint32_t request_id, uint32_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_PARKED_OK, request_id);
    pack_array(&pack, 1);
    pack_uint(&pack, count);
    pack_end(&pack);
}

enum varve_status varve_decode_parked_ok(struct varve_view body, uint32_t *ret_count, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "PARKED_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = (uint32_t)fields_uint(&fields, "count", 0, UINT32_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_count = count;
    return status;
}
