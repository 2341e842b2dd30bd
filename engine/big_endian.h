/* big_endian.h - whole numbers in network byte order at any address, as msgpack and our keys have them. */
#ifndef ENGINE_BIG_ENDIAN_H
#define ENGINE_BIG_ENDIAN_H

#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "varve has been tested on little-endian machines only"
#endif

static inline uint16_t load_be16(const void *bytes)
{
    uint16_t raw;
    memcpy(&raw, bytes, sizeof(raw));
    return __builtin_bswap16(raw);
}

static inline uint32_t load_be32(const void *bytes)
{
    uint32_t raw;
    memcpy(&raw, bytes, sizeof(raw));
    return __builtin_bswap32(raw);
}

static inline uint64_t load_be64(const void *bytes)
{
    uint64_t raw;
    memcpy(&raw, bytes, sizeof(raw));
    return __builtin_bswap64(raw);
}

static inline void store_be16(void *bytes, uint16_t value)
{
    value = __builtin_bswap16(value);
    memcpy(bytes, &value, sizeof(value));
}

static inline void store_be32(void *bytes, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(bytes, &value, sizeof(value));
}

static inline void store_be64(void *bytes, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(bytes, &value, sizeof(value));
}

#endif
