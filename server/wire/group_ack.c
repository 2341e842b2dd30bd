/* group_ack.c - GROUP_ACK, GROUP_NACK and GROUP_EXTEND, what a member says about the events it was sent, and the answer
 * to them. */
#include "group_ack.h"

#include "group_settings.h"

#define LEAST_REFUSED_BYTES 3u

/* How many fields follow the positions. */
static uint32_t fields_after_positions(uint8_t opcode)
{
    switch (opcode) {
    case VARVE_OP_GROUP_NACK: return 3;
    case VARVE_OP_GROUP_EXTEND: return 1;
    default: return 0;
    }
}

void pack_acked(struct pack *pack, const struct varve_group_ack *ack)
{
    pack_str(pack, ack->group);
    pack_uint(pack, ack->epoch);
    pack_array(pack, ack->count);
    for (size_t i = 0; i < ack->count; i++)
        pack_uint(pack, ack->positions[i]);
}

void varve_encode_group_ack(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                            const struct varve_group_ack *ack)
{
    struct pack pack;

    pack_begin(&pack, out, opcode, request_id);
    pack_array(&pack, 3 + fields_after_positions(opcode));
    pack_acked(&pack, ack);
    if (opcode == VARVE_OP_GROUP_NACK) {
        pack_uint(&pack, ack->action);
        pack_uint_or_nil(&pack, ack->wait_ms, VARVE_RETRY_BACKOFF);
        pack_str_or_nil(&pack, ack->reason);
    } else if (opcode == VARVE_OP_GROUP_EXTEND) {
        pack_uint(&pack, ack->wait_ms);
    }
    pack_end(&pack);
}

/* More than may be are only looked at. */
static void decode_positions(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_ack *ack)
{
    uint32_t count = fields_list(fields, "positions", 1);
    uint32_t kept = count < VARVE_MAX_ACKS ? count : VARVE_MAX_ACKS;
    uint64_t *positions = fields_take(fields, arena, kept, sizeof(*positions));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint64_t position = fields_uint(fields, "", 1, UINT64_MAX);

        if (i < kept)
            positions[i] = position;
    }
    fields_list_end(fields);
    if (count < 1 || count > VARVE_MAX_ACKS)
        fields_bad(fields, "positions", "expected 1 to %u of them", VARVE_MAX_ACKS);
    ack->positions = positions;
    ack->count = kept;
}

void fields_acked(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_ack *ret)
{
    ret->group = fields_group(fields);
    ret->epoch = fields_uint(fields, "epoch", 1, UINT64_MAX);
    decode_positions(fields, arena, ret);
}

static void decode_nack(struct fields *fields, struct varve_group_ack *ack)
{
    ack->action = (enum varve_nack)fields_uint(fields, "action", 0, VARVE_NACK_STOP);
    ack->wait_ms = (uint32_t)fields_uint_or_nil(fields, "retry_after_ms", VARVE_MAX_WAIT_MS, VARVE_RETRY_BACKOFF);
    ack->reason = fields_reason(fields);
}

enum varve_status varve_decode_group_ack(struct varve_view body, uint8_t opcode, struct varve_wire_arena *arena,
                                         struct varve_group_ack *ret, struct varve_error *error)
{
    struct varve_group_ack ack = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, varve_opcode_name(opcode), body, error);
    uint32_t unknown = fields_open(&fields, 3 + fields_after_positions(opcode));

    fields_acked(&fields, arena, &ack);
    if (opcode == VARVE_OP_GROUP_NACK)
        decode_nack(&fields, &ack);
    else if (opcode == VARVE_OP_GROUP_EXTEND)
        ack.wait_ms = (uint32_t)fields_uint(&fields, "by_ms", 1, VARVE_MAX_WAIT_MS);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = ack;
    return status;
}

void varve_encode_group_ack_ok(struct varve_wire_buffer *out, uint32_t request_id, uint32_t done,
                               const struct varve_refused_ack *refused, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GROUP_ACK_OK, request_id);
    pack_array(&pack, 2);
    pack_uint(&pack, done);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(&pack, 2);
        pack_uint(&pack, refused[i].position);
        pack_uint(&pack, refused[i].status);
    }
    pack_end(&pack);
}

enum varve_status varve_decode_group_ack_ok(struct varve_view body, struct varve_wire_arena *arena, uint32_t *ret_done,
                                            const struct varve_refused_ack **ret_refused, size_t *ret_count,
                                            struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "GROUP_ACK_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    uint32_t done = (uint32_t)fields_uint(&fields, "done", 0, UINT32_MAX);
    uint32_t count = fields_list(&fields, "refused", LEAST_REFUSED_BYTES);
    struct varve_refused_ack *refused = fields_take(&fields, arena, count, sizeof(*refused));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        uint32_t more = fields_open(&fields, 2);

        refused[i].position = fields_uint(&fields, "position", 0, UINT64_MAX);
        refused[i].status = (enum varve_status)fields_uint(&fields, "status", 1, INT32_MAX);
        fields_close(&fields, more);
    }
    fields_list_end(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_done = done;
    *ret_refused = refused;
    *ret_count = count;
    return VARVE_OK;
}
