/* record.c - an event to bytes. The layout is in record.h.
 *
 * Each value has exactly one encoding here, and the decoder (record_decode.c) accepts no other, so that equal events
 * are equal bytes: a replay is recognised by comparing them. */
#include "varve/record.h"

#include "big_endian.h"
#include "record_layout.h"
#include "varve/uuid.h"

#include <assert.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- encoding --------------------------------------------------------------------------------------------------- */

static size_t time_size(int64_t time_us)
{
    return time_us == VARVE_TIME_NONE ? 1 : record_int_size(time_us);
}

static size_t uuid_size(const struct varve_uuid *uuid)
{
    return varve_uuid_is_nil(uuid) ? 1 : 2 + ID_BYTES;
}

static size_t short_text_size(struct varve_view text)
{
    return text.data == NULL ? 1 : text.size <= FIXSTR_MAX ? 1 + text.size : 2 + text.size;
}

static size_t bin_size(struct varve_view bytes)
{
    return bytes.size + (bytes.size <= UINT8_MAX ? 2 : bytes.size <= UINT16_MAX ? 3 : 5);
}

size_t varve_record_size(const struct varve_event *event)
{
    size_t choices = 2; /* Class and content type, a byte each. */
    size_t ids = uuid_size(&event->correlation_id) + uuid_size(&event->causation_id);
    size_t texts = 3 + event->stream.size + 2 + event->type.size + short_text_size(event->source) +
                   short_text_size(event->user_id);
    size_t numbers = record_uint_size(event->schema_version) + time_size(event->time_us);
    size_t bins = (event->metadata.data == NULL ? 1 : bin_size(event->metadata)) + bin_size(event->data);

    return VARVE_RECORD_PREFIX + choices + ids + texts + numbers + bins + VARVE_RECORD_CHECKSUM;
}

static uint8_t *put_uint64(uint8_t *at, uint64_t value)
{
    *at = UINT64;
    store_be64(at + 1, value);
    return at + 9;
}

static uint8_t *put_uint(uint8_t *at, uint64_t value)
{
    switch (record_uint_size(value)) {
    case 1:
        *at = (uint8_t)value;
        return at + 1;
    case 2:
        at[0] = UINT8;
        at[1] = (uint8_t)value;
        return at + 2;
    case 3:
        *at = UINT16;
        store_be16(at + 1, (uint16_t)value);
        return at + 3;
    case 5:
        *at = UINT32;
        store_be32(at + 1, (uint32_t)value);
        return at + 5;
    }
    return put_uint64(at, value);
}

static uint8_t *put_int(uint8_t *at, int64_t value)
{
    if (value >= 0)
        return put_uint(at, (uint64_t)value);
    switch (record_int_size(value)) {
    case 1:
        *at = (uint8_t)value;
        return at + 1;
    case 2:
        at[0] = INT8;
        at[1] = (uint8_t)value;
        return at + 2;
    case 3:
        *at = INT16;
        store_be16(at + 1, (uint16_t)value);
        return at + 3;
    case 5:
        *at = INT32;
        store_be32(at + 1, (uint32_t)value);
        return at + 5;
    }
    *at = INT64;
    store_be64(at + 1, (uint64_t)value);
    return at + 9;
}

static uint8_t *put_nil(uint8_t *at)
{
    *at = NIL;
    return at + 1;
}

static uint8_t *put_id(uint8_t *at, const struct varve_uuid *uuid)
{
    at[0] = BIN8;
    at[1] = ID_BYTES;
    memcpy(at + 2, uuid->bytes, ID_BYTES);
    return at + 2 + ID_BYTES;
}

