/* outbox_message.c - from an event and its route to a message: its format, its tombstone, its marks, its weight. */
#include "outbox_message_parts.h"

#include <inttypes.h>

static bool is_tombstone(const struct outbox_route *route, const struct varve_event *event)
{
    return (route->tombstone == OUTBOX_TOMBSTONE_ON_EMPTY && event->data.size == 0) ||
           (route->tombstone == OUTBOX_TOMBSTONE_ON_TYPE && outbox_glob_match(route->tombstone_type, event->type));
}

/* A tombstone has no value to say anything in, so its headers do: those of the format's binary sister. */
static bool make_tombstone(struct outbox_making *making, enum outbox_format format)
{
    struct varve_event without_data = *making->event;
    const struct varve_event *event = making->event;
    bool is_cloudevent = format == OUTBOX_FORMAT_CLOUDEVENTS || format == OUTBOX_FORMAT_CLOUDEVENTS_STRUCTURED;

    without_data.data = (struct varve_view){ NULL, 0 };
    making->event = &without_data;
    bool good = is_cloudevent ? outbox_make_cloudevent(making) : outbox_make_raw(making);
    making->event = event;
    making->value = (struct varve_view){ NULL, 0 };
    return good;
}

static bool make_format(struct outbox_making *making, const struct outbox_route *route)
{
    if (is_tombstone(route, making->event))
        return make_tombstone(making, route->format);
    switch (route->format) {
    case OUTBOX_FORMAT_CLOUDEVENTS:
        return outbox_make_cloudevent(making);
    case OUTBOX_FORMAT_CLOUDEVENTS_STRUCTURED:
        return outbox_make_structured_cloudevent(making);
    case OUTBOX_FORMAT_ENVELOPE:
        return outbox_make_envelope(making);
    case OUTBOX_FORMAT_RAW:
        break;
    }
    return outbox_make_raw(making);
}

static void make_marks(struct outbox_headers *headers, const struct outbox_marks *marks)
{
    if (marks != NULL && marks->replay != 0)
        outbox_headers_number(headers, "v-replay", marks->replay);
    if (marks != NULL && marks->gap_after != 0)
        outbox_headers_number(headers, "v-gap-after", marks->gap_after);
}

static int64_t to_ms(int64_t us)
{
    return us / 1000 - (us % 1000 < 0);
}

enum varve_status outbox_making_end(struct outbox_making *making, const char *topic, struct outbox_message *ret,
                                    struct varve_error *error)
{
    const struct outbox_header *headers = outbox_headers_end(&making->headers, making->arena);
    struct varve_view own_topic = outbox_arena_copy(making->arena, varve_view_str(topic));

    if (headers == NULL || own_topic.data == NULL)
        return outbox_making_no_memory(error);
    *ret = (struct outbox_message){
        .topic = own_topic.data, .partition = -1, .key = making->key, .value = making->value, .headers = headers,
        .header_count = making->headers.count, .timestamp_ms = to_ms(making->event->recorded_at_us),
        .position = making->event->position,
        .size = making->key.size + making->value.size + making->headers.bytes + OUTBOX_OVERHEAD,
    };
    return VARVE_OK;
}

enum varve_status outbox_making_no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a batch of messages");
}

static enum varve_status too_large(const struct outbox_config *config, const struct outbox_message *message,
                                   struct varve_error *error)
{
    varve_fail(error, VARVE_EVENT_TOO_LARGE, NULL, "the message has %zu bytes, max_message_bytes is %" PRIu32,
               message->size, config->max_message_bytes);
    if (error != NULL)
        error->limit = config->max_message_bytes;
    return VARVE_EVENT_TOO_LARGE;
}

enum varve_status outbox_message_make(const struct outbox_config *config, const struct outbox_routing *routing,
                                      const struct varve_event *event, const struct outbox_marks *marks,
                                      struct outbox_arena *arena, struct outbox_message *ret,
                                      struct varve_error *error)
{
    struct outbox_making making;

    making.event = event;
    making.arena = arena;
    making.key = routing->key.data == routing->key_text ? outbox_arena_copy(arena, routing->key) : routing->key;
    if (making.key.data == NULL || !outbox_headers_begin(&making.headers, arena) ||
        !make_format(&making, routing->route))
        return outbox_making_no_memory(error);
    make_marks(&making.headers, marks);
    enum varve_status status = outbox_making_end(&making, routing->topic, ret, error);
    if (status != VARVE_OK)
        return status;
    ret->type = event->type;
    ret->source = event->source;
    return ret->size > config->max_message_bytes ? too_large(config, ret, error) : VARVE_OK;
}
