/* journal_frame.c - one frame of the journal as bytes, in memory. */
#include "journal_frame.h"

#include <endian.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FRAME_FORMAT 1
#define FRAME_SEAL 1
#define SIZE_BYTES 4u /* before each record */

static const uint8_t magic[8] = { 'v', 'a', 'r', 'v', 'e', 'f', 'r', 'm' };

enum { AT_HASH = 8, AT_HEADER_HASH = 16, AT_FORMAT = 24, AT_FLAGS = 26, AT_COUNT = 28, AT_SEGMENT = 32,
       AT_FIRST_POSITION = 40, AT_PREV_HASH = 48, AT_BODY_BYTES = 56, AT_ZERO = 60 };

static void put16(uint8_t *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof(value));
    return le16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static uint64_t header_hash(const uint8_t *frame, uint64_t seed)
{
    return XXH3_64bits_withSeed(frame + AT_FORMAT, FRAME_HEADER_BYTES - AT_FORMAT, seed);
}

static uint64_t whole_hash(const uint8_t *frame, uint32_t body_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(frame + AT_HEADER_HASH, FRAME_HEADER_BYTES - AT_HEADER_HASH + (size_t)body_bytes, seed);
}

uint64_t frame_finish(uint8_t *frame, const struct frame_header *header, uint64_t seed)
{
    memcpy(frame, magic, sizeof(magic));
    put16(frame + AT_FORMAT, FRAME_FORMAT);
    put16(frame + AT_FLAGS, header->seal ? FRAME_SEAL : 0);
    put32(frame + AT_COUNT, header->count);
    put64(frame + AT_SEGMENT, header->segment);
    put64(frame + AT_FIRST_POSITION, header->first_position);
    put64(frame + AT_PREV_HASH, header->prev_hash);
    put32(frame + AT_BODY_BYTES, header->body_bytes);
    put32(frame + AT_ZERO, 0);
    put64(frame + AT_HEADER_HASH, header_hash(frame, seed));

    uint64_t hash = whole_hash(frame, header->body_bytes, seed);
    put64(frame + AT_HASH, hash);
    return hash;
}

/* What a header can say at all, whoever wrote it. */
static bool plausible(const uint8_t *bytes, const struct frame_header *header)
{
    if (get16(bytes + AT_FORMAT) != FRAME_FORMAT || get16(bytes + AT_FLAGS) > FRAME_SEAL || get32(bytes + AT_ZERO) != 0)
        return false;
    if (header->first_position == 0)
        return false;
    if (header->seal)
        return header->count == 0 && header->body_bytes == 0;
    return header->count > 0 && header->body_bytes / SIZE_BYTES >= header->count;
}

bool frame_parse(const uint8_t bytes[FRAME_HEADER_BYTES], uint64_t seed, uint64_t segment,
                 struct frame_header *ret_header)
{
    if (memcmp(bytes, magic, sizeof(magic)) != 0 || get64(bytes + AT_SEGMENT) != segment ||
        get64(bytes + AT_HEADER_HASH) != header_hash(bytes, seed))
        return false;

    struct frame_header header = {
        .hash = get64(bytes + AT_HASH),
        .segment = segment,
        .first_position = get64(bytes + AT_FIRST_POSITION),
        .prev_hash = get64(bytes + AT_PREV_HASH),
        .count = get32(bytes + AT_COUNT),
        .body_bytes = get32(bytes + AT_BODY_BYTES),
        .seal = get16(bytes + AT_FLAGS) == FRAME_SEAL,
    };
    if (!plausible(bytes, &header))
        return false;
    *ret_header = header;
    return true;
}

bool frame_is_begun(const uint8_t bytes[FRAME_HEADER_BYTES], uint64_t segment, uint64_t first_position)
{
    return get64(bytes + AT_SEGMENT) == segment ||
           (memcmp(bytes, magic, sizeof(magic)) == 0 && get64(bytes + AT_FIRST_POSITION) == first_position);
}

bool frame_verify(const uint8_t *frame, const struct frame_header *header, uint64_t seed)
{
    if (whole_hash(frame, header->body_bytes, seed) != header->hash)
        return false;

    const uint8_t *body = frame + FRAME_HEADER_BYTES;
    uint32_t left = header->body_bytes;
    for (uint32_t i = 0; i < header->count; i++) {
        if (left < SIZE_BYTES)
            return false;
        uint32_t size = get32(body);
        left -= SIZE_BYTES;
        if (size > left)
            return false;
        body += SIZE_BYTES + (size_t)size;
        left -= size;
    }
    return left == 0;
}

const uint8_t *frame_next_record(const uint8_t *body, uint32_t *cursor, uint32_t *ret_size)
{
    const uint8_t *record = body + *cursor + SIZE_BYTES;

    *ret_size = get32(body + *cursor);
    *cursor += SIZE_BYTES + *ret_size;
    return record;
}
