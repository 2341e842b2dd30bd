/* group.c - what is asked about whole consumer groups: GROUP_CREATE, GROUP_UPDATE, GROUP_RESET, GROUP_DELETE,
 * GROUP_INFO and GROUP_LIST. What is answered is in group_info.c. */
#include "group_settings.h"

/* How many fields follow the group's name. */
static uint32_t fields_after_name(uint8_t opcode)
{
    switch (opcode) {
    case VARVE_OP_GROUP_CREATE:
    case VARVE_OP_GROUP_UPDATE: return 2;
    case VARVE_OP_GROUP_RESET: return 1;
    default: return 0;
    }
}

void varve_encode_group(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                        const struct varve_group_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, opcode, request_id);
    pack_array(&pack, 1 + fields_after_name(opcode));
    pack_str(&pack, request->group);
    if (opcode == VARVE_OP_GROUP_CREATE || (opcode == VARVE_OP_GROUP_UPDATE && request->has_settings))
        pack_group_settings(&pack, &request->settings);
    else if (opcode == VARVE_OP_GROUP_UPDATE)
        pack_nil(&pack);
    if (opcode == VARVE_OP_GROUP_UPDATE)
        pack_bool(&pack, request->resume);
    if (opcode == VARVE_OP_GROUP_CREATE || opcode == VARVE_OP_GROUP_RESET)
        pack_uint_or_nil(&pack, request->after, VARVE_AFTER_END);
    pack_end(&pack);
}

static void decode_settings(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_request *request)
{
    fields_group_settings(fields, arena, &request->settings);
    request->has_settings = true;
    if (!fields->pull.failed && fields->status == VARVE_OK)
        fields->status = varve_group_settings_check(&request->settings, fields->error);
}

enum varve_status varve_decode_group(struct varve_view body, uint8_t opcode, struct varve_wire_arena *arena,
                                     struct varve_group_request *ret, struct varve_error *error)
{
    struct varve_group_request request = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, varve_opcode_name(opcode), body, error);
    uint32_t unknown = fields_open(&fields, 1 + fields_after_name(opcode));

    request.group = fields_group(&fields);
    if (opcode == VARVE_OP_GROUP_CREATE)
        decode_settings(&fields, arena, &request);
    if (opcode == VARVE_OP_GROUP_UPDATE) {
        if (!varve_pull_nil(&fields.pull))
            decode_settings(&fields, arena, &request);
        request.resume = varve_pull_bool(&fields.pull);
    }
    if (opcode == VARVE_OP_GROUP_CREATE || opcode == VARVE_OP_GROUP_RESET)
        request.after = fields_uint_or_nil(&fields, "after", VARVE_AFTER_END - 1, VARVE_AFTER_END);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

void varve_encode_group_list(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_GROUP_LIST, request_id);
}
