/* grow.c - see grow.h. */
#include "grow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void grow_free(struct grow *grow)
{
    free(grow->bytes);
    *grow = (struct grow){ 0 };
}

char *grow_room(struct grow *grow, size_t size)
{
    if (grow->capacity - grow->size < size) {
        size_t capacity = (grow->size + size) * 2;
        char *bytes = realloc(grow->bytes, capacity);

        if (bytes == NULL) {
            grow->failed = true;
            return NULL;
        }
        grow->bytes = bytes;
        grow->capacity = capacity;
    }
    return grow->bytes + grow->size;
}

void grow_add(struct grow *grow, const void *bytes, size_t size)
{
    char *at = size > 0 ? grow_room(grow, size) : NULL;

    if (at == NULL)
        return;
    memcpy(at, bytes, size);
    grow->size += size;
}

void grow_str(struct grow *grow, const char *string)
{
    grow_add(grow, string, strlen(string));
}

void grow_int(struct grow *grow, int64_t number)
{
    char text[24];

    grow_add(grow, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, number));
}

void grow_uint(struct grow *grow, uint64_t number)
{
    char text[24];

    grow_add(grow, text, (size_t)snprintf(text, sizeof(text), "%" PRIu64, number));
}

static void add_escaped(struct grow *grow, unsigned char byte)
{
    static const char with_letters[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs */
    char text[8] = { '\\' };

    for (size_t i = 0; i < sizeof(with_letters) - 1; i += 2) {
        if ((unsigned char)with_letters[i] == byte) {
            text[1] = with_letters[i + 1];
            grow_add(grow, text, 2);
            return;
        }
    }
    grow_add(grow, text, (size_t)snprintf(text, sizeof(text), "\\u%04x", byte));
}

void grow_json_string(struct grow *grow, struct varve_view text)
{
    size_t start = 0;

    grow_add(grow, "\"", 1);
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        grow_add(grow, text.data + start, i - start);
        add_escaped(grow, byte);
        start = i + 1;
    }
    grow_add(grow, text.data + start, text.size - start);
    grow_add(grow, "\"", 1);
}

void grow_base64(struct grow *grow, struct varve_view bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = grow_room(grow, (bytes.size + 2) / 3 * 4 + 2), *start = at;
    const unsigned char *in = (const unsigned char *)bytes.data;

    if (at == NULL)
        return;
    *at++ = '"';
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)in[i] << 16;

        three |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        three |= left > 2 ? (uint32_t)in[i + 2] : 0;
        *at++ = digits[three >> 18];
        *at++ = digits[three >> 12 & 63];
        *at++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[three & 63] : '=';
    }
    *at++ = '"';
    grow->size += (size_t)(at - start);
}
