/* json_text.c - see json_text.h. */
#include "varve/json_text.h"

#include <jansson.h>
#include <string.h>

#include "arena.h"
#include "pack.h"
#include "varve/time_text.h"
#include "varve/uuid.h"

enum { NUMBER_DIGITS = 20, BASE64_PIECE = 4096 };

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void varve_json_write_bytes(struct varve_wire_buffer *out, struct varve_view bytes)
{
    buffer_write(out, bytes.data, bytes.size);
}

void varve_json_write_raw(struct varve_wire_buffer *out, const char *text)
{
    buffer_write(out, text, strlen(text));
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

static void write_escaped(struct varve_wire_buffer *out, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";
    char escape[6] = { '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] };

    if (byte == '"' || byte == '\\')
        escape[1] = (char)byte;
    else if (byte == '\n')
        escape[1] = 'n';
    else if (byte == '\t')
        escape[1] = 't';
    buffer_write(out, escape, escape[1] == 'u' ? 6 : 2);
}

void varve_json_write_text(struct varve_wire_buffer *out, struct varve_view text)
{
    size_t start = 0;

    buffer_write(out, "\"", 1);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = (uint8_t)text.data[i];

        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        buffer_write(out, text.data + start, i - start);
        write_escaped(out, byte);
        start = i + 1;
    }
    buffer_write(out, text.data + start, text.size - start);
    buffer_write(out, "\"", 1);
}

static size_t encode_base64(const uint8_t *in, size_t size, char *at)
{
    char *start = at;

    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t three = (uint32_t)in[i] << 16;

        three |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        three |= left > 2 ? (uint32_t)in[i + 2] : 0;
        *at++ = base64_digits[three >> 18];
        *at++ = base64_digits[three >> 12 & 63];
        *at++ = left > 1 ? base64_digits[three >> 6 & 63] : '=';
        *at++ = left > 2 ? base64_digits[three & 63] : '=';
    }
    return (size_t)(at - start);
}

void varve_json_write_base64(struct varve_wire_buffer *out, struct varve_view bytes)
{
    const size_t piece = BASE64_PIECE / 4 * 3;
    char digits[BASE64_PIECE];

    buffer_write(out, "\"", 1);
    for (size_t at = 0; at < bytes.size; at += piece) {
        size_t left = bytes.size - at;

        buffer_write(out, digits, encode_base64((const uint8_t *)bytes.data + at, left < piece ? left : piece, digits));
    }
    buffer_write(out, "\"", 1);
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

bool varve_base64_decode(struct varve_view text, uint8_t *into, size_t *ret_size)
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

enum varve_status varve_json_string(struct varve_view raw, struct varve_wire_arena *arena, struct varve_view *ret)
{
    if (raw.size < 2 || raw.data[0] != '"')
        return VARVE_INVALID_ARGUMENT;
    if (memchr(raw.data, '\\', raw.size) == NULL) {
        *ret = varve_view_of(raw.data + 1, raw.size - 2);
        return VARVE_OK;
    }
    json_t *string = json_loadb(raw.data, raw.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (string == NULL)
        return VARVE_INVALID_ARGUMENT;
    size_t size = json_string_length(string);
    char *copy = arena_take(arena, size, 1);
    if (copy != NULL) {
        memcpy(copy, json_string_value(string), size);
        *ret = varve_view_of(copy, size);
    }
    json_decref(string);
    return copy != NULL ? VARVE_OK : VARVE_NO_MEMORY;
}

/* ---- numbers, times, ids ----------------------------------------------------------------------------------------- */

void varve_json_write_uint(struct varve_wire_buffer *out, uint64_t number)
{
    char digits[NUMBER_DIGITS];
    size_t from = sizeof(digits);

    do {
        digits[--from] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buffer_write(out, digits + from, sizeof(digits) - from);
}

void varve_json_write_int(struct varve_wire_buffer *out, int64_t number)
{
    if (number < 0)
        buffer_write(out, "-", 1);
    varve_json_write_uint(out, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void varve_json_write_number(struct varve_wire_buffer *out, uint64_t number)
{
    const char *quote = number > VARVE_JSON_SAFE_NUMBER ? "\"" : "";

    varve_json_write_raw(out, quote);
    varve_json_write_uint(out, number);
    varve_json_write_raw(out, quote);
}

void varve_json_write_time(struct varve_wire_buffer *out, int64_t time_us)
{
    char text[1 + VARVE_TIME_TEXT + 1] = "\"";
    size_t size = varve_time_format(time_us, text + 1);

    text[1 + size] = '"';
    buffer_write(out, text, size + 2);
}

void varve_json_write_uuid(struct varve_wire_buffer *out, const struct varve_uuid *uuid)
{
    char text[1 + VARVE_UUID_TEXT + 1] = "\"";

    varve_uuid_format(uuid, text + 1);
    text[VARVE_UUID_TEXT] = '"';
    buffer_write(out, text, VARVE_UUID_TEXT + 1);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Valid JSON has no line breaks but between its tokens, where a space means the same. */
void varve_json_write_json(struct varve_wire_buffer *out, struct varve_view json)
{
    size_t start = out->size;

    for (; json.size > 0 && is_space(json.data[0]); json.size--)
        json.data++;
    while (json.size > 0 && is_space(json.data[json.size - 1]))
        json.size--;
    buffer_write(out, json.data, json.size);
    for (size_t i = start; i < out->size; i++) {
        if (out->bytes[i] == '\n' || out->bytes[i] == '\r')
            out->bytes[i] = ' ';
    }
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

void varve_json_item(struct varve_wire_buffer *out)
{
    if (out->size > 0 && out->bytes[out->size - 1] != '{' && out->bytes[out->size - 1] != '[')
        buffer_write(out, ",", 1);
}

void varve_json_key(struct varve_wire_buffer *out, const char *key)
{
    varve_json_item(out);
    buffer_write(out, "\"", 1);
    buffer_write(out, key, strlen(key));
    buffer_write(out, "\":", 2);
}

void varve_json_member_text(struct varve_wire_buffer *out, const char *key, struct varve_view text)
{
    varve_json_key(out, key);
    varve_json_write_text(out, text);
}

void varve_json_member_number(struct varve_wire_buffer *out, const char *key, uint64_t number)
{
    varve_json_key(out, key);
    varve_json_write_number(out, number);
}

void varve_json_member_bool(struct varve_wire_buffer *out, const char *key, bool value)
{
    varve_json_key(out, key);
    varve_json_write_raw(out, value ? "true" : "false");
}

void varve_json_member_time(struct varve_wire_buffer *out, const char *key, int64_t time_us)
{
    varve_json_key(out, key);
    varve_json_write_time(out, time_us);
}

void varve_json_member_uuid(struct varve_wire_buffer *out, const char *key, const struct varve_uuid *uuid)
{
    varve_json_key(out, key);
    varve_json_write_uuid(out, uuid);
}
