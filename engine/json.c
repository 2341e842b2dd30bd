/* json.c - JSON as RFC 8259 has it, checked in one pass without building anything.
 *
 * A small machine: take_value() takes a scalar or the opening of a container, after_value() what may stand behind it.
 * What the containers are (array or object) is a stack of bits, so that hostile nesting costs no memory. */
#include "varve/json.h"

#include "utf8.h"

#include <string.h>

struct scan {
    const uint8_t *start, *at, *end;
    const char *why;   /* set once, where it stopped being JSON: `at` */
    unsigned depth, max_depth;
    bool is_object[VARVE_JSON_MAX_DEPTH + VARVE_JSON_MAX_LEVELS + 1]; /* [depth]: of the innermost container */
};

static bool stop(struct scan *scan, const char *why)
{
    scan->why = why;
    return false;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* The byte at hand; 0 at the end, which no rule of JSON accepts anywhere. */
static uint8_t peek(const struct scan *scan)
{
    return scan->at < scan->end ? *scan->at : 0;
}

static void pass_space(struct scan *scan)
{
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
}

/* How many of the eight bytes stand before the first quote, backslash, control character or byte beyond ASCII. (A
 * borrow can mark a byte wrongly, but only above one that is marked rightly.) */
static unsigned plain_of_eight(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
    uint64_t eight, quote, backslash;

    memcpy(&eight, at, sizeof(eight));
    quote = eight ^ (ones * '"');
    backslash = eight ^ (ones * '\\');
    uint64_t special = (eight | (eight - ones * 0x20) | (quote - ones) | (backslash - ones)) & highs;
    return special == 0 ? 8 : (unsigned)__builtin_ctzll(special) / 8;
}

static bool take_escape(struct scan *scan)
{
    scan->at++;
    switch (peek(scan)) {
    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
        scan->at++;
        return true;
    case 'u':
        scan->at++;
        break;
    default:
        return stop(scan, scan->at == scan->end ? "the string has no end" : "no such escape");
    }
    for (unsigned i = 0; i < 4; i++, scan->at++) {
        uint8_t c = peek(scan);
        if (!is_digit(c) && !((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
            return stop(scan, "\\u needs four hexadecimal digits");
    }
    return true;
}

static bool take_string(struct scan *scan)
{
    scan->at++;
    for (;;) {
        unsigned plain = 8;
        while (plain == 8 && scan->end - scan->at >= 8) {
            plain = plain_of_eight(scan->at);
            scan->at += plain;
        }
        if (scan->at == scan->end)
            return stop(scan, "the string has no end");

        uint8_t c = *scan->at;
        if (c == '"') {
            scan->at++;
            return true;
        }
        if (c < 0x20)
            return stop(scan, "a control character must be written as an escape");
        if (c == '\\') {
            if (!take_escape(scan))
                return false;
        } else if (c < 0x80) {
            scan->at++;
        } else {
            unsigned length = utf8_sequence(scan->at, scan->end);
            if (length == 0)
                return stop(scan, "not UTF-8");
            scan->at += length;
        }
    }
}

static bool take_digits(struct scan *scan)
{
    if (!is_digit(peek(scan)))
        return stop(scan, "a digit was expected");
    while (is_digit(peek(scan)))
        scan->at++;
    return true;
}

static bool take_number(struct scan *scan)
{
    if (peek(scan) == '-')
        scan->at++;
    if (peek(scan) == '0')
        scan->at++;
    else if (!take_digits(scan))
        return false;
    if (is_digit(peek(scan)))
        return stop(scan, "a number must not begin with 0");
    if (peek(scan) == '.') {
        scan->at++;
        if (!take_digits(scan))
            return false;
    }
    if ((peek(scan) | 0x20) == 'e') {
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-')
            scan->at++;
        return take_digits(scan);
    }
    return true;
}

static bool take_word(struct scan *scan, const char *word)
{
    for (; *word != '\0'; word++, scan->at++)
        if (peek(scan) != (uint8_t)*word)
            return stop(scan, "a value was expected");
    return true;
}

/* From a member's quote to behind its colon. */
static bool take_key(struct scan *scan)
{
    if (peek(scan) != '"')
        return stop(scan, "a member's name in quotes was expected");
    if (!take_string(scan))
        return false;
    pass_space(scan);
    if (peek(scan) != ':')
        return stop(scan, "a colon was expected");
    scan->at++;
    return true;
}

/* Into an array or object. *ret_whole: it was empty and is behind us. Else a value comes next. */
static bool open_container(struct scan *scan, bool *ret_whole)
{
    bool object = peek(scan) == '{';

    if (scan->depth == scan->max_depth)
        return stop(scan, "nested too deep");
    scan->is_object[++scan->depth] = object;
    scan->at++;
    pass_space(scan);
    *ret_whole = peek(scan) == (object ? '}' : ']');
    if (*ret_whole) {
        scan->at++;
        scan->depth--;
        return true;
    }
    return object ? take_key(scan) : true;
}

/* A scalar, or the beginning of a container. */
static bool take_value(struct scan *scan, bool *ret_whole)
{
    *ret_whole = true;
    pass_space(scan);
    switch (peek(scan)) {
    case '{': case '[': return open_container(scan, ret_whole);
    case '"': return take_string(scan);
    case 't': return take_word(scan, "true");
    case 'f': return take_word(scan, "false");
    case 'n': return take_word(scan, "null");
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return take_number(scan);
    }
    return stop(scan, "a value was expected");
}

/* Behind a value: past all brackets that close here, and the comma. Afterwards a value comes next, or depth is 0. */
static bool after_value(struct scan *scan)
{
    while (scan->depth > 0) {
        bool object = scan->is_object[scan->depth];
        pass_space(scan);
        if (peek(scan) == ',') {
            scan->at++;
            pass_space(scan);
            return object ? take_key(scan) : true;
        }
        if (peek(scan) != (object ? '}' : ']'))
            return stop(scan, object ? "a comma or } was expected" : "a comma or ] was expected");
        scan->at++;
        scan->depth--;
    }
    return true;
}

static bool check_document(struct scan *scan)
{
    bool whole;

    do {
        if (!take_value(scan, &whole))
            return false;
        if (whole && !after_value(scan))
            return false;
    } while (scan->depth > 0);
    pass_space(scan);
    return scan->at == scan->end ? true : stop(scan, "something follows the value");
}

static bool check_to_depth(struct varve_view text, unsigned max_depth, size_t *ret_offset, const char **ret_why)
{
    struct scan scan;

    scan.start = scan.at = (const uint8_t *)text.data;
    scan.end = scan.start + text.size;
    scan.depth = 0;
    scan.max_depth = max_depth;
    if (check_document(&scan))
        return true;
    if (ret_offset != NULL)
        *ret_offset = (size_t)(scan.at - scan.start);
    if (ret_why != NULL)
        *ret_why = scan.why;
    return false;
}

bool varve_json_check(struct varve_view text, size_t *ret_offset, const char **ret_why)
{
    return check_to_depth(text, VARVE_JSON_MAX_DEPTH, ret_offset, ret_why);
}

bool varve_json_check_envelope(struct varve_view text, unsigned levels, size_t *ret_offset, const char **ret_why)
{
    return check_to_depth(text, VARVE_JSON_MAX_DEPTH + levels, ret_offset, ret_why);
}

/* ---- members of a text that has passed the check ---------------------------------------------------------------- */

static size_t skip_space(struct varve_view text, size_t at)
{
    while (at < text.size && is_space((uint8_t)text.data[at]))
        at++;
    return at;
}

/* From a quote to behind the one that answers it: the next with no backslashes before it, or pairs of them. */
static size_t skip_string(struct varve_view text, size_t at)
{
    const char *begin = text.data + at + 1, *end = text.data + text.size, *quote = begin - 1;

    while ((quote = memchr(quote + 1, '"', (size_t)(end - quote - 1))) != NULL) {
        const char *escapes = quote;
        while (escapes > begin && escapes[-1] == '\\')
            escapes--;
        if ((quote - escapes) % 2 == 0)
            return (size_t)(quote + 1 - text.data);
    }
    return text.size;
}

static size_t skip_value(struct varve_view text, size_t at)
{
    size_t depth = 0;

    while (at < text.size) {
        char c = text.data[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || is_space((uint8_t)c)))
            return at; /* Behind a number or word. */
        at = c == '"' ? skip_string(text, at) : at + 1;
        if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            return at;
    }
    return at;
}

bool varve_json_next_member(struct varve_view object, size_t *cursor, struct varve_view *ret_key,
                            struct varve_view *ret_value)
{
    size_t at = skip_space(object, *cursor);

    if (at >= object.size || object.data[at] != (*cursor == 0 ? '{' : ','))
        return false;
    size_t key = skip_space(object, at + 1);
    if (key >= object.size || object.data[key] != '"')
        return false;
    size_t key_end = skip_string(object, key);
    size_t value = skip_space(object, skip_space(object, key_end) + 1);
    size_t value_end = skip_value(object, value);
    if (key_end - key < 2 || value >= value_end)
        return false;

    *ret_key = varve_view_of(object.data + key + 1, key_end - key - 2);
    *ret_value = varve_view_of(object.data + value, value_end - value);
    *cursor = value_end;
    return true;
}

bool varve_json_next_item(struct varve_view array, size_t *cursor, struct varve_view *ret_value)
{
    size_t at = skip_space(array, *cursor);

    if (at >= array.size || array.data[at] != (*cursor == 0 ? '[' : ','))
        return false;
    size_t value = skip_space(array, at + 1);
    size_t value_end = skip_value(array, value);
    if (value >= value_end)
        return false; /* It is empty. */

    *ret_value = varve_view_of(array.data + value, value_end - value);
    *cursor = value_end;
    return true;
}
