/* uuid.c - UUIDs as text and as versions 7 and 8 of RFC 9562. */
#include "varve/uuid.h"

#include <string.h>

bool varve_uuid_equal(const struct varve_uuid *a, const struct varve_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool hyphen_before(size_t byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

bool varve_uuid_parse(struct varve_view text, struct varve_uuid *ret)
{
    struct varve_uuid parsed;
    const char *at = text.data;

    if (text.data == NULL || text.size != VARVE_UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < sizeof(parsed.bytes); i++, at += 2) {
        if (hyphen_before(i) && *at++ != '-')
            return false;
        int high = hex_digit(at[0]), low = hex_digit(at[1]);
        if (high < 0 || low < 0)
            return false;
        parsed.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *ret = parsed;
    return true;
}

void varve_uuid_format(const struct varve_uuid *uuid, char ret_text[VARVE_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *at = ret_text;

    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (hyphen_before(i))
            *at++ = '-';
        *at++ = digits[uuid->bytes[i] >> 4];
        *at++ = digits[uuid->bytes[i] & 15];
    }
    *at = '\0';
}

static void set_version(struct varve_uuid *uuid, unsigned version)
{
    uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | version << 4);
    uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

/* RFC 9562, 6.2, method 3: the fraction of the millisecond in rand_a, so that ids of one process sort within it too. */
void varve_uuid_v7(int64_t now_us, const uint8_t random_bytes[10], struct varve_uuid *ret)
{
    uint64_t us = now_us > 0 ? (uint64_t)now_us : 0;
    uint64_t ms = us / 1000, fraction = us % 1000 * 4096 / 1000;

    for (unsigned i = 0; i < 6; i++)
        ret->bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    ret->bytes[6] = (uint8_t)(fraction >> 8);
    ret->bytes[7] = (uint8_t)fraction;
    memcpy(ret->bytes + 8, random_bytes, 8);
    set_version(ret, 7);
}

void varve_uuid_v8(const uint8_t hash[16], struct varve_uuid *ret)
{
    memcpy(ret->bytes, hash, sizeof(ret->bytes));
    set_version(ret, 8);
}
