/* text.c - see text.h. */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "timestamp.h"
#include "varve/uuid.h"

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

static char *room(struct text *text, size_t size)
{
    if (text->capacity - text->size < size) {
        text->capacity = (text->size + size) * 2;
        text->bytes = memory_resize(text->bytes, text->capacity);
    }
    return text->bytes + text->size;
}

void text_add(struct text *text, struct varve_view bytes)
{
    if (bytes.size == 0)
        return;
    memcpy(room(text, bytes.size), bytes.data, bytes.size);
    text->size += bytes.size;
}

void text_add_str(struct text *text, const char *string)
{
    text_add(text, varve_view_str(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (size > 0)
        text_add(text, varve_view_of(line, (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1));
}

static void add_escaped(struct text *text, unsigned char byte)
{
    if (byte == '"' || byte == '\\')
        text_printf(text, "\\%c", byte);
    else if (byte == '\n')
        text_add_str(text, "\\n");
    else if (byte == '\t')
        text_add_str(text, "\\t");
    else
        text_printf(text, "\\u%04x", byte);
}

void text_add_json(struct text *text, struct varve_view string)
{
    size_t start = 0;

    text_add_str(text, "\"");
    for (size_t i = 0; i < string.size; i++) {
        unsigned char byte = (unsigned char)string.data[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        text_add(text, varve_view_of(string.data + start, i - start));
        add_escaped(text, byte);
        start = i + 1;
    }
    text_add(text, varve_view_of(string.data + start, string.size - start));
    text_add_str(text, "\"");
}

void text_add_base64(struct text *text, struct varve_view bytes)
{
    char *at = room(text, (bytes.size + 2) / 3 * 4 + 2), *start = at;
    const unsigned char *in = (const unsigned char *)bytes.data;

    *at++ = '"';
    for (size_t i = 0; i < bytes.size; i += 3) {
        size_t left = bytes.size - i;
        uint32_t three = (uint32_t)in[i] << 16;

        three |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        three |= left > 2 ? (uint32_t)in[i + 2] : 0;
        *at++ = base64_digits[three >> 18];
        *at++ = base64_digits[three >> 12 & 63];
        *at++ = left > 1 ? base64_digits[three >> 6 & 63] : '=';
        *at++ = left > 2 ? base64_digits[three & 63] : '=';
    }
    *at++ = '"';
    text->size += (size_t)(at - start);
}

void text_key(struct text *text, const char *key)
{
    if (text->size > 0 && text->bytes[text->size - 1] != '{')
        text_add_str(text, ",");
    text_add_json(text, varve_view_str(key));
    text_add_str(text, ":");
}

void text_member(struct text *text, const char *key, struct varve_view string)
{
    text_key(text, key);
    text_add_json(text, string);
}

void text_member_uint(struct text *text, const char *key, uint64_t number)
{
    text_key(text, key);
    text_printf(text, "%" PRIu64, number);
}

void text_member_int(struct text *text, const char *key, int64_t number)
{
    text_key(text, key);
    text_printf(text, "%" PRId64, number);
}

void text_member_bool(struct text *text, const char *key, bool value)
{
    text_key(text, key);
    text_add_str(text, value ? "true" : "false");
}

void text_member_uuid(struct text *text, const char *key, const struct varve_uuid *uuid)
{
    char string[VARVE_UUID_TEXT];

    varve_uuid_format(uuid, string);
    text_member(text, key, varve_view_str(string));
}

void text_member_time(struct text *text, const char *key, int64_t time_us)
{
    char string[TIMESTAMP_TEXT];

    timestamp_format(time_us, string);
    text_member(text, key, varve_view_str(string));
}

static int digit_value(char digit)
{
    const char *at = digit != '\0' ? strchr(base64_digits, digit) : NULL;

    return at != NULL ? (int)(at - base64_digits) : -1;
}

/* Four digits; the last `padding` of them are '='. Bits that padding cuts off must be zero: one text per value. */
static bool decode_four(const char *digits, unsigned padding, uint8_t out[3])
{
    uint32_t three = 0;

    for (unsigned i = 0; i < 4; i++) {
        int value = i < 4 - padding ? digit_value(digits[i]) : 0;

        if (value < 0)
            return false;
        three = three << 6 | (uint32_t)value;
    }
    out[0] = (uint8_t)(three >> 16);
    out[1] = (uint8_t)(three >> 8);
    out[2] = (uint8_t)three;
    return padding == 0 || (three & ((1u << 8 * padding) - 1)) == 0;
}

bool base64_decode(struct varve_view text, uint8_t *into, size_t *ret_size)
{
    unsigned padding = 0;

    if (text.size % 4 != 0)
        return false;
    while (padding < 2 && padding < text.size && text.data[text.size - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < text.size; i += 4) {
        uint8_t three[3];
        bool last = i + 4 == text.size;

        if (!decode_four(text.data + i, last ? padding : 0, three))
            return false;
        memcpy(into + i / 4 * 3, three, last ? 3 - padding : 3);
    }
    *ret_size = text.size / 4 * 3 - padding;
    return true;
}
