/* pack.h - writing the fields of one message: msgpack-c's packer over a wire buffer.
 *
 * An encoder is: pack_begin(), the body, pack_end(). Nothing here reports failure: the buffer remembers it. */
#ifndef PACK_H
#define PACK_H

#include "varve/wire.h"

#include <msgpack/pack.h>

struct pack {
    msgpack_packer to;
    struct varve_wire_buffer *out;
    size_t frame_offset;
};

/* msgpack-c's write callback; `buffer` is a struct varve_wire_buffer. */
int buffer_write(void *buffer, const char *bytes, size_t size);

void pack_begin(struct pack *pack, struct varve_wire_buffer *out, uint8_t opcode, uint32_t request_id);
void pack_end(struct pack *pack);
/* A whole message that has no fields. */
void pack_empty(struct varve_wire_buffer *out, uint8_t opcode, uint32_t request_id);

void pack_str(struct pack *pack, struct varve_view text);        /* absent is written as empty */
void pack_str_or_nil(struct pack *pack, struct varve_view text); /* absent is written as nil */
void pack_bin(struct pack *pack, struct varve_view bytes);
void pack_bin_or_nil(struct pack *pack, struct varve_view bytes);
void pack_uuid(struct pack *pack, const struct varve_uuid *uuid);
void pack_uuid_or_nil(struct pack *pack, const struct varve_uuid *uuid); /* the nil UUID is written as nil */
void pack_time_or_nil(struct pack *pack, int64_t time_us);               /* VARVE_TIME_NONE is written as nil */
void pack_uint_or_nil(struct pack *pack, uint64_t value, uint64_t absent); /* `absent` is written as nil */
void pack_records(struct pack *pack, const uint8_t *const *records, const uint32_t *sizes, uint32_t count);

static inline void pack_array(struct pack *pack, size_t count)
{
    msgpack_pack_array(&pack->to, count);
}

static inline void pack_uint(struct pack *pack, uint64_t value)
{
    msgpack_pack_uint64(&pack->to, value);
}

static inline void pack_int(struct pack *pack, int64_t value)
{
    msgpack_pack_int64(&pack->to, value);
}

static inline void pack_nil(struct pack *pack)
{
    msgpack_pack_nil(&pack->to);
}

static inline void pack_bool(struct pack *pack, bool value)
{
    if (value)
        msgpack_pack_true(&pack->to);
    else
        msgpack_pack_false(&pack->to);
}

#endif
