/* snapshot_row.c - see snapshot_row.h. */
#include "snapshot_row.h"

#include <assert.h>
#include <endian.h>
#include <string.h>
#include <xxhash.h>

struct row_head { /* little endian, without padding */
    uint64_t sum;      /* of the key and all that follows */
    uint64_t data_sum;
    int64_t created_at_us;
    uint32_t size, schema_version;
    uint8_t content_type, type_size;
};
_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "as LMDB's own pages");
_Static_assert(offsetof(struct row_head, type_size) + 1 == SNAPSHOT_ROW_HEAD, "as docs/disk-format.md has it");

void snapshot_key_make(struct snapshot_key *key, struct varve_view stream, int64_t version)
{
    uint64_t sorted = htobe64((uint64_t)version);

    assert(stream.size <= VARVE_MAX_SYSTEM_STREAM_NAME && version >= 0);
    if (stream.size > 0)
        memcpy(key->bytes, stream.data, stream.size);
    key->bytes[stream.size] = 0;
    memcpy(key->bytes + stream.size + 1, &sorted, sizeof(sorted));
    key->size = stream.size + SNAPSHOT_KEY_TAIL;
}

void snapshot_key_make_end(struct snapshot_key *key, struct varve_view stream)
{
    assert(stream.size <= VARVE_MAX_SYSTEM_STREAM_NAME);
    memcpy(key->bytes, stream.data, stream.size);
    key->bytes[stream.size] = 1; /* No name has a control character. */
    key->size = stream.size + 1;
}

bool snapshot_key_take(const void *bytes, size_t size, struct varve_view *ret_stream, int64_t *ret_version)
{
    const char *text = bytes;
    uint64_t sorted;

    if (size <= SNAPSHOT_KEY_TAIL || size > SNAPSHOT_MAX_KEY || text[size - SNAPSHOT_KEY_TAIL] != 0 ||
        memchr(text, 0, size - SNAPSHOT_KEY_TAIL) != NULL)
        return false;
    memcpy(&sorted, text + size - sizeof(sorted), sizeof(sorted));
    if (be64toh(sorted) >= INT64_MAX)
        return false;
    *ret_stream = varve_view_of(text, size - SNAPSHOT_KEY_TAIL);
    *ret_version = (int64_t)be64toh(sorted);
    return true;
}

static uint64_t sum_with_key(const struct snapshot_key *key, const void *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes, size, XXH3_64bits(key->bytes, key->size));
}

uint64_t snapshot_data_sum(const struct snapshot_key *key, struct varve_view data)
{
    return sum_with_key(key, data.size > 0 ? data.data : "", data.size);
}

size_t snapshot_row_encode(const struct varve_snapshot *snapshot, const struct snapshot_key *key,
                           uint8_t ret[SNAPSHOT_MAX_ROW])
{
    struct row_head head = {
        .data_sum = snapshot_data_sum(key, snapshot->data),
        .created_at_us = snapshot->created_at_us,
        .size = (uint32_t)snapshot->data.size,
        .schema_version = snapshot->schema_version,
        .content_type = (uint8_t)snapshot->content_type,
        .type_size = (uint8_t)snapshot->type.size,
    };
    const size_t size = SNAPSHOT_ROW_HEAD + snapshot->type.size;

    assert(snapshot->type.size <= VARVE_SNAPSHOT_MAX_TYPE);
    memcpy(ret, &head, SNAPSHOT_ROW_HEAD);
    memcpy(ret + SNAPSHOT_ROW_HEAD, snapshot->type.data, snapshot->type.size);
    head.sum = sum_with_key(key, ret + sizeof(head.sum), size - sizeof(head.sum));
    memcpy(ret, &head.sum, sizeof(head.sum));
    return size;
}

bool snapshot_row_decode(const void *row, size_t size, const struct snapshot_key *key, struct varve_snapshot *ret,
                         uint64_t *ret_data_sum)
{
    struct varve_snapshot snapshot = { .size = 0 };
    struct row_head head = { .sum = 0 };

    if (size < SNAPSHOT_ROW_HEAD || size > SNAPSHOT_MAX_ROW ||
        !snapshot_key_take(key->bytes, key->size, &snapshot.stream, &snapshot.version))
        return false;
    memcpy(&head, row, SNAPSHOT_ROW_HEAD);
    if (head.sum != sum_with_key(key, (const char *)row + sizeof(head.sum), size - sizeof(head.sum)) ||
        size != SNAPSHOT_ROW_HEAD + (size_t)head.type_size || head.size > VARVE_SNAPSHOT_MAX_BYTES)
        return false;
    snapshot.type = varve_view_of((const char *)row + SNAPSHOT_ROW_HEAD, head.type_size);
    snapshot.schema_version = head.schema_version;
    snapshot.content_type = (enum varve_content_type)head.content_type;
    snapshot.created_at_us = head.created_at_us;
    snapshot.size = head.size;
    *ret = snapshot;
    *ret_data_sum = head.data_sum;
    return true;
}
