/* outbox_json.c - walks members, and undoes escapes only where there are some. */
#include "outbox_json.h"

#include <string.h>

#include "varve/json.h"

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static uint32_t take_four(const char *digits)
{
    return hex_digit(digits[0]) << 12 | hex_digit(digits[1]) << 8 | hex_digit(digits[2]) << 4 | hex_digit(digits[3]);
}

/* \uXXXX at `at`, which stands on its 'u', with the second half of a pair; a half alone becomes U+FFFD. */
static uint32_t take_character(struct varve_view text, size_t *at)
{
    uint32_t first = take_four(text.data + *at + 1);

    *at += 5;
    if (first < 0xd800 || first > 0xdfff)
        return first;
    if (first > 0xdbff || text.size - *at < 6 || text.data[*at] != '\\' || text.data[*at + 1] != 'u')
        return 0xfffd;
    uint32_t second = take_four(text.data + *at + 2);
    if (second < 0xdc00 || second > 0xdfff)
        return 0xfffd;
    *at += 6;
    return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
}

static size_t put_character(char *at, uint32_t c)
{
    if (c < 0x80) {
        at[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = size - 1; i > 0; i--, c >>= 6)
        at[i] = (char)(0x80 | (c & 0x3f));
    at[0] = (char)(leads[size] | c);
    return size;
}

/* The character of an escape; `at` stands behind the backslash. */
static uint32_t take_escape(struct varve_view text, size_t *at)
{
    static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
    char name = text.data[*at];
    const char *known = strchr(names, name);

    if (name == 'u')
        return take_character(text, at);
    (*at)++;
    return (uint8_t)(known != NULL ? values[known - names] : name); /* quote, slash, backslash stand for themselves */
}

/* `text` stood between quotes in JSON that was checked. */
static struct varve_view plain_text(struct varve_view text, char room[OUTBOX_JSON_TEXT])
{
    size_t used = 0;

    if (text.size == 0 || text.size > OUTBOX_JSON_TEXT || memchr(text.data, '\\', text.size) == NULL)
        return text;
    for (size_t at = 0; at < text.size;) { /* An escape is never shorter than its character. */
        if (text.data[at] != '\\') {
            room[used++] = text.data[at++];
        } else {
            at++;
            used += put_character(room + used, take_escape(text, &at));
        }
    }
    return varve_view_of(room, used);
}

struct varve_view outbox_json_text(struct varve_view value, char room[OUTBOX_JSON_TEXT])
{
    if (value.size < 2 || value.data[0] != '"')
        return value;
    return plain_text(varve_view_of(value.data + 1, value.size - 2), room);
}

static bool find_member(struct varve_view object, struct varve_view name, struct varve_view *ret_value)
{
    struct varve_view key, value;
    char room[OUTBOX_JSON_TEXT];
    size_t cursor = 0;

    while (varve_json_next_member(object, &cursor, &key, &value))
        if (varve_view_equal(plain_text(key, room), name)) {
            *ret_value = value;
            return !varve_view_equal(value, varve_view_of("null", 4));
        }
    return false;
}

bool outbox_json_find(struct varve_view object, const char *path, struct varve_view *ret_value)
{
    while (object.size > 0) {
        const char *dot = strchr(path, '.');

        if (find_member(object, varve_view_str(path), ret_value))
            return true;
        if (dot == NULL || !find_member(object, varve_view_of(path, (size_t)(dot - path)), &object))
            return false;
        path = dot + 1;
    }
    return false;
}
