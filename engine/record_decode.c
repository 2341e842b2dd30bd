/* record_decode.c - bytes to an event, trusting none of them.
 *
 * Each take_...() moves on and returns true, or returns false for what the encoder would not have written: a value in
 * any other encoding than its shortest would make two records of one event. */
#include "varve/record.h"

#include "big_endian.h"
#include "record_layout.h"
#include "varve/uuid.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

struct source {
    const uint8_t *at, *end;
};

static bool has(const struct source *from, size_t size)
{
    return (size_t)(from->end - from->at) >= size;
}

static bool take_nil(struct source *from)
{
    if (!has(from, 1) || *from->at != NIL)
        return false;
    from->at++;
    return true;
}

static bool take_uint64(struct source *from, uint64_t *ret)
{
    if (!has(from, 9) || *from->at != UINT64)
        return false;
    *ret = load_be64(from->at + 1);
    from->at += 9;
    return true;
}

static bool take_uint(struct source *from, uint64_t *ret)
{
    if (!has(from, 1))
        return false;

    uint8_t first = *from->at;
    unsigned width = first < 0x80 ? 0 : first >= UINT8 && first <= UINT64 ? 1u << (first - UINT8) : 99;
    if (width == 99 || !has(from, 1 + width))
        return false;
    switch (width) {
    case 0: *ret = first; break;
    case 1: *ret = from->at[1]; break;
    case 2: *ret = load_be16(from->at + 1); break;
    case 4: *ret = load_be32(from->at + 1); break;
    default: *ret = load_be64(from->at + 1); break;
    }
    from->at += 1 + width;
    return record_uint_size(*ret) == 1 + width;
}

static bool take_negative(struct source *from, int64_t *ret)
{
    uint8_t first = *from->at;
    unsigned width = first >= 0xe0 ? 0 : 1u << (first - INT8);

    if (!has(from, 1 + width))
        return false;
    switch (width) {
    case 0: *ret = (int8_t)first; break;
    case 1: *ret = (int8_t)from->at[1]; break;
    case 2: *ret = (int16_t)load_be16(from->at + 1); break;
    case 4: *ret = (int32_t)load_be32(from->at + 1); break;
    default: *ret = (int64_t)load_be64(from->at + 1); break;
    }
    from->at += 1 + width;
    return *ret < 0 && record_int_size(*ret) == 1 + width;
}

static bool take_time(struct source *from, int64_t *ret)
{
    uint64_t number;

    if (take_nil(from)) {
        *ret = VARVE_TIME_NONE;
        return true;
    }
    if (has(from, 1) && (*from->at >= 0xe0 || (*from->at >= INT8 && *from->at <= INT64)))
        return take_negative(from, ret) && *ret != VARVE_TIME_NONE;
    if (!take_uint(from, &number) || number > INT64_MAX)
        return false;
    *ret = (int64_t)number;
    return true;
}

static bool take_id(struct source *from, struct varve_uuid *ret)
{
    if (!has(from, 2 + ID_BYTES) || from->at[0] != BIN8 || from->at[1] != ID_BYTES)
        return false;
    memcpy(ret->bytes, from->at + 2, ID_BYTES);
    from->at += 2 + ID_BYTES;
    return true;
}

static bool take_id_or_nil(struct source *from, struct varve_uuid *ret)
{
    if (take_nil(from)) {
        memset(ret, 0, sizeof(*ret));
        return true;
    }
    return take_id(from, ret) && !varve_uuid_is_nil(ret);
}

static bool take_bytes(struct source *from, size_t head_size, size_t size, struct varve_view *ret)
{
    if (!has(from, head_size) || !has(from, head_size + size))
        return false;
    *ret = varve_view_of((const char *)from->at + head_size, size);
    from->at += head_size + size;
    return true;
}

static bool take_str16(struct source *from, struct varve_view *ret)
{
    return has(from, 3) && *from->at == STR16 && take_bytes(from, 3, load_be16(from->at + 1), ret) && ret->size >= 1 &&
           ret->size <= VARVE_MAX_SYSTEM_STREAM_NAME;
}

