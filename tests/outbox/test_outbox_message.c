/* test_outbox_message.c - topic, key, time, weight; tombstones and marks, whatever the format. */
#include "config_text.h"
#include "message_check.h"
#include "support/check.h"

#include <stdlib.h>

static void a_message_knows_its_way(void **state)
{
    struct varve_event event = message_event();
    struct outbox_message message = message_by("-> topic=pay.{type} key=correlation_id", &event, NULL);
    size_t size = message.key.size + message.value.size + 512;

    assert_string_equal(message.topic, "pay.payment.captured");
    assert_int_equal(message.partition, -1);
    assert_true(varve_view_equal(message.key, varve_view_str("20212223-2425-2627-2829-2a2b2c2d2e2f")));
    assert_int_equal(message.timestamp_ms, 1795284000123);
    assert_int_equal(message.position, 4711);
    for (size_t i = 0; i < message.header_count; i++)
        size += strlen(message.headers[i].name) + message.headers[i].value.size;
    assert_int_equal(message.size, size);
}

static void tombstones_come_by_order_only(void **state)
{
    static const char *const formats[] = { "raw", "cloudevents", "cloudevents_structured", "envelope" };
    static const struct { const char *rule; bool has_data, is_tombstone; } cases[] = {
        { "never", false, false }, { "never", true, false }, { "on_empty", false, true }, { "on_empty", true, false },
        { "type:*.captured", true, true }, { "type:*.captured", false, true }, { "type:*.deleted", false, false },
    };

    for (size_t i = 0; i < COUNT_OF(formats); i++)
        for (size_t j = 0; j < COUNT_OF(cases); j++) {
            struct varve_event event = message_event();
            char route[128];

            if (!cases[j].has_data)
                event.data = varve_view_of("", 0);
            snprintf(route, sizeof(route), "-> format=%s tombstone=%s", formats[i], cases[j].rule);
            struct outbox_message message = message_by(route, &event, NULL);
            CHECK_CASE((message.value.data == NULL) == cases[j].is_tombstone, route);
            CHECK_CASE(message.value.data != NULL || message.value.size == 0, route);
            CHECK_CASE(varve_view_equal(message.key, event.stream), route);
            CHECK_CASE(varve_view_equal(message_header(&message, "v-pos"), varve_view_str("4711")), route);
            if (!cases[j].is_tombstone)
                continue; /* Else the headers say what the value cannot. */
            CHECK_CASE(message_header(&message, "content-type").data == NULL, route);
            CHECK_CASE(message_header(&message, i == 1 || i == 2 ? "ce_type" : "v-type").data != NULL, route);
        }
}

static void marks_are_headers(void **state)
{
    static const char *const formats[] = { "raw", "cloudevents", "cloudevents_structured", "envelope" };
    const struct outbox_marks both = { .replay = UINT64_MAX, .gap_after = UINT64_MAX }, none = { .replay = 0 };

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        struct varve_event event = message_event();
        char route[64];

        event.position = event.version = UINT64_MAX;
        event.schema_version = UINT32_MAX;
        snprintf(route, sizeof(route), "-> format=%s", formats[i]);
        struct outbox_message message = message_by(route, &event, &both);
        CHECK_CASE(varve_view_equal(message_header(&message, "v-replay"), varve_view_str("18446744073709551615")),
                   route);
        CHECK_CASE(varve_view_equal(message_header(&message, "v-gap-after"), varve_view_str("18446744073709551615")),
                   route);
        message = message_by(route, &event, &none);
        CHECK_CASE(message_header(&message, "v-replay").data == NULL, route);
        CHECK_CASE(message_header(&message, "v-gap-after").data == NULL, route);
    }
}

static void what_is_too_large_is_told(void **state)
{
    struct outbox_configs configs = config_lines("max_message_bytes = 4096\nroute = -> topic=x\n");
    struct outbox_arena *arena = outbox_arena_create(0);
    struct varve_event event = message_bare_event();
    struct outbox_routing routing;
    struct outbox_message message;
    struct varve_error error;
    static char data[8192];

    event.content_type = VARVE_CONTENT_OCTET_STREAM;
    assert_int_equal(outbox_route(configs.all[0], &event, &routing), OUTBOX_SEND);
    event.data = varve_view_of(data, 1);
    assert_int_equal(outbox_message_make(configs.all[0], &routing, &event, NULL, arena, &message, &error), VARVE_OK);
    size_t around = message.size - 1;
    event.data.size = 4096 - around;
    assert_int_equal(outbox_message_make(configs.all[0], &routing, &event, NULL, arena, &message, &error), VARVE_OK);
    event.data.size++;
    assert_int_equal(outbox_message_make(configs.all[0], &routing, &event, NULL, arena, &message, &error),
                     VARVE_EVENT_TOO_LARGE);
    assert_string_equal(error.message, "the message has 4097 bytes, max_message_bytes is 4096");
    assert_int_equal(error.limit, 4096);
    assert_int_equal(outbox_message_make(configs.all[0], &routing, &event, NULL, arena, &message, NULL),
                     VARVE_EVENT_TOO_LARGE);
    outbox_arena_free(arena);
    outbox_configs_end(&configs);
}

static int end(void **state)
{
    message_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_knows_its_way), cmocka_unit_test(tombstones_come_by_order_only),
        cmocka_unit_test(marks_are_headers), cmocka_unit_test(what_is_too_large_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}
