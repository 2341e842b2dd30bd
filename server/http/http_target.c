/* http_target.c - takes the target of a request apart. */
#include "http_target.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What comes of %XX, and of + in a query, is never longer than what it was. False: an escape that is none, or NUL. */
static bool decode(struct varve_view *text, bool plus_is_blank)
{
    char *to = (char *)text->data;
    const char *from = text->data, *end = from + text->size;

    while (from < end) {
        char c = *from++;

        if (c == '%') {
            int high = end - from < 2 ? -1 : hex_digit(from[0]), low = high < 0 ? -1 : hex_digit(from[1]);

            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high << 4 | low);
            from += 2;
        } else if (c == '+' && plus_is_blank) {
            c = ' ';
        } else if (c == 0) {
            return false;
        }
        *to++ = c;
    }
    text->size = (size_t)(to - text->data);
    return true;
}

/* The text up to `stop`, which is taken off as well; all of it when there is none. */
static struct varve_view take_until(struct varve_view *text, char stop)
{
    const char *at = text->size == 0 ? NULL : memchr(text->data, stop, text->size);
    size_t size = at == NULL ? text->size : (size_t)(at - text->data);
    struct varve_view taken = varve_view_of(text->data, size);

    text->data += at == NULL ? size : size + 1;
    text->size -= at == NULL ? size : size + 1;
    return taken;
}

static enum varve_status parse_path(struct varve_view path, struct http_target *ret, struct varve_error *error)
{
    path.data++; /* The first slash. */
    path.size--;
    while (path.size > 0) {
        struct varve_view segment = take_until(&path, '/');

        if (segment.size == 0)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "two slashes in a row in the path");
        if (ret->segment_count == HTTP_MAX_SEGMENTS)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "the path has more than %d segments",
                              HTTP_MAX_SEGMENTS);
        if (!decode(&segment, false))
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "path",
                              "the path has a %% that is not followed by two hexadecimal digits, or a zero byte");
        ret->segments[ret->segment_count++] = segment;
    }
    return VARVE_OK;
}

static bool was_named(const struct http_target *target, struct varve_view name)
{
    for (size_t i = 0; i < target->parameter_count; i++) {
        if (varve_view_equal(target->parameters[i].name, name))
            return true;
    }
    return false;
}

static enum varve_status named_twice(struct varve_view name, struct varve_error *error)
{
    char text[64];

    snprintf(text, sizeof(text), "%.*s", (int)(name.size < sizeof(text) ? name.size : sizeof(text) - 1), name.data);
    return varve_fail(error, VARVE_INVALID_ARGUMENT, text, "the query names the parameter %s twice", text);
}

static enum varve_status parse_query(struct varve_view query, struct http_target *ret, struct varve_error *error)
{
    while (query.size > 0) {
        struct varve_view value = take_until(&query, '&');
        size_t size = value.size;
        struct varve_view name = take_until(&value, '=');

        if (size == 0)
            continue;
        if (name.size == 0)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "query", "the query has a = without a name before it");
        if (!decode(&name, true) || !decode(&value, true))
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "query",
                              "the query has a %% that is not followed by two hexadecimal digits, or a zero byte");
        if (ret->parameter_count == HTTP_MAX_PARAMETERS)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "query", "the query has more than %d parameters",
                              HTTP_MAX_PARAMETERS);
        if (was_named(ret, name))
            return named_twice(name, error);
        ret->parameters[ret->parameter_count++] =
            (struct http_parameter){ .name = name, .value = value, .has_value = name.size < size };
    }
    return VARVE_OK;
}

static bool has_odd_bytes(struct varve_view text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

enum varve_status http_target_parse(char *text, size_t size, struct http_target *ret, struct varve_error *error)
{
    static const char scheme[] = "http://";
    struct varve_view rest = varve_view_of(text, size);

    *ret = (struct http_target){ .segment_count = 0 };
    if (size >= sizeof(scheme) - 1 && strncasecmp(text, scheme, sizeof(scheme) - 1) == 0) {
        rest = varve_view_of(text + sizeof(scheme) - 1, size - (sizeof(scheme) - 1));
        ret->authority = varve_view_of(rest.data, 0);
        while (rest.size > 0 && *rest.data != '/' && *rest.data != '?') {
            ret->authority.size++;
            rest.data++;
            rest.size--;
        }
    }
    if (rest.size == 0 || *rest.data != '/')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path",
                          "the request's target is neither a path that begins with / nor an http:// address");
    if (has_odd_bytes(rest))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "a space or a control byte in the request's target");
    if (memchr(rest.data, '#', rest.size) != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "path", "a request's target has no fragment (#)");
    struct varve_view path = take_until(&rest, '?');
    enum varve_status status = parse_path(path, ret, error);
    return status == VARVE_OK ? parse_query(rest, ret, error) : status;
}

bool http_target_matches(const struct http_target *target, const char *pattern,
                         struct varve_view parts[HTTP_MAX_PARTS])
{
    struct varve_view rest = varve_view_str(pattern + 1);
    size_t part_count = 0;

    for (size_t i = 0; i < target->segment_count; i++) {
        if (rest.size == 0)
            return false;
        struct varve_view wanted = take_until(&rest, '/');
        if (wanted.data[0] == '{')
            parts[part_count++] = target->segments[i];
        else if (!varve_view_equal(wanted, target->segments[i]))
            return false;
    }
    return rest.size == 0;
}
