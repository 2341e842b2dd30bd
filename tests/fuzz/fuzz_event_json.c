/* fuzz_event_json.c - an event out of JSON is written as JSON that reads back as the same event; an append out of JSON
 * is one, or says why not. */
#include "fuzz.h"
#include "varve/append_json.h"
#include "varve/json.h"
#include "varve/uuid.h"

static bool inside(struct varve_view view, const uint8_t *bytes, size_t size)
{
    return view.data >= (const char *)bytes && view.data + view.size <= (const char *)bytes + size;
}

static void must_be_equal(const struct varve_event *a, const struct varve_event *b)
{
    MUST(varve_view_equal(a->stream, b->stream) && varve_view_equal(a->type, b->type));
    MUST(varve_view_equal(a->source, b->source) && varve_view_equal(a->user_id, b->user_id));
    MUST(varve_uuid_equal(&a->correlation_id, &b->correlation_id) && varve_uuid_equal(&a->id, &b->id));
    MUST(a->schema_version == b->schema_version && a->class_ == b->class_ && a->content_type == b->content_type);
    MUST(a->time_us == b->time_us || a->time_us < VARVE_TIME_MIN || a->time_us > VARVE_TIME_MAX);
    MUST(a->data.size == b->data.size && a->metadata.size == b->metadata.size);
}

static void read_append(const uint8_t *bytes, size_t size, struct varve_wire_arena *arena)
{
    struct varve_append_json append;
    struct varve_error error;

    if (varve_append_json_read(varve_view_of((const char *)bytes, size), varve_view_str("s-1"), 8, arena, &append,
                               &error) != VARVE_OK) {
        MUST(error.message[0] != '\0');
        return;
    }
    MUST(append.count >= 1 && append.count <= 8 && append.expected >= VARVE_EXPECTED_STREAM_EXISTS);
    for (size_t i = 0; i < append.count; i++)
        MUST(append.events[i].stream.size == 3 && append.events[i].type.data != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct varve_wire_arena *arena;
    struct varve_wire_buffer out = { 0 };
    struct varve_event event, again;
    struct varve_error error;

    if (arena == NULL)
        MUST((arena = varve_wire_arena_create()) != NULL);
    varve_wire_arena_reset(arena);
    read_append(bytes, size, arena);
    if (varve_event_json_read(varve_view_of((const char *)bytes, size), arena, &event, &error) != VARVE_OK) {
        MUST(error.status == VARVE_INVALID_ARGUMENT && error.message[0] != '\0');
        return 0;
    }
    MUST(event.data.size == 0 || event.content_type != VARVE_CONTENT_JSON || inside(event.data, bytes, size));
    for (unsigned flags = 0; flags < 4; flags++) {
        out.size = 0;
        varve_event_json_write(&out, &event, flags);
        MUST(varve_json_check_envelope(varve_view_of((const char *)out.bytes, out.size), 1, NULL, NULL));
        if ((flags & VARVE_EVENT_JSON_MSGPACK) || varve_uuid_is_nil(&event.id))
            continue; /* Those cannot be read back. */
        MUST(varve_event_json_read(varve_view_of((const char *)out.bytes, out.size), arena, &again, NULL) == VARVE_OK ||
             event.time_us < VARVE_TIME_MIN || event.time_us > VARVE_TIME_MAX);
        if (event.time_us == VARVE_TIME_NONE || (event.time_us >= VARVE_TIME_MIN && event.time_us <= VARVE_TIME_MAX))
            must_be_equal(&event, &again);
    }
    varve_wire_buffer_free(&out);
    return 0;
}
