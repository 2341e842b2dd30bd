/* outbox_message_dead.c - a copy of a dead letter for the topic of dead letters: as raw as it comes, cut where it must
 * be, with what went wrong in its headers. */
#include "outbox_message_parts.h"

#include <string.h>

/* Where it was to go, as far as the routes can say. */
static struct varve_view topic_of(const struct outbox_config *config, const struct varve_event *event,
                                  struct outbox_arena *arena)
{
    struct outbox_routing routing;

    if (outbox_route(config, event, &routing) != OUTBOX_SEND)
        return (struct varve_view){ NULL, 0 };
    return outbox_arena_copy(arena, varve_view_str(routing.topic));
}

/* Headers must leave most of the room to the value, so metadata comes along only when it is short. */
static struct varve_event as_sent(const struct outbox_config *config, const struct varve_event *event)
{
    struct varve_event sent = *event;

    if (event->metadata.size > config->max_message_bytes / 8)
        sent.metadata = (struct varve_view){ NULL, 0 };
    return sent;
}

/* A message of less than max_message_bytes: it must not be refused in its turn. */
static void cut_value(const struct outbox_config *config, struct outbox_making *making)
{
    static const char name[] = "v-cut-from";
    size_t around = making->headers.bytes + making->key.size + sizeof(name) + OUTBOX_NUMBER_TEXT + OUTBOX_OVERHEAD;
    size_t room = config->max_message_bytes > around ? config->max_message_bytes - around : 0;

    if (making->value.size <= room)
        return;
    outbox_headers_number(&making->headers, name, making->value.size);
    making->value.size = room;
}

enum varve_status outbox_message_make_dead(const struct outbox_config *config, const struct varve_event *event,
                                           const struct varve_dead_letter *dead, struct outbox_arena *arena,
                                           struct outbox_message *ret, struct varve_error *error)
{
    struct varve_event sent = as_sent(config, event);
    struct outbox_making making;

    making.event = &sent;
    making.key = event->stream;
    making.arena = arena;
    if (!outbox_headers_begin(&making.headers, arena) || !outbox_make_raw(&making))
        return outbox_making_no_memory(error);
    outbox_headers_view(&making.headers, "v-error-code", dead->error_code);
    outbox_headers_view(&making.headers, "v-error", dead->last_error);
    outbox_headers_number(&making.headers, "v-attempts", dead->retry_count);
    outbox_headers_view(&making.headers, "v-topic", topic_of(config, event, arena));
    cut_value(config, &making);
    return outbox_making_end(&making, config->dead_letter_topic, ret, error);
}