static bool take_str8(struct source *from, struct varve_view *ret)
{
    return has(from, 2) && *from->at == STR8 && take_bytes(from, 2, from->at[1], ret);
}

static bool take_short_text(struct source *from, struct varve_view *ret)
{
    if (take_nil(from)) {
        *ret = varve_view_of(NULL, 0);
        return true;
    }
    if (has(from, 1) && (*from->at & 0xe0) == FIXSTR)
        return take_bytes(from, 1, *from->at & FIXSTR_MAX, ret);
    return take_str8(from, ret) && ret->size > FIXSTR_MAX;
}

static bool take_bin(struct source *from, struct varve_view *ret)
{
    if (!has(from, 2))
        return false;
    switch (*from->at) {
    case BIN8:
        return take_bytes(from, 2, from->at[1], ret);
    case BIN16:
        return has(from, 3) && take_bytes(from, 3, load_be16(from->at + 1), ret) && ret->size > UINT8_MAX;
    case BIN32:
        return has(from, 5) && take_bytes(from, 5, load_be32(from->at + 1), ret) && ret->size > UINT16_MAX;
    }
    return false;
}

static bool take_bin_or_nil(struct source *from, struct varve_view *ret)
{
    if (!take_nil(from))
        return take_bin(from, ret);
    *ret = varve_view_of(NULL, 0);
    return true;
}

/* A choice out of 0 to `last`, in one byte. */
static bool take_choice(struct source *from, uint8_t last, unsigned *ret)
{
    if (!has(from, 1) || *from->at > last)
        return false;
    *ret = *from->at++;
    return true;
}

static bool take_assigned(struct source *from, struct varve_event *ret)
{
    uint64_t recorded_at_us;

    if (!take_uint64(from, &ret->position) || !take_uint64(from, &ret->version) || !take_uint64(from, &recorded_at_us))
        return false;
    ret->recorded_at_us = (int64_t)recorded_at_us;
    return true;
}

static bool take_event(struct source *from, struct varve_event *ret)
{
    unsigned class_, content_type;
    uint64_t schema_version;

    if (!take_assigned(from, ret) || !take_id(from, &ret->id) || !take_str16(from, &ret->stream) ||
        !take_str8(from, &ret->type) || ret->type.size == 0 || !take_choice(from, VARVE_CLASS_REALTIME, &class_) ||
        !take_uint(from, &schema_version) || schema_version > UINT32_MAX || !take_time(from, &ret->time_us) ||
        !take_id_or_nil(from, &ret->correlation_id) || !take_id_or_nil(from, &ret->causation_id) ||
        !take_short_text(from, &ret->source) || !take_short_text(from, &ret->user_id) ||
        !take_choice(from, VARVE_CONTENT_OCTET_STREAM, &content_type) || !take_bin_or_nil(from, &ret->metadata) ||
        !take_bin(from, &ret->data))
        return false;
    ret->class_ = (enum varve_class)class_;
    ret->schema_version = (uint32_t)schema_version;
    ret->content_type = (enum varve_content_type)content_type;
    return true;
}

bool varve_record_verify(const void *bytes, size_t size)
{
    if (size < RECORD_MIN_SIZE)
        return false;

    size_t covered = size - VARVE_RECORD_CHECKSUM;
    const uint8_t *checksum = (const uint8_t *)bytes + covered;
    return *checksum == UINT64 && load_be64(checksum + 1) == XXH3_64bits(bytes, covered);
}

enum varve_status varve_record_decode(const void *bytes, size_t size, struct varve_event *ret_event)
{
    struct varve_event event;

    if (!varve_record_verify(bytes, size) || memcmp(bytes, record_head, sizeof(record_head)) != 0)
        return VARVE_CORRUPT;

    const uint8_t *record = bytes;
    struct source from = { record + sizeof(record_head), record + size - VARVE_RECORD_CHECKSUM };
    if (!take_event(&from, &event) || from.at != from.end)
        return VARVE_CORRUPT;
    *ret_event = event;
    return VARVE_OK;
}
