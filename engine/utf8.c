/* utf8.c - well-formedness as table 3-7 of the Unicode standard has it, with ASCII eight bytes at a time. */
#include "utf8.h"

#include <string.h>

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

unsigned utf8_sequence(const uint8_t *at, const uint8_t *end)
{
    size_t left = (size_t)(end - at);
    uint8_t lead = at[0];

    if (lead < 0xc2)
        return 0; /* ASCII, a continuation without a lead, or an overlong form of ASCII. */
    if (lead < 0xe0)
        return left >= 2 && is_continuation(at[1]) ? 2 : 0;
    if (lead < 0xf0) {
        uint8_t low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
        return left >= 3 && at[1] >= low && at[1] <= high && is_continuation(at[2]) ? 3 : 0;
    }
    if (lead < 0xf5) {
        uint8_t low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
        return left >= 4 && at[1] >= low && at[1] <= high && is_continuation(at[2]) && is_continuation(at[3]) ? 4 : 0;
    }
    return 0;
}

/* All eight bytes lie in 0x20-0x7e. A borrow or carry from a neighbour can only make this say no too often, and then
 * the bytes are looked at one by one. */
static bool eight_are_printable(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t eight;

    memcpy(&eight, at, sizeof(eight));
    return ((eight | (eight - ones * 0x20) | (eight + ones)) & highs) == 0;
}

enum utf8_verdict utf8_check_plain(const char *text, size_t size, size_t *ret_offset)
{
    const uint8_t *start = (const uint8_t *)text, *at = start, *end = start + size;

    while (at < end) {
        if (end - at >= 8 && eight_are_printable(at)) {
            at += 8;
            continue;
        }
        unsigned length = 1;
        if (*at >= 0x80)
            length = utf8_sequence(at, end);
        bool control = *at < 0x20 || *at == 0x7f || (length == 2 && at[0] == 0xc2 && at[1] < 0xa0);
        if (length == 0 || control) {
            *ret_offset = (size_t)(at - start);
            return control ? UTF8_CONTROL : UTF8_BROKEN;
        }
        at += length;
    }
    return UTF8_PLAIN;
}
