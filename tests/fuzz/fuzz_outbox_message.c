/* fuzz_outbox_message.c - an event that a client may append becomes, in each format, JSON with the data in it byte for
 * byte, or a sentence; topics are such as Kafka allows. */
#include "fuzz.h"
#include "server/outbox/outbox_message.h"
#include "server/outbox/outbox_topic.h"
#include "support/outbox_text.h"
#include "varve/json.h"

static struct outbox_configs configs;

/* One outbox for each format. */
static void set_up(void)
{
    static const char *const formats[] = { "raw", "cloudevents", "cloudevents_structured", "envelope" };
    char text[512];

    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        int size = snprintf(text, sizeof(text), "[outbox %s]\nbrokers=b\nmax_message_bytes=4096\ndead_letter_topic=d\n"
                            "route = class=any meta.a=?*x* -> topic={category}.{type} key=user_id format=%s\n"
                            "route = class=any -> topic={class}.{source} format=%s tombstone=type:*t\n",
                            formats[i], formats[i], formats[i]);
        MUST(outbox_text_parse(&configs, "f", varve_view_of(text, (size_t)size), NULL) == VARVE_OK);
    }
}

/* The next field: a byte says how long it is. data NULL: none. */
static struct varve_view take(const uint8_t **at, const uint8_t *end)
{
    size_t size = *at < end ? *(*at)++ : 0;

    if (size == 0 || size > (size_t)(end - *at))
        return (struct varve_view){ NULL, 0 };
    *at += size;
    return varve_view_of((const char *)*at - size, size);
}

static bool take_event(const uint8_t *bytes, size_t size, struct varve_event *event)
{
    const uint8_t *at = bytes + 2, *end = bytes + size;

    if (size < 3)
        return false;
    *event = (struct varve_event){
        .class_ = bytes[0] % 3, .content_type = bytes[1] % 3, .stream = take(&at, end), .type = take(&at, end),
        .source = take(&at, end), .user_id = take(&at, end), .metadata = take(&at, end), .position = bytes[0],
        .time_us = bytes[1] % 2 == 0 ? VARVE_TIME_NONE : bytes[0] * INT64_C(1000000007), .id = { { 1 } },
    };
    event->data = varve_view_of((const char *)at, (size_t)(end - at));
    return varve_check_stream_name(event->stream, true, "stream", NULL) == VARVE_OK &&
           varve_check_event(event, 0, NULL) == VARVE_OK;
}

static void check_message(const struct outbox_message *message, const struct varve_event *event, size_t format)
{
    MUST(message->key.size > 0 && message->size <= 4096 && message->header_count <= OUTBOX_MAX_HEADERS);
    if (format < 2)
        MUST(message->value.data == NULL || varve_view_equal(message->value, varve_view_of(event->data.data,
                                                                                          event->data.size)));
    else if (message->value.data != NULL)
        MUST(varve_json_check_envelope(message->value, 1, NULL, NULL));
    if (message->value.data != NULL && event->content_type == VARVE_CONTENT_JSON && event->data.size > 0)
        MUST(memmem(message->value.data, message->value.size, event->data.data, event->data.size) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct varve_event event;
    struct varve_dead_letter dead = { .error_code = varve_view_str("X"), .last_error = varve_view_str("y") };

    if (configs.count == 0)
        set_up();
    if (!take_event(bytes, size, &event))
        return 0;
    struct outbox_arena *arena = outbox_arena_create(0);
    for (size_t i = 0; i < configs.count; i++) {
        struct outbox_routing routing;
        struct outbox_message message;
        enum outbox_verdict verdict = outbox_route(configs.all[i], &event, &routing);

        MUST(verdict != OUTBOX_UNROUTABLE || routing.why[0] != 0);
        MUST(verdict != OUTBOX_SEND || outbox_topic_is_allowed(varve_view_str(routing.topic)));
        if (verdict == OUTBOX_SEND &&
            outbox_message_make(configs.all[i], &routing, &event, NULL, arena, &message, NULL) == VARVE_OK)
            check_message(&message, &event, i);
        MUST(outbox_message_make_dead(configs.all[i], &event, &dead, arena, &message, NULL) == VARVE_OK);
        MUST(message.size <= 4096);
    }
    outbox_arena_free(arena);
    return 0;
}
