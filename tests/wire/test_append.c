/* test_append.c - appends of many events, of too many, and cut at every byte. */
#include "frame_body.h"
#include "server/wire/arena.h"

#include <stdlib.h>

static struct varve_event event_of(const char *type)
{
    return (struct varve_event){ .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1 };
}

static void views_point_into_the_body(void **state)
{
    struct varve_event events[] = { event_of("a"), event_of("b") };
    const uint32_t stream_of[] = { 1, 0 };
    const struct varve_append_stream streams[] = { { varve_view_str("x-1"), 4 }, { varve_view_str("y-2"), -2 } };
    const struct varve_append_request request = { streams, 2, events, stream_of, 2 };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_append_request decoded;

    varve_encode_append(&buffer, 1, &request);
    struct varve_view body = frame_body(&buffer, VARVE_OP_APPEND);

    assert_int_equal(varve_decode_append(body, arena, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.event_count, 2);
    assert_true(varve_view_equal(decoded.events[0].stream, streams[1].stream));
    assert_true(varve_view_equal(decoded.events[1].stream, streams[0].stream));
    assert_true(decoded.events[1].type.data >= body.data && decoded.events[1].type.data < body.data + body.size);
    assert_null(decoded.events[0].source.data);
    assert_non_null(decoded.events[0].data.data); /* Empty, not absent. */
    assert_int_equal(decoded.events[0].data.size, 0);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

/* Bytes of exactly the length they are said to have: a sanitizer sees a decoder that reads on. */
static void cut_at_every_byte(void **state)
{
    struct varve_event event = event_of("a");
    const struct varve_append_stream stream = { varve_view_str("x-1"), 4 };
    const struct varve_append_request request = { &stream, 1, &event, NULL, 1 };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_append_request decoded;

    event.data = varve_view_str("{\"a\":1}");
    event.metadata = varve_view_str("{}");
    event.source = varve_view_str("source");
    varve_encode_append(&buffer, 1, &request);
    struct varve_view body = frame_body(&buffer, VARVE_OP_APPEND);

    for (size_t size = 0; size < body.size; size++) {
        char *cut = malloc(size + !size);

        memcpy(cut, body.data, size);
        assert_int_equal(varve_decode_append(varve_view_of(cut, size), arena, &decoded, NULL), VARVE_PROTOCOL);
        free(cut);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static enum varve_status decode_many(size_t count, struct varve_error *error)
{
    struct varve_event *events = calloc(count, sizeof(*events));
    const struct varve_append_stream stream = { varve_view_str("x-1"), -2 };
    const struct varve_append_request request = { &stream, 1, events, NULL, count };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_append_request decoded;

    for (size_t i = 0; i < count; i++)
        events[i] = event_of("t");
    varve_encode_append(&buffer, 1, &request);
    enum varve_status status = varve_decode_append(frame_body(&buffer, VARVE_OP_APPEND), arena, &decoded, error);

    assert_true(arena_taken(arena) <= 16 * buffer.size);
    if (status == VARVE_OK)
        assert_int_equal(decoded.event_count, count);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
    free(events);
    return status;
}

static void as_many_as_the_protocol_allows(void **state)
{
    struct varve_error error = { 0 };

    assert_int_equal(decode_many(VARVE_WIRE_MAX_APPEND_ITEMS, &error), VARVE_OK);
    assert_int_equal(decode_many(VARVE_WIRE_MAX_APPEND_ITEMS + 1, &error), VARVE_APPEND_TOO_LARGE);
    assert_int_equal(error.limit, VARVE_WIRE_MAX_APPEND_ITEMS);
    assert_string_equal(error.field, "");
}

static void a_failure_leaves_the_result_alone(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_append_request request = { .event_count = 77 };
    struct varve_append_outcome outcome = { .stream_count = 77 };

    assert_int_equal(varve_decode_append(varve_view_of("\x92\x90\x90", 3), arena, &request, NULL),
                     VARVE_INVALID_ARGUMENT);
    assert_int_equal(request.event_count, 77);
    assert_int_equal(varve_decode_append_ok(varve_view_of("\x92\xc2", 2), arena, &outcome, NULL), VARVE_PROTOCOL);
    assert_int_equal(outcome.stream_count, 77);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_point_into_the_body),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(as_many_as_the_protocol_allows),
        cmocka_unit_test(a_failure_leaves_the_result_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
