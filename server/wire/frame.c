/* frame.c - the 16 bytes before every body, and the names of the opcodes. */
#include "varve/wire.h"

#include <string.h>

static const uint8_t magic[2] = { 'V', 0xa6 };

static uint16_t get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)get_u16(at) << 16 | get_u16(at + 2);
}

static void put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, (uint16_t)(value >> 16));
    put_u16(at + 2, (uint16_t)value);
}

/* Magic and length stand at the same place in every version, flags and the reserved bytes are version 1's. */
enum varve_status varve_frame_decode(const uint8_t header[VARVE_WIRE_HEADER], uint32_t max_length,
                                     struct varve_frame *ret_frame, struct varve_error *error)
{
    const struct varve_frame frame = {
        .version = header[2],
        .opcode = header[3],
        .flags = get_u16(header + 4),
        .length = get_u32(header + 8),
        .request_id = get_u32(header + 12),
    };

    if (memcmp(header, magic, sizeof(magic)) != 0)
        return varve_fail(error, VARVE_PROTOCOL, NULL, "frame begins with %02x %02x, expected 56 a6", header[0],
                          header[1]);
    if (frame.version == VARVE_WIRE_VERSION && frame.flags != 0)
        return varve_fail(error, VARVE_PROTOCOL, NULL, "frame has flags %04x, expected none", frame.flags);
    if (frame.version == VARVE_WIRE_VERSION && get_u16(header + 6) != 0)
        return varve_fail(error, VARVE_PROTOCOL, NULL, "frame's bytes 6 and 7 are %02x %02x, expected 00 00", header[6],
                          header[7]);
    if (frame.length > max_length)
        return varve_fail(error, VARVE_PROTOCOL, NULL, "frame's body has %u bytes, at most %u are taken", frame.length,
                          max_length);
    *ret_frame = frame;
    return VARVE_OK;
}

void varve_frame_encode(const struct varve_frame *frame, uint8_t header[VARVE_WIRE_HEADER])
{
    memcpy(header, magic, sizeof(magic));
    header[2] = frame->version;
    header[3] = frame->opcode;
    put_u16(header + 4, frame->flags);
    put_u16(header + 6, 0);
    put_u32(header + 8, frame->length);
    put_u32(header + 12, frame->request_id);
}

#define NAME(opcode) [VARVE_OP_##opcode] = #opcode
static const char *const names[256] = {
    NAME(HELLO), NAME(PING), NAME(APPEND), NAME(READ), NAME(CREDIT), NAME(CANCEL), NAME(STREAM_INFO), NAME(STREAM_LIST),
    NAME(STREAM_CHANGE), NAME(FIND), NAME(GET), NAME(STATS), NAME(HEALTH), NAME(HEALTH_OK),
    NAME(CONFIG), NAME(CONFIG_OK),
    NAME(SUBSCRIBE), NAME(GROUP_CREATE), NAME(GROUP_UPDATE),
    NAME(GROUP_DELETE), NAME(GROUP_RESET), NAME(GROUP_INFO), NAME(GROUP_LIST), NAME(GROUP_JOIN), NAME(GROUP_ACK),
    NAME(GROUP_NACK), NAME(GROUP_EXTEND), NAME(PARKED_LIST), NAME(PARKED_REPLAY), NAME(PARKED_DISCARD), NAME(TRANSACT),
    NAME(SAGA_GET), NAME(SAGA_LIST), NAME(SAGA_COUNTS), NAME(SAGA_CLAIM), NAME(SNAPSHOT_PUT), NAME(SNAPSHOT_GET),
    NAME(SNAPSHOT_LIST), NAME(SNAPSHOT_DELETE), NAME(LOAD), NAME(HELLO_OK), NAME(PONG), NAME(APPEND_OK),
    NAME(READ_BATCH), NAME(READ_END), NAME(STREAM_INFO_OK), NAME(STREAM_LIST_OK), NAME(STREAM_CHANGE_OK), NAME(FIND_OK),
    NAME(GET_OK), NAME(STATS_OK), NAME(SUBSCRIBED), NAME(EVENTS), NAME(CAUGHT_UP), NAME(FELL_BEHIND), NAME(CHECKPOINT),
    NAME(GROUP_OK), NAME(GROUP_LIST_OK), NAME(GROUP_JOINED), NAME(GROUP_ACK_OK), NAME(GROUP_EVENTS),
    NAME(PARKED_LIST_OK), NAME(PARKED_OK), NAME(TRANSACT_OK), NAME(SAGA_GET_OK), NAME(SAGA_LIST_OK),
    NAME(SAGA_COUNTS_OK), NAME(SAGA_CLAIM_OK), NAME(SNAPSHOT_PUT_OK), NAME(SNAPSHOT_GET_OK), NAME(SNAPSHOT_LIST_OK),
    NAME(SNAPSHOT_DELETE_OK), NAME(LOADING), NAME(OUTBOX_LIST),
    NAME(OUTBOX_ORDER), NAME(OUTBOX_DEAD), NAME(OUTBOX_HISTORY), NAME(OUTBOX_VERIFY), NAME(OUTBOX_LIST_OK),
    NAME(OUTBOX_ORDER_OK), NAME(OUTBOX_DEAD_OK), NAME(OUTBOX_HISTORY_OK), NAME(OUTBOX_VERIFY_OK), NAME(ERROR),
};

const char *varve_opcode_name(uint8_t opcode)
{
    return names[opcode] == NULL ? "?" : names[opcode];
}
