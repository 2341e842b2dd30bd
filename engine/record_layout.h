/* record_layout.h - what the encoder and the decoder of records must agree on, beyond record.h. */
#ifndef ENGINE_RECORD_LAYOUT_H
#define ENGINE_RECORD_LAYOUT_H

#include "varve/record.h"

enum { /* msgpack's first bytes */
    NIL = 0xc0, BIN8 = 0xc4, BIN16 = 0xc5, BIN32 = 0xc6, UINT8 = 0xcc, UINT16 = 0xcd, UINT32 = 0xce, UINT64 = 0xcf,
    INT8 = 0xd0, INT16 = 0xd1, INT32 = 0xd2, INT64 = 0xd3, STR8 = 0xd9, STR16 = 0xda, FIXSTR = 0xa0,
};
enum { ID_BYTES = 16, FIXSTR_MAX = 31 };
enum { AT_POSITION = 4, AT_VERSION = 13, AT_RECORDED_AT = 22, AT_ID = 31, AT_STREAM = VARVE_RECORD_PREFIX };

static const uint8_t record_head[AT_POSITION] = { 0xdc, 0x00, 0x12, VARVE_RECORD_FORMAT };

/* The prefix, the shortest values of elements 5 to 16 (stream and type of one byte, data empty), the checksum. */
#define RECORD_MIN_SIZE (VARVE_RECORD_PREFIX + 4 + 3 + 9 + 2 + VARVE_RECORD_CHECKSUM)

/* The one size that a number has here: the smallest. The decoder refuses any other. */
static inline size_t record_uint_size(uint64_t value)
{
    return value < 0x80 ? 1 : value <= UINT8_MAX ? 2 : value <= UINT16_MAX ? 3 : value <= UINT32_MAX ? 5 : 9;
}

static inline size_t record_int_size(int64_t value)
{
    if (value >= 0)
        return record_uint_size((uint64_t)value);
    return value >= -32 ? 1 : value >= INT8_MIN ? 2 : value >= INT16_MIN ? 3 : value >= INT32_MIN ? 5 : 9;
}

#endif
