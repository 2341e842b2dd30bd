/* wire_values.c - single values between C and JSON. */
#include "wire_values.h"

#include "varve/uuid.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

json_t *json_of_text(struct varve_view text)
{
    return text.data == NULL ? json_null() : json_stringn(text.data, text.size);
}

json_t *json_of_bytes(struct varve_view bytes)
{
    static const char digits[] = "0123456789abcdef";

    if (bytes.data == NULL)
        return json_null();

    char *hex = malloc(2 * bytes.size + 1);

    assert(hex != NULL);
    for (size_t i = 0; i < bytes.size; i++) {
        hex[2 * i] = digits[(uint8_t)bytes.data[i] >> 4];
        hex[2 * i + 1] = digits[(uint8_t)bytes.data[i] & 15];
    }

    json_t *text = json_stringn(hex, 2 * bytes.size);

    free(hex);
    return text;
}

json_t *json_of_uuid(const struct varve_uuid *uuid)
{
    char text[VARVE_UUID_TEXT];

    if (varve_uuid_is_nil(uuid))
        return json_null();
    varve_uuid_format(uuid, text);
    return json_string(text);
}

json_t *json_of_count(uint64_t number, uint64_t absent)
{
    return number == absent ? json_null() : json_integer((json_int_t)number);
}

json_t *json_of_time(int64_t time_us)
{
    return time_us == VARVE_TIME_NONE ? json_null() : json_integer(time_us);
}

json_t *json_of_stats(const struct varve_stat *stats, size_t count)
{
    json_t *map = json_object();

    for (size_t i = 0; i < count; i++)
        json_object_setn_new(map, stats[i].name.data, stats[i].name.size,
                             stats[i].is_text ? json_of_text(stats[i].text)
                                              : json_integer((json_int_t)stats[i].number));
    return map;
}

/* ---- the other way ---- */

struct room {
    struct room *next;
    max_align_t bytes[];
};
static struct room *rooms;

void *value_room(size_t count, size_t size)
{
    struct room *room = calloc(1, sizeof(*room) + count * size + 1);

    assert(room != NULL);
    room->next = rooms;
    rooms = room;
    return room->bytes;
}

void meaning_forget(void)
{
    while (rooms != NULL) {
        struct room *next = rooms->next;

        free(rooms);
        rooms = next;
    }
}

static uint8_t nibble(char digit)
{
    assert((digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f'));
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

struct varve_view meaning_bytes(const char *hex)
{
    size_t size = strlen(hex) / 2;
    char *bytes = value_room(size, 1);

    assert(strlen(hex) % 2 == 0);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    return varve_view_of(bytes, size);
}

static const json_t *value_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL)
        fprintf(stderr, "a vector lacks \"%s\"\n", key);
    assert(value != NULL);
    return value;
}

struct varve_view value_text(const json_t *object, const char *key)
{
    const json_t *value = value_of(object, key);

    return json_is_null(value) ? varve_view_of(NULL, 0)
                               : varve_view_of(json_string_value(value), json_string_length(value));
}

struct varve_view value_bytes(const json_t *object, const char *key)
{
    const json_t *value = value_of(object, key);

    return json_is_null(value) ? varve_view_of(NULL, 0) : meaning_bytes(json_string_value(value));
}

struct varve_uuid value_uuid(const json_t *value)
{
    struct varve_uuid uuid = { { 0 } };

    assert(json_is_null(value) || varve_uuid_parse(varve_view_str(json_string_value(value)), &uuid));
    return uuid;
}

int64_t value_int(const json_t *object, const char *key)
{
    assert(json_is_integer(value_of(object, key)));
    return json_integer_value(value_of(object, key));
}

uint64_t value_count(const json_t *object, const char *key, uint64_t absent)
{
    return json_is_null(value_of(object, key)) ? absent : (uint64_t)value_int(object, key);
}

int64_t value_time(const json_t *object, const char *key)
{
    return json_is_null(value_of(object, key)) ? VARVE_TIME_NONE : value_int(object, key);
}

bool value_bool(const json_t *object, const char *key)
{
    assert(json_is_boolean(value_of(object, key)));
    return json_is_true(value_of(object, key));
}

const struct varve_stat *value_stats(const json_t *map, size_t *ret_count)
{
    struct varve_stat *stats = value_room(json_object_size(map), sizeof(*stats));
    const char *name;
    json_t *value;
    size_t count = 0;

    json_object_foreach((json_t *)map, name, value) {
        struct varve_stat *stat = &stats[count++];

        *stat = (struct varve_stat){ .name = varve_view_str(name), .is_text = json_is_string(value) };
        if (stat->is_text)
            stat->text = varve_view_str(json_string_value(value));
        else
            stat->number = (uint64_t)json_integer_value(value);
    }
    *ret_count = count;
    return stats;
}
