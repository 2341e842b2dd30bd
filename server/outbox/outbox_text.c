/* outbox_text.c - digit by digit. */
#include "outbox_text.h"

#include <string.h>

#include "varve/time_text.h"

size_t outbox_text_number(char at[OUTBOX_NUMBER_TEXT], uint64_t number)
{
    char digits[OUTBOX_NUMBER_TEXT];
    size_t from = sizeof(digits);

    do {
        digits[--from] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(at, digits + from, sizeof(digits) - from);
    return sizeof(digits) - from;
}

size_t outbox_text_time(char at[OUTBOX_TIME_TEXT], int64_t time_us)
{
    char text[VARVE_TIME_TEXT];

    varve_time_format(time_us, text);
    memcpy(at, text, OUTBOX_TIME_TEXT);
    return OUTBOX_TIME_TEXT;
}

void outbox_put(struct outbox_sink *sink, const char *bytes, size_t size)
{
    if (sink->room != NULL && size > 0)
        memcpy(sink->room + sink->size, bytes, size);
    sink->size += size;
}

void outbox_put_word(struct outbox_sink *sink, const char *word)
{
    outbox_put(sink, word, strlen(word));
}

void outbox_put_number(struct outbox_sink *sink, uint64_t number)
{
    char text[OUTBOX_NUMBER_TEXT];

    outbox_put(sink, text, outbox_text_number(text, number));
}

static const char hex_digits[] = "0123456789abcdef", HEX_DIGITS[] = "0123456789ABCDEF";

void outbox_put_string(struct outbox_sink *sink, struct varve_view text)
{
    size_t from = 0;

    outbox_put(sink, "\"", 1);
    for (size_t at = 0; at < text.size; at++) {
        uint8_t c = (uint8_t)text.data[at];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        char escape[6] = { '\\', 'u', '0', '0', hex_digits[c >> 4], hex_digits[c & 15] };
        outbox_put(sink, text.data + from, at - from);
        from = c < 0x20 ? at + 1 : at; /* The character itself stands behind a backslash. */
        outbox_put(sink, escape, c < 0x20 ? sizeof(escape) : 1);
    }
    outbox_put(sink, text.data + from, text.size - from);
    outbox_put(sink, "\"", 1);
}

void outbox_put_base64(struct outbox_sink *sink, struct varve_view bytes)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *from = (const uint8_t *)bytes.data;

    if (sink->room == NULL) {
        sink->size += (bytes.size + 2) / 3 * 4 + 2;
        return;
    }
    outbox_put(sink, "\"", 1);
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t left = bytes.size - at;
        uint32_t three = (uint32_t)from[at] << 16 | (left > 1 ? (uint32_t)from[at + 1] << 8 : 0) |
                         (left > 2 ? from[at + 2] : 0);
        char four[4] = { letters[three >> 18], letters[three >> 12 & 63], left > 1 ? letters[three >> 6 & 63] : '=',
                         left > 2 ? letters[three & 63] : '=' };

        outbox_put(sink, four, sizeof(four));
    }
    outbox_put(sink, "\"", 1);
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "scheme:" at the beginning; 0: none. */
static size_t scheme_size(struct varve_view text)
{
    size_t at = 0;

    while (at < text.size && (is_letter(text.data[at]) ||
                              (at > 0 && text.data[at] != 0 && strchr("0123456789+-.", text.data[at]) != NULL)))
        at++;
    return at > 0 && at < text.size && text.data[at] == ':' ? at + 1 : 0;
}

void outbox_put_uri(struct outbox_sink *sink, struct varve_view text)
{
    size_t at = scheme_size(text);
    bool colons = at > 0; /* Without a scheme, one in the first segment would make that a scheme. */
    bool has_fragment = false;

    outbox_put(sink, text.data, at);
    for (; at < text.size; at++) {
        char c = text.data[at];
        char escaped[3] = { '%', HEX_DIGITS[(uint8_t)c >> 4], HEX_DIGITS[(uint8_t)c & 15] };
        bool plain = is_letter(c) || (c != 0 && strchr("0123456789-._~!$&'()*+,;=@/?", c) != NULL) ||
                     (c == ':' && colons) || (c == '#' && !has_fragment) ||
                     (c == '%' && text.size - at > 2 && is_hex(text.data[at + 1]) && is_hex(text.data[at + 2]));

        colons |= c == '/' || c == '?' || c == '#';
        has_fragment |= c == '#';
        outbox_put(sink, plain ? &c : escaped, plain ? 1 : sizeof(escaped));
    }
}
