/* push_fields.c - one walk over the members; in each object, only the paths that led there are looked at. */
#include "push_fields.h"

#include <string.h>

#include "outbox/outbox_json.h"
#include "varve/json.h"
#include "varve/json_text.h"

_Static_assert(PUSH_LIST_MAX <= 64, "a bit for each path");

static bool write_value(struct varve_wire_buffer *out, const struct push_list *paths, struct varve_view json);

/* A key without its escapes. One that is longer than any path is left as it is. */
static struct varve_view key_text(struct varve_view key, char room[OUTBOX_JSON_TEXT])
{
    return outbox_json_text(varve_view_of(key.data - 1, key.size + 2), room); /* With the quotes around it. */
}

/* Which of the paths lead to this key, as bits. *ret_whole: one ends here; *ret_rest: how the others go on. */
static uint64_t match_key(const struct push_list *paths, struct varve_view key, bool *ret_whole,
                          struct push_list *ret_rest)
{
    uint64_t matched = 0;

    *ret_whole = false;
    ret_rest->count = 0;
    for (size_t i = 0; i < paths->count; i++) {
        const char *path = paths->items[i];

        if (strncmp(path, key.data, key.size) != 0 || memchr(key.data, 0, key.size) != NULL)
            continue;
        if (path[key.size] == 0)
            *ret_whole = true;
        else if (path[key.size] == '.')
            ret_rest->items[ret_rest->count++] = path + key.size + 1;
        else
            continue;
        matched |= UINT64_C(1) << i;
    }
    return matched;
}

static void write_member(struct varve_wire_buffer *out, struct varve_view raw_key, struct varve_view value,
                         const struct push_list *rest)
{
    size_t before = out->size;

    varve_json_item(out);
    varve_json_write_bytes(out, varve_view_of(raw_key.data - 1, raw_key.size + 2));
    varve_json_write_raw(out, ":");
    if (rest == NULL)
        varve_json_write_json(out, value);
    else if (!write_value(out, rest, value))
        out->size = before;
}

static void write_object(struct varve_wire_buffer *out, const struct push_list *paths, struct varve_view object)
{
    struct varve_view key, value;
    char room[OUTBOX_JSON_TEXT];
    uint64_t seen = 0;
    size_t cursor = 0;

    varve_json_write_raw(out, "{");
    while (varve_json_next_member(object, &cursor, &key, &value)) {
        struct push_list rest;
        bool whole;
        uint64_t matched = match_key(paths, key_text(key, room), &whole, &rest);

        if (matched == 0 || (matched & seen) != 0)
            continue;
        seen |= matched;
        write_member(out, key, value, whole ? NULL : &rest);
    }
    varve_json_write_raw(out, "}");
}

static void write_array(struct varve_wire_buffer *out, const struct push_list *paths, struct varve_view array)
{
    struct varve_view value;
    size_t cursor = 0;

    varve_json_write_raw(out, "[");
    while (varve_json_next_item(array, &cursor, &value)) {
        size_t before = out->size;

        varve_json_item(out);
        if (!write_value(out, paths, value))
            out->size = before;
    }
    varve_json_write_raw(out, "]");
}

/* False, and nothing is written, for what is neither object nor array. */
static bool write_value(struct varve_wire_buffer *out, const struct push_list *paths, struct varve_view json)
{
    if (json.size > 0 && json.data[0] == '{')
        write_object(out, paths, json);
    else if (json.size > 0 && json.data[0] == '[')
        write_array(out, paths, json);
    else
        return false;
    return true;
}

bool push_fields_write(struct varve_wire_buffer *out, const struct push_list *fields, struct varve_view json)
{
    while (json.size > 0 && memchr(" \t\r\n", json.data[0], 4) != NULL) {
        json.data++;
        json.size--;
    }
    return write_value(out, fields, json);
}
