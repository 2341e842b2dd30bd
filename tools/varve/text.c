/* text.c - see text.h. */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "varve/time_text.h"
#include "varve/uuid.h"

void text_free(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

static char *room(struct text *text, size_t size)
{
    if (text->capacity - text->size < size) {
        text->capacity = (text->size + size) * 2;
        text->bytes = memory_resize(text->bytes, text->capacity);
    }
    return text->bytes + text->size;
}

void text_add(struct text *text, struct varve_view bytes)
{
    if (bytes.size == 0)
        return;
    memcpy(room(text, bytes.size), bytes.data, bytes.size);
    text->size += bytes.size;
}

void text_add_str(struct text *text, const char *string)
{
    text_add(text, varve_view_str(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (size > 0)
        text_add(text, varve_view_of(line, (size_t)size < sizeof(line) ? (size_t)size : sizeof(line) - 1));
}

struct varve_wire_buffer text_lend(const struct text *text)
{
    return (struct varve_wire_buffer){ .bytes = (uint8_t *)text->bytes, .size = text->size,
                                       .capacity = text->capacity };
}

void text_take_back(struct text *text, const struct varve_wire_buffer *buffer)
{
    if (buffer->failed)
        memory_exhausted();
    *text = (struct text){ .bytes = (char *)buffer->bytes, .size = buffer->size, .capacity = buffer->capacity };
}

void text_add_json(struct text *text, struct varve_view string)
{
    struct varve_wire_buffer buffer = text_lend(text);

    varve_json_write_text(&buffer, string);
    text_take_back(text, &buffer);
}

void text_add_base64(struct text *text, struct varve_view bytes)
{
    struct varve_wire_buffer buffer = text_lend(text);

    varve_json_write_base64(&buffer, bytes);
    text_take_back(text, &buffer);
}

void text_add_event(struct text *text, const struct varve_event *event)
{
    struct varve_wire_buffer buffer = text_lend(text);

    varve_event_json_write(&buffer, event, 0);
    text_take_back(text, &buffer);
}

void text_key(struct text *text, const char *key)
{
    if (text->size > 0 && text->bytes[text->size - 1] != '{')
        text_add_str(text, ",");
    text_add_json(text, varve_view_str(key));
    text_add_str(text, ":");
}

void text_member(struct text *text, const char *key, struct varve_view string)
{
    text_key(text, key);
    text_add_json(text, string);
}

void text_member_uint(struct text *text, const char *key, uint64_t number)
{
    text_key(text, key);
    text_printf(text, "%" PRIu64, number);
}

void text_member_int(struct text *text, const char *key, int64_t number)
{
    text_key(text, key);
    text_printf(text, "%" PRId64, number);
}

void text_member_bool(struct text *text, const char *key, bool value)
{
    text_key(text, key);
    text_add_str(text, value ? "true" : "false");
}

void text_member_uuid(struct text *text, const char *key, const struct varve_uuid *uuid)
{
    char string[VARVE_UUID_TEXT];

    varve_uuid_format(uuid, string);
    text_member(text, key, varve_view_str(string));
}

void text_member_time(struct text *text, const char *key, int64_t time_us)
{
    char string[VARVE_TIME_TEXT];

    varve_time_format(time_us, string);
    text_member(text, key, varve_view_str(string));
}
