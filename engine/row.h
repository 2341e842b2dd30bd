/* row.h - what every value of store.mdb ends with or holds: a checksum that ties it to its table and its key, so that a
 * flipped bit in either, or a page that stands where another belongs, is found when the row is read. */
#ifndef ENGINE_ROW_H
#define ENGINE_ROW_H

#include <string.h>
#include <xxhash.h>

#include "db.h"

enum { ROW_FORMAT = 1, ROW_CHECKSUM = 8 /* bytes */ };

static inline uint64_t row_checksum(enum db_table table, struct db_bytes key, const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size) ^ XXH3_64bits_withSeed(key.data, key.size, 1 + (uint64_t)table);
}

/* Write the checksum of `size` bytes behind them. */
static inline void row_seal(enum db_table table, struct db_bytes key, uint8_t *bytes, size_t size)
{
    uint64_t checksum = row_checksum(table, key, bytes, size);

    memcpy(bytes + size, &checksum, sizeof(checksum));
}

/* Do the bytes behind `size` bytes hold their checksum? */
static inline bool row_is_sound(enum db_table table, struct db_bytes key, const uint8_t *bytes, size_t size)
{
    uint64_t checksum;

    memcpy(&checksum, bytes + size, sizeof(checksum));
    return checksum == row_checksum(table, key, bytes, size);
}

#endif
