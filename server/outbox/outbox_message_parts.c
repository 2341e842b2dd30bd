/* outbox_message_parts.c - headers one after another, JSON member by member. */
#include "outbox_message_parts.h"

#include <assert.h>
#include <string.h>

bool outbox_headers_begin(struct outbox_headers *headers, struct outbox_arena *arena)
{
    headers->count = headers->bytes = headers->texts_used = 0;
    headers->texts = outbox_arena_take(arena, OUTBOX_HEADER_TEXTS);
    return headers->texts != NULL;
}

void outbox_headers_view(struct outbox_headers *headers, const char *name, struct varve_view value)
{
    if (value.data == NULL)
        return;
    assert(headers->count < OUTBOX_MAX_HEADERS);
    headers->all[headers->count++] = (struct outbox_header){ .name = name, .value = value };
    headers->bytes += strlen(name) + value.size;
}

/* Where the next text may be written, `size` bytes of it. */
static char *next_text(struct outbox_headers *headers, size_t size)
{
    assert(headers->texts_used + size <= OUTBOX_HEADER_TEXTS);
    return headers->texts + headers->texts_used;
}

static void add_text(struct outbox_headers *headers, const char *name, size_t size)
{
    outbox_headers_view(headers, name, varve_view_of(headers->texts + headers->texts_used, size));
    headers->texts_used += size;
}

void outbox_headers_uuid(struct outbox_headers *headers, const char *name, const struct varve_uuid *uuid)
{
    if (varve_uuid_is_nil(uuid))
        return;
    varve_uuid_format(uuid, next_text(headers, VARVE_UUID_TEXT));
    add_text(headers, name, VARVE_UUID_TEXT - 1);
}

void outbox_headers_number(struct outbox_headers *headers, const char *name, uint64_t number)
{
    add_text(headers, name, outbox_text_number(next_text(headers, OUTBOX_NUMBER_TEXT), number));
}

void outbox_headers_time(struct outbox_headers *headers, const char *name, int64_t time_us)
{
    if (time_us != VARVE_TIME_NONE)
        add_text(headers, name, outbox_text_time(next_text(headers, OUTBOX_TIME_TEXT), time_us));
}

const struct outbox_header *outbox_headers_end(const struct outbox_headers *headers, struct outbox_arena *arena)
{
    size_t size = headers->count * sizeof(headers->all[0]);
    struct outbox_header *copy = outbox_arena_take(arena, size);

    return copy != NULL ? memcpy(copy, headers->all, size) : NULL;
}

void outbox_make_identity(struct outbox_making *making)
{
    outbox_headers_uuid(&making->headers, "v-id", &making->event->id);
    outbox_headers_number(&making->headers, "v-pos", making->event->position);
}

struct varve_view outbox_make_text(const struct outbox_making *making,
                                   void (*write)(struct outbox_sink *sink, const struct outbox_making *making))
{
    struct outbox_sink counted = { .room = NULL };

    write(&counted, making);
    struct outbox_sink sink = { .room = outbox_arena_take(making->arena, counted.size) };
    if (sink.room == NULL)
        return (struct varve_view){ NULL, 0 };
    write(&sink, making);
    assert(sink.size == counted.size);
    return varve_view_of(sink.room, sink.size);
}

static void put_name(struct outbox_sink *sink, const char *name)
{
    outbox_put(sink, ",\"", 2);
    outbox_put_word(sink, name);
    outbox_put(sink, "\":", 2);
}

void outbox_put_text_member(struct outbox_sink *sink, const char *name, struct varve_view text)
{
    if (text.data == NULL)
        return;
    put_name(sink, name);
    outbox_put_string(sink, text);
}

void outbox_put_uuid_member(struct outbox_sink *sink, const char *name, const struct varve_uuid *uuid)
{
    char text[VARVE_UUID_TEXT];

    if (varve_uuid_is_nil(uuid))
        return;
    varve_uuid_format(uuid, text);
    outbox_put_text_member(sink, name, varve_view_of(text, VARVE_UUID_TEXT - 1));
}

void outbox_put_time_member(struct outbox_sink *sink, const char *name, int64_t time_us)
{
    char text[OUTBOX_TIME_TEXT];

    if (time_us != VARVE_TIME_NONE)
        outbox_put_text_member(sink, name, varve_view_of(text, outbox_text_time(text, time_us)));
}
