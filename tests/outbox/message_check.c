/* message_check.c - makes messages as a server with one route would. */
#include "message_check.h"

#include "config_text.h"
#include "support/check.h"

static struct outbox_configs configs;
static struct outbox_arena *arena;

static void fill(struct varve_uuid *uuid, uint8_t from)
{
    for (uint8_t i = 0; i < sizeof(uuid->bytes); i++)
        uuid->bytes[i] = (uint8_t)(from + i);
}

struct varve_event message_event(void)
{
    struct varve_event event = {
        .stream = varve_view_str("payment-17"), .type = varve_view_str("payment.captured"),
        .time_us = 1795284000000000, .schema_version = 2, .class_ = VARVE_CLASS_INTEGRATION,
        .content_type = VARVE_CONTENT_JSON, .source = varve_view_str("till 4"), .user_id = varve_view_str("ann"),
        .data = varve_view_str("{ \"amount\": 12.50 }"), .metadata = varve_view_str("{\"tenant\":\"acme\"}"),
        .position = 4711, .version = 17, .recorded_at_us = 1795284000123456,
    };

    fill(&event.id, 0x10);
    fill(&event.correlation_id, 0x20);
    fill(&event.causation_id, 0x30);
    return event;
}

struct varve_event message_bare_event(void)
{
    struct varve_event event = {
        .stream = varve_view_str("s"), .type = varve_view_str("t"), .time_us = VARVE_TIME_NONE, .position = 1,
        .recorded_at_us = 1,
    };

    fill(&event.id, 0x10);
    return event;
}

void message_end(void)
{
    outbox_configs_end(&configs);
    outbox_arena_free(arena);
    arena = NULL;
}

struct outbox_message message_by(const char *route, const struct varve_event *event, const struct outbox_marks *marks)
{
    struct outbox_message message;
    struct outbox_routing routing;
    char line[256];

    message_end();
    snprintf(line, sizeof(line), "route = class=any %s\n", route);
    configs = config_lines(line);
    arena = outbox_arena_create(0);
    assert_int_equal(outbox_route(configs.all[0], event, &routing), OUTBOX_SEND);
    assert_int_equal(outbox_message_make(configs.all[0], &routing, event, marks, arena, &message, NULL), VARVE_OK);
    memset(&routing, 'x', sizeof(routing)); /* Nothing may point into it. */
    return message;
}

const char *message_headers(const struct outbox_message *message)
{
    static char text[4096];
    size_t used = 0;

    text[0] = 0;
    for (size_t i = 0; i < message->header_count; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s=%.*s\n", message->headers[i].name,
                                 (int)message->headers[i].value.size, message->headers[i].value.data);
    assert_true(used < sizeof(text));
    return text;
}

struct varve_view message_header(const struct outbox_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return message->headers[i].value;
    return (struct varve_view){ NULL, 0 };
}

void message_value_is(const struct outbox_message *message, const char *value)
{
    if (!varve_view_equal(message->value, varve_view_str(value)))
        fail_msg("the value is %.*s, expected %s", (int)message->value.size,
                 message->value.data != NULL ? message->value.data : "", value != NULL ? value : "a tombstone");
}