static uint8_t *put_bytes(uint8_t *at, struct varve_view bytes)
{
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static uint8_t *put_str16(uint8_t *at, struct varve_view text)
{
    *at = STR16;
    store_be16(at + 1, (uint16_t)text.size);
    return put_bytes(at + 3, text);
}

static uint8_t *put_str8(uint8_t *at, struct varve_view text)
{
    at[0] = STR8;
    at[1] = (uint8_t)text.size;
    return put_bytes(at + 2, text);
}

static uint8_t *put_short_text(uint8_t *at, struct varve_view text)
{
    if (text.data == NULL)
        return put_nil(at);
    if (text.size > FIXSTR_MAX)
        return put_str8(at, text);
    *at = (uint8_t)(FIXSTR | text.size);
    return put_bytes(at + 1, text);
}

static uint8_t *put_bin(uint8_t *at, struct varve_view bytes)
{
    if (bytes.size <= UINT8_MAX) {
        at[0] = BIN8;
        at[1] = (uint8_t)bytes.size;
        return put_bytes(at + 2, bytes);
    }
    if (bytes.size <= UINT16_MAX) {
        *at = BIN16;
        store_be16(at + 1, (uint16_t)bytes.size);
        return put_bytes(at + 3, bytes);
    }
    *at = BIN32;
    store_be32(at + 1, (uint32_t)bytes.size);
    return put_bytes(at + 5, bytes);
}

static void seal(uint8_t *record, size_t size)
{
    size_t covered = size - VARVE_RECORD_CHECKSUM;

    put_uint64(record + covered, XXH3_64bits(record, covered));
}

static void put_assigned(uint8_t *record, uint64_t position, uint64_t version, int64_t recorded_at_us)
{
    put_uint64(record + AT_POSITION, position);
    put_uint64(record + AT_VERSION, version);
    put_uint64(record + AT_RECORDED_AT, (uint64_t)recorded_at_us);
}

size_t varve_record_encode(const struct varve_event *event, uint8_t *bytes)
{
    assert(event->stream.size >= 1 && event->stream.size <= VARVE_MAX_SYSTEM_STREAM_NAME);
    assert(event->type.size >= 1 && event->type.size <= VARVE_MAX_TYPE);
    assert(event->source.size <= VARVE_MAX_SOURCE && event->user_id.size <= VARVE_MAX_USER_ID);
    assert(event->data.size <= UINT32_MAX && event->metadata.size <= UINT32_MAX);

    memcpy(bytes, record_head, sizeof(record_head));
    put_assigned(bytes, event->position, event->version, event->recorded_at_us);
    uint8_t *at = put_id(bytes + AT_ID, &event->id);
    at = put_str16(at, event->stream);
    at = put_str8(at, event->type);
    *at++ = (uint8_t)event->class_;
    at = put_uint(at, event->schema_version);
    at = event->time_us == VARVE_TIME_NONE ? put_nil(at) : put_int(at, event->time_us);
    at = varve_uuid_is_nil(&event->correlation_id) ? put_nil(at) : put_id(at, &event->correlation_id);
    at = varve_uuid_is_nil(&event->causation_id) ? put_nil(at) : put_id(at, &event->causation_id);
    at = put_short_text(at, event->source);
    at = put_short_text(at, event->user_id);
    *at++ = (uint8_t)event->content_type;
    at = event->metadata.data == NULL ? put_nil(at) : put_bin(at, event->metadata);
    at = put_bin(at, event->data);

    size_t size = (size_t)(at - bytes) + VARVE_RECORD_CHECKSUM;
    seal(bytes, size);
    return size;
}

void varve_record_assign(uint8_t *record, size_t size, uint64_t position, uint64_t version, int64_t recorded_at_us)
{
    assert(size >= RECORD_MIN_SIZE);
    put_assigned(record, position, version, recorded_at_us);
    seal(record, size);
}

/* ---- single fields ---------------------------------------------------------------------------------------------- */

uint64_t varve_record_position(const uint8_t *record)
{
    return load_be64(record + AT_POSITION + 1);
}

uint64_t varve_record_version(const uint8_t *record)
{
    return load_be64(record + AT_VERSION + 1);
}

int64_t varve_record_recorded_at(const uint8_t *record)
{
    return (int64_t)load_be64(record + AT_RECORDED_AT + 1);
}

struct varve_uuid varve_record_id(const uint8_t *record)
{
    struct varve_uuid id;

    memcpy(id.bytes, record + AT_ID + 2, ID_BYTES);
    return id;
}

struct varve_view varve_record_stream(const uint8_t *record)
{
    return varve_view_of((const char *)record + AT_STREAM + 3, load_be16(record + AT_STREAM + 1));
}

struct varve_view varve_record_type(const uint8_t *record)
{
    const uint8_t *at = record + AT_STREAM + 3 + load_be16(record + AT_STREAM + 1);

    return varve_view_of((const char *)at + 2, at[1]);
}

/* What stands behind the type: class, schema_version, time, correlation_id. */
static const uint8_t *behind_type(const uint8_t *record)
{
    struct varve_view type = varve_record_type(record);

    return (const uint8_t *)type.data + type.size;
}

enum varve_class varve_record_class(const uint8_t *record)
{
    return (enum varve_class)*behind_type(record);
}

/* The number, or nil, that begins here. */
static size_t number_size(const uint8_t *at)
{
    if (*at >= UINT8 && *at <= INT64)
        return 1 + (1u << ((*at - UINT8) & 3)); /* UINT8 to UINT64, then INT8 to INT64: 1, 2, 4, 8 bytes each. */
    return 1;
}

struct varve_uuid varve_record_correlation_id(const uint8_t *record)
{
    const uint8_t *at = behind_type(record) + 1;
    struct varve_uuid id = { { 0 } };

    at += number_size(at);
    at += number_size(at);
    if (*at != NIL)
        memcpy(id.bytes, at + 2, ID_BYTES);
    return id;
}
