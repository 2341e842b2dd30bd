/* buffer.c - bytes being written: a growing buffer, whole frames in it, and the values of which bodies are made. */
#include "pack.h"
#include "varve/uuid.h"

#include <stdlib.h>
#include <string.h>

#define SMALLEST_BUFFER ((size_t)512)

void varve_wire_buffer_free(struct varve_wire_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct varve_wire_buffer){ 0 };
}

static bool grow(struct varve_wire_buffer *buffer, size_t size)
{
    size_t capacity = buffer->capacity < SMALLEST_BUFFER ? SMALLEST_BUFFER : buffer->capacity;

    if (buffer->failed || size > SIZE_MAX / 4 - buffer->size)
        return false;
    while (capacity - buffer->size < size)
        capacity *= 2;

    uint8_t *bytes = realloc(buffer->bytes, capacity);

    if (bytes == NULL)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

int buffer_write(void *data, const char *bytes, size_t size)
{
    struct varve_wire_buffer *buffer = data;

    if (buffer->capacity - buffer->size < size && !grow(buffer, size))
        buffer->failed = true;
    if (buffer->failed)
        return -1;
    if (size > 0)
        memcpy(buffer->bytes + buffer->size, bytes, size);
    buffer->size += size;
    return 0;
}

size_t varve_wire_begin(struct varve_wire_buffer *buffer, uint8_t opcode, uint32_t request_id)
{
    const struct varve_frame frame = { .version = VARVE_WIRE_VERSION, .opcode = opcode, .request_id = request_id };
    uint8_t header[VARVE_WIRE_HEADER];
    size_t frame_offset = buffer->size;

    varve_frame_encode(&frame, header);
    buffer_write(buffer, (const char *)header, sizeof(header));
    return frame_offset;
}

/* A frame that could not be written whole is taken back, so that those before it can still be sent. */
void varve_wire_end(struct varve_wire_buffer *buffer, size_t frame_offset)
{
    size_t length = buffer->size - frame_offset - VARVE_WIRE_HEADER;

    if (!buffer->failed && length > UINT32_MAX)
        buffer->failed = true;
    if (buffer->failed) {
        buffer->size = frame_offset;
        return;
    }

    uint8_t *at = buffer->bytes + frame_offset + 8;

    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(length >> (24 - 8 * i));
}

void pack_begin(struct pack *pack, struct varve_wire_buffer *out, uint8_t opcode, uint32_t request_id)
{
    pack->out = out;
    pack->frame_offset = varve_wire_begin(out, opcode, request_id);
    msgpack_packer_init(&pack->to, out, buffer_write);
}

void pack_end(struct pack *pack)
{
    varve_wire_end(pack->out, pack->frame_offset);
}

void pack_empty(struct varve_wire_buffer *out, uint8_t opcode, uint32_t request_id)
{
    struct pack pack;

    pack_begin(&pack, out, opcode, request_id);
    pack_array(&pack, 0);
    pack_end(&pack);
}

void pack_str(struct pack *pack, struct varve_view text)
{
    msgpack_pack_str(&pack->to, text.size);
    msgpack_pack_str_body(&pack->to, text.data, text.size);
}

void pack_str_or_nil(struct pack *pack, struct varve_view text)
{
    if (text.data == NULL)
        pack_nil(pack);
    else
        pack_str(pack, text);
}

void pack_bin(struct pack *pack, struct varve_view bytes)
{
    msgpack_pack_bin(&pack->to, bytes.size);
    msgpack_pack_bin_body(&pack->to, bytes.data, bytes.size);
}

void pack_bin_or_nil(struct pack *pack, struct varve_view bytes)
{
    if (bytes.data == NULL)
        pack_nil(pack);
    else
        pack_bin(pack, bytes);
}

void pack_uuid(struct pack *pack, const struct varve_uuid *uuid)
{
    pack_bin(pack, varve_view_of((const char *)uuid->bytes, sizeof(uuid->bytes)));
}

void pack_uuid_or_nil(struct pack *pack, const struct varve_uuid *uuid)
{
    if (varve_uuid_is_nil(uuid))
        pack_nil(pack);
    else
        pack_uuid(pack, uuid);
}

void pack_time_or_nil(struct pack *pack, int64_t time_us)
{
    if (time_us == VARVE_TIME_NONE)
        pack_nil(pack);
    else
        pack_int(pack, time_us);
}

void pack_uint_or_nil(struct pack *pack, uint64_t value, uint64_t absent)
{
    if (value == absent)
        pack_nil(pack);
    else
        pack_uint(pack, value);
}

void pack_records(struct pack *pack, const uint8_t *const *records, const uint32_t *sizes, uint32_t count)
{
    pack_array(pack, count);
    for (uint32_t i = 0; i < count; i++)
        pack_bin(pack, varve_view_of((const char *)records[i], sizes[i]));
}
