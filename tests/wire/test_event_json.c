/* test_event_json.c - events written as JSON: the flags, and that whatever an event holds comes back. */
#include <stdlib.h>

#include "random_parts.h"
#include "support/check.h"
#include "varve/event_json.h"
#include "varve/json.h"
#include "varve/uuid.h"

static void check_written(const struct varve_event *event, unsigned flags, const char *expected)
{
    struct varve_wire_buffer out = { 0 };

    varve_event_json_write(&out, event, flags);
    assert_false(out.failed);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.bytes, expected, out.size);
    varve_wire_buffer_free(&out);
}

#define NIL "00000000-0000-0000-0000-000000000000"
#define EPOCH "1970-01-01T00:00:00.000000Z"

static void numbers_are_safe_when_asked(void **state)
{
    struct varve_event event = { .stream = varve_view_str("s"), .type = varve_view_str("t"),
                                 .time_us = VARVE_TIME_NONE, .schema_version = 1, .version = UINT64_C(1) << 53,
                                 .position = UINT64_MAX };

    check_written(&event, 0, "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"" NIL "\",\"version\":9007199254740992,"
                             "\"position\":18446744073709551615,\"recorded_at\":\"" EPOCH "\"}");
    check_written(&event, VARVE_EVENT_JSON_SAFE,
                  "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"" NIL "\",\"version\":9007199254740992,"
                  "\"position\":\"18446744073709551615\",\"recorded_at\":\"" EPOCH "\"}");
}

static void msgpack_is_json_when_asked(void **state)
{
    struct varve_event event = { .stream = varve_view_str("s"), .type = varve_view_str("t"),
                                 .time_us = VARVE_TIME_NONE, .content_type = VARVE_CONTENT_MSGPACK,
                                 .data = varve_view_of("\x81\xa1n\x07", 4) };

    check_written(&event, VARVE_EVENT_JSON_MSGPACK,
                  "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"" NIL "\",\"schema_version\":0,"
                  "\"content_type\":\"application/msgpack\",\"data\":{\"n\":7},\"version\":0,\"position\":0,"
                  "\"recorded_at\":\"" EPOCH "\"}");
    check_written(&event, 0,
                  "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"" NIL "\",\"schema_version\":0,"
                  "\"content_type\":\"application/msgpack\",\"data\":\"gaFuBw==\",\"version\":0,\"position\":0,"
                  "\"recorded_at\":\"" EPOCH "\"}");
}

static struct varve_view random_json(struct parts *parts)
{
    static const char *const texts[] = { "null", "[]", "{\"n\":12345678901234567890.000}",
                                         " {\"a\" : [1, \"\\u0000\"]}",
                                         "\"\xf0\x9f\x98\x80\\n\"", "-0.0e-12", "" };
    struct varve_view text = varve_view_str(texts[parts_number(parts, 0, COUNT_OF(texts) - 1)]);

    return text.size > 0 ? text : varve_view_of(NULL, 0);
}

static void random_event(struct parts *parts, struct varve_event *event)
{
    parts_begin(parts);
    *event = (struct varve_event){
        .stream = parts_text(parts, 100), .type = parts_text(parts, 100), .id = parts_uuid(parts),
        .correlation_id = parts_uuid_or_none(parts), .causation_id = parts_uuid_or_none(parts),
        .time_us = parts_time_or_none(parts), .schema_version = (uint32_t)parts_number(parts, 0, UINT32_MAX),
        .class_ = (enum varve_class)parts_number(parts, 0, 2),
        .content_type = (enum varve_content_type)parts_number(parts, 0, 2),
        .source = parts_text_or_none(parts, 100), .user_id = parts_text_or_none(parts, 100),
        .metadata = random_json(parts),
    };
    event->data = event->content_type == VARVE_CONTENT_JSON ? random_json(parts) : parts_bytes(parts, 300);
    if (event->data.size == 0)
        event->data.data = NULL; /* The same: no data. */
    if (event->time_us < VARVE_TIME_MIN || event->time_us > VARVE_TIME_MAX)
        event->time_us = VARVE_TIME_NONE;
}

static struct varve_view trimmed(struct varve_view json)
{
    if (json.size > 0 && json.data[0] == ' ')
        return varve_view_of(json.data + 1, json.size - 1);
    return json;
}

static bool events_equal(const struct varve_event *a, const struct varve_event *b)
{
    return varve_view_equal(a->stream, b->stream) && varve_view_equal(a->type, b->type) &&
           varve_uuid_equal(&a->id, &b->id) && varve_uuid_equal(&a->correlation_id, &b->correlation_id) &&
           varve_uuid_equal(&a->causation_id, &b->causation_id) && a->time_us == b->time_us &&
           a->schema_version == b->schema_version && a->class_ == b->class_ && a->content_type == b->content_type &&
           varve_view_equal(a->source, b->source) && varve_view_equal(a->user_id, b->user_id) &&
           (a->source.data == NULL) == (b->source.data == NULL) &&
           varve_view_equal(trimmed(a->metadata), b->metadata) &&
           varve_view_equal(a->content_type == VARVE_CONTENT_JSON ? trimmed(a->data) : a->data, b->data);
}

static void whatever_an_event_holds_comes_back(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct parts *parts = calloc(1, sizeof(*parts));
    struct varve_wire_buffer out = { 0 };

    assert_non_null(parts);
    parts->random = 11;
    for (unsigned i = 0; i < 5000; i++) {
        struct varve_event event, back;
        struct varve_error error = { .status = VARVE_OK };

        random_event(parts, &event);
        out.size = 0;
        varve_wire_arena_reset(arena);
        varve_event_json_write(&out, &event, 0);
        struct varve_view json = varve_view_of((const char *)out.bytes, out.size);
        CHECK_CASE(varve_event_json_read(json, arena, &back, &error) == VARVE_OK, error.message);
        assert_true(events_equal(&event, &back));
    }
    varve_wire_buffer_free(&out);
    varve_wire_arena_free(arena);
    free(parts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_safe_when_asked),
        cmocka_unit_test(msgpack_is_json_when_asked),
        cmocka_unit_test(whatever_an_event_holds_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
