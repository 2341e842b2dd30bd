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

const char *varve_opcode_name(uint8_t opcode)
{
    switch (opcode) {
    case VARVE_OP_HELLO: return "HELLO";
    case VARVE_OP_PING: return "PING";
    case VARVE_OP_APPEND: return "APPEND";
    case VARVE_OP_READ: return "READ";
    case VARVE_OP_CREDIT: return "CREDIT";
    case VARVE_OP_CANCEL: return "CANCEL";
    case VARVE_OP_STREAM_INFO: return "STREAM_INFO";
    case VARVE_OP_STREAM_LIST: return "STREAM_LIST";
    case VARVE_OP_STREAM_CHANGE: return "STREAM_CHANGE";
    case VARVE_OP_FIND: return "FIND";
    case VARVE_OP_GET: return "GET";
    case VARVE_OP_STATS: return "STATS";
    case VARVE_OP_SUBSCRIBE: return "SUBSCRIBE";
    case VARVE_OP_GROUP_CREATE: return "GROUP_CREATE";
    case VARVE_OP_GROUP_UPDATE: return "GROUP_UPDATE";
    case VARVE_OP_GROUP_DELETE: return "GROUP_DELETE";
    case VARVE_OP_GROUP_RESET: return "GROUP_RESET";
    case VARVE_OP_GROUP_INFO: return "GROUP_INFO";
    case VARVE_OP_GROUP_LIST: return "GROUP_LIST";
    case VARVE_OP_GROUP_JOIN: return "GROUP_JOIN";
    case VARVE_OP_GROUP_ACK: return "GROUP_ACK";
    case VARVE_OP_GROUP_NACK: return "GROUP_NACK";
    case VARVE_OP_GROUP_EXTEND: return "GROUP_EXTEND";
    case VARVE_OP_PARKED_LIST: return "PARKED_LIST";
    case VARVE_OP_PARKED_REPLAY: return "PARKED_REPLAY";
    case VARVE_OP_PARKED_DISCARD: return "PARKED_DISCARD";
    case VARVE_OP_HELLO_OK: return "HELLO_OK";
    case VARVE_OP_PONG: return "PONG";
    case VARVE_OP_APPEND_OK: return "APPEND_OK";
    case VARVE_OP_READ_BATCH: return "READ_BATCH";
    case VARVE_OP_READ_END: return "READ_END";
    case VARVE_OP_STREAM_INFO_OK: return "STREAM_INFO_OK";
    case VARVE_OP_STREAM_LIST_OK: return "STREAM_LIST_OK";
    case VARVE_OP_STREAM_CHANGE_OK: return "STREAM_CHANGE_OK";
    case VARVE_OP_FIND_OK: return "FIND_OK";
    case VARVE_OP_GET_OK: return "GET_OK";
    case VARVE_OP_STATS_OK: return "STATS_OK";
    case VARVE_OP_SUBSCRIBED: return "SUBSCRIBED";
    case VARVE_OP_EVENTS: return "EVENTS";
    case VARVE_OP_CAUGHT_UP: return "CAUGHT_UP";
    case VARVE_OP_FELL_BEHIND: return "FELL_BEHIND";
    case VARVE_OP_CHECKPOINT: return "CHECKPOINT";
    case VARVE_OP_GROUP_OK: return "GROUP_OK";
    case VARVE_OP_GROUP_LIST_OK: return "GROUP_LIST_OK";
    case VARVE_OP_GROUP_JOINED: return "GROUP_JOINED";
    case VARVE_OP_GROUP_ACK_OK: return "GROUP_ACK_OK";
    case VARVE_OP_GROUP_EVENTS: return "GROUP_EVENTS";
    case VARVE_OP_PARKED_LIST_OK: return "PARKED_LIST_OK";
    case VARVE_OP_PARKED_OK: return "PARKED_OK";
    case VARVE_OP_ERROR: return "ERROR";
    default: return "?";
    }
}
