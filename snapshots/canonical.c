/* canonical.c - see canonical.h. */
#include "canonical.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "varve/json.h"

#define FEW_MEMBERS 64 /* sorted without taking memory */

struct member {
    const char *key;
    const json_t *value;
};

static bool write_value(const json_t *value, unsigned depth, struct grow *out);

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct member *)a)->key, ((const struct member *)b)->key);
}

static void write_real(double number, struct grow *out)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    grow_str(out, text);
    if (strpbrk(text, ".e") == NULL)
        grow_str(out, ".0"); /* so that it is read as a real again */
}

static bool write_members(const struct member *members, size_t count, unsigned depth, struct grow *out)
{
    bool works = true;

    grow_add(out, "{", 1);
    for (size_t i = 0; i < count && works; i++) {
        if (i > 0)
            grow_add(out, ",", 1);
        grow_json_string(out, varve_view_str(members[i].key));
        grow_add(out, ":", 1);
        works = write_value(members[i].value, depth, out);
    }
    grow_add(out, "}", 1);
    return works;
}

static bool write_object(json_t *object, unsigned depth, struct grow *out)
{
    struct member few[FEW_MEMBERS], *members = few;
    size_t count = json_object_size(object), i = 0;
    const char *key;
    json_t *value;

    if (count > FEW_MEMBERS)
        members = malloc(count * sizeof(*members));
    if (members == NULL) {
        out->failed = true;
        return false;
    }
    json_object_foreach(object, key, value)
        members[i++] = (struct member){ key, value };
    qsort(members, count, sizeof(*members), by_key);
    bool works = write_members(members, count, depth, out);
    if (members != few)
        free(members);
    return works;
}

static bool write_array(const json_t *array, unsigned depth, struct grow *out)
{
    bool works = true;

    grow_add(out, "[", 1);
    for (size_t i = 0; i < json_array_size(array) && works; i++) {
        if (i > 0)
            grow_add(out, ",", 1);
        works = write_value(json_array_get(array, i), depth, out);
    }
    grow_add(out, "]", 1);
    return works;
}

static bool write_value(const json_t *value, unsigned depth, struct grow *out)
{
    if ((json_is_object(value) || json_is_array(value)) && depth == VARVE_JSON_MAX_DEPTH)
        return false;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object((json_t *)value, depth + 1, out);
    case JSON_ARRAY:
        return write_array(value, depth + 1, out);
    case JSON_STRING:
        grow_json_string(out, varve_view_of(json_string_value(value), json_string_length(value)));
        break;
    case JSON_INTEGER:
        grow_int(out, json_integer_value(value));
        break;
    case JSON_REAL:
        write_real(json_real_value(value), out);
        break;
    default:
        grow_str(out, json_is_null(value) ? "null" : json_is_true(value) ? "true" : "false");
        break;
    }
    return true;
}

bool canonical_write(const json_t *value, struct grow *out)
{
    return write_value(value, 0, out) && !out->failed;
}
