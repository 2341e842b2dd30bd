/* msgpack_json.c - any msgpack value as JSON, for readers who have nothing else.
 *
 * What JSON has no word for: integers above 2^53 (either side of 0) are strings; bytes, and text that is not UTF-8, are
 * base64 strings; what is not a number is "NaN", "Infinity", "-Infinity"; an extension is {"type": n, "data": base64}.
 * Keys that are no text become the text of what they are. */
#include "event_json_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "varve/json.h"
#include "varve/pull.h"

static void write_value(struct varve_wire_buffer *out, struct varve_pull *pull);

static void write_bytes(struct varve_wire_buffer *out, const uint8_t *start, const uint8_t *end)
{
    varve_json_write_base64(out, varve_view_of((const char *)start, (size_t)(end - start)));
}

static void write_str(struct varve_wire_buffer *out, struct varve_view text)
{
    size_t start = out->size;

    varve_json_write_text(out, text);
    if (out->failed || varve_json_check(varve_view_of((const char *)out->bytes + start, out->size - start), NULL, NULL))
        return;
    out->size = start;
    varve_json_write_base64(out, text);
}

static void write_int(struct varve_wire_buffer *out, struct varve_pull *pull, bool quoted)
{
    struct varve_pull ahead = *pull;
    int64_t below = varve_pull_int(&ahead); /* 0 when it is too large for that */
    uint64_t size = 0;

    if (below < 0)
        varve_pull_skip(pull);
    else
        size = varve_pull_uint(pull, UINT64_MAX);
    quoted |= below < -(int64_t)VARVE_JSON_SAFE_NUMBER || size > VARVE_JSON_SAFE_NUMBER;
    varve_json_write_raw(out, quoted ? "\"" : "");
    if (below < 0)
        varve_json_write_int(out, below);
    else
        varve_json_write_uint(out, size);
    varve_json_write_raw(out, quoted ? "\"" : "");
}

static uint64_t big_endian(const uint8_t *at, unsigned size)
{
    uint64_t value = 0;

    while (size-- > 0)
        value = value << 8 | *at++;
    return value;
}

/* The shortest text that reads back as the same number. */
static void format_float(const uint8_t *at, char text[40])
{
    bool is_double = *at == 0xcb;
    uint64_t bits = big_endian(at + 1, is_double ? 8 : 4);
    uint32_t half = (uint32_t)bits;
    float single;
    double number;

    memcpy(&single, &half, sizeof(single));
    memcpy(&number, &bits, sizeof(number));
    number = is_double ? number : (double)single;
    if (!isfinite(number)) {
        snprintf(text, 40, "\"%s\"", isnan(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity");
        return;
    }
    for (int digits = is_double ? 15 : 6; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, number);
        if (is_double ? strtod(text, NULL) == number : strtof(text, NULL) == single)
            return;
    }
}

static void write_float(struct varve_wire_buffer *out, struct varve_pull *pull)
{
    char text[40];

    format_float(pull->at, text);
    varve_pull_skip(pull);
    varve_json_write_raw(out, text);
}

static void write_ext(struct varve_wire_buffer *out, struct varve_pull *pull)
{
    const uint8_t *at = pull->at;
    /* fixext 1 to 16 have no length, ext 8, 16, 32 one of 1, 2, 4 bytes; then the type. */
    unsigned length_bytes = *at >= 0xd4 ? 0 : 1u << (*at - 0xc7);

    varve_pull_skip(pull);
    varve_json_write_raw(out, "{\"type\":");
    varve_json_write_int(out, (int8_t)at[1 + length_bytes]);
    varve_json_write_raw(out, ",\"data\":");
    write_bytes(out, at + 2 + length_bytes, pull->at);
    varve_json_write_raw(out, "}");
}

static void write_key(struct varve_wire_buffer *out, struct varve_pull *pull)
{
    const uint8_t *start = pull->at;

    switch (varve_pull_peek(pull)) {
    case VARVE_PULL_STR:
        write_str(out, varve_pull_str(pull));
        break;
    case VARVE_PULL_INT:
        write_int(out, pull, true);
        break;
    case VARVE_PULL_BOOL:
        varve_json_write_raw(out, varve_pull_bool(pull) ? "\"true\"" : "\"false\"");
        break;
    case VARVE_PULL_NIL:
        varve_pull_nil(pull);
        varve_json_write_raw(out, "\"null\"");
        break;
    default:
        varve_pull_skip(pull);
        write_bytes(out, start, pull->at);
    }
}

static void write_map(struct varve_wire_buffer *out, struct varve_pull *pull)
{
    uint32_t count = varve_pull_map(pull);

    varve_json_write_raw(out, "{");
    for (uint32_t i = 0; i < count; i++) {
        varve_json_write_raw(out, i > 0 ? "," : "");
        write_key(out, pull);
        varve_json_write_raw(out, ":");
        write_value(out, pull);
    }
    varve_json_write_raw(out, "}");
}

static void write_array(struct varve_wire_buffer *out, struct varve_pull *pull)
{
    uint32_t count = varve_pull_array(pull);

    varve_json_write_raw(out, "[");
    for (uint32_t i = 0; i < count; i++) {
        varve_json_write_raw(out, i > 0 ? "," : "");
        write_value(out, pull);
    }
    varve_json_write_raw(out, "]");
}

/* Goes as deep as the check allowed. */
static void write_value(struct varve_wire_buffer *out, struct varve_pull *pull)
{
    struct varve_view bytes;

    switch (varve_pull_peek(pull)) {
    case VARVE_PULL_NIL:
        varve_pull_nil(pull);
        varve_json_write_raw(out, "null");
        break;
    case VARVE_PULL_BOOL:
        varve_json_write_raw(out, varve_pull_bool(pull) ? "true" : "false");
        break;
    case VARVE_PULL_INT:
        write_int(out, pull, false);
        break;
    case VARVE_PULL_FLOAT:
        write_float(out, pull);
        break;
    case VARVE_PULL_STR:
        write_str(out, varve_pull_str(pull));
        break;
    case VARVE_PULL_BIN:
        bytes = varve_pull_bin(pull);
        varve_json_write_base64(out, bytes);
        break;
    case VARVE_PULL_ARRAY:
        write_array(out, pull);
        break;
    case VARVE_PULL_MAP:
        write_map(out, pull);
        break;
    default:
        write_ext(out, pull);
    }
}

bool msgpack_to_json(struct varve_wire_buffer *out, struct varve_view bytes)
{
    struct varve_pull pull;

    if (!varve_msgpack_check(bytes.data, bytes.size, VARVE_MSGPACK_MAX_DEPTH))
        return false;
    varve_pull_init(&pull, bytes.data, bytes.size);
    write_value(out, &pull);
    return true;
}
