/* json_fields.c - jansson, with the questions that our own events raise. */
#include "json_fields.h"

#include <stdlib.h>
#include <string.h>

#include "varve/uuid.h"

json_t *json_fields_parse(struct json_fields *fields, struct varve_view text, struct varve_error *error)
{
    json_error_t why = { .text = "empty" };
    json_t *object = text.size == 0 ? NULL : json_loadb(text.data, text.size, JSON_REJECT_DUPLICATES, &why);

    *fields = (struct json_fields){ .object = object, .error = error };
    if (json_is_object(object))
        return object;
    varve_fail(error, VARVE_CORRUPT, NULL, "not a JSON object: %s", object == NULL ? why.text : "another value");
    json_decref(object);
    fields->failed = true;
    return NULL;
}

void json_fields_bad(struct json_fields *fields, const char *name, const char *expected)
{
    if (!fields->failed)
        varve_fail(fields->error, VARVE_CORRUPT, NULL, "%s: expected %s", name, expected);
    fields->failed = true;
}

static const json_t *get(const struct json_fields *fields, const char *name)
{
    return json_object_get(fields->object, name);
}

uint64_t json_fields_uint_or(struct json_fields *fields, const char *name, uint64_t max, uint64_t otherwise)
{
    const json_t *value = get(fields, name);

    if (value == NULL)
        return otherwise;
    if (json_is_integer(value) && json_integer_value(value) >= 0 && (uint64_t)json_integer_value(value) <= max)
        return (uint64_t)json_integer_value(value);
    json_fields_bad(fields, name, "a number in its range");
    return 0;
}

uint64_t json_fields_uint(struct json_fields *fields, const char *name, uint64_t max)
{
    if (get(fields, name) == NULL)
        json_fields_bad(fields, name, "a number, is missing");
    return json_fields_uint_or(fields, name, max, 0);
}

int64_t json_fields_int(struct json_fields *fields, const char *name)
{
    const json_t *value = get(fields, name);

    if (json_is_integer(value))
        return json_integer_value(value);
    json_fields_bad(fields, name, "a number");
    return 0;
}

bool json_fields_flag(struct json_fields *fields, const char *name)
{
    const json_t *value = get(fields, name);

    if (value != NULL && !json_is_boolean(value))
        json_fields_bad(fields, name, "true or false");
    return json_is_true(value);
}

struct varve_view json_fields_text(struct json_fields *fields, const char *name, size_t max_bytes)
{
    const json_t *value = get(fields, name);

    if (value == NULL || json_is_null(value))
        return (struct varve_view){ NULL, 0 };
    if (json_is_string(value) && json_string_length(value) <= max_bytes)
        return varve_view_of(json_string_value(value), json_string_length(value));
    json_fields_bad(fields, name, "a text that is not too long");
    return (struct varve_view){ NULL, 0 };
}

const json_t *json_fields_list(struct json_fields *fields, const char *name, size_t max_items)
{
    const json_t *value = get(fields, name);

    if (value == NULL || (json_is_array(value) && json_array_size(value) <= max_items))
        return value;
    json_fields_bad(fields, name, "a list that is not too long");
    return NULL;
}

struct varve_uuid json_fields_uuid(struct json_fields *fields, const char *name)
{
    struct varve_view text = json_fields_text(fields, name, VARVE_UUID_TEXT);
    struct varve_uuid uuid = { { 0 } };

    if (text.data != NULL && !varve_uuid_parse(text, &uuid))
        json_fields_bad(fields, name, "a UUID");
    return uuid;
}

bool json_set_text(json_t *object, const char *name, struct varve_view text)
{
    return text.data == NULL || json_object_set_new(object, name, json_stringn(text.data, text.size)) == 0;
}

bool json_set_uint(json_t *object, const char *name, uint64_t number)
{
    return json_object_set_new(object, name, json_integer((json_int_t)number)) == 0;
}

bool json_set_uuid(json_t *object, const char *name, const struct varve_uuid *uuid)
{
    char text[VARVE_UUID_TEXT];

    if (varve_uuid_is_nil(uuid))
        return true;
    varve_uuid_format(uuid, text);
    return json_object_set_new(object, name, json_string(text)) == 0;
}

struct varve_view json_finish(json_t *object, bool good)
{
    char *text = good ? json_dumps(object, JSON_COMPACT) : NULL;

    json_decref(object);
    return varve_view_str(text);
}
