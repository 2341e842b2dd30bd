/* test_load.c - loading aggregates, there and back, up to as many streams as may be. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "support/effort.h"

#include <stdlib.h>

enum { MOST = 30 };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261130) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_view streams[MOST];
        struct varve_load_request request = { .streams = streams, .stream_count = parts_number(&parts, 1, MOST) };

        parts_begin(&parts);
        for (size_t i = 0; i < request.stream_count; i++)
            streams[i] = parts_text(&parts, VARVE_MAX_STREAM_NAME);
        request.type = parts_text_or_none(&parts, VARVE_SNAPSHOT_MAX_TYPE);
        request.schema_version = (uint32_t)parts_number(&parts, 0, UINT32_MAX);
        request.no_snapshots = parts_chance(&parts);
        request.credit_bytes = (uint32_t)parts_number(&parts, 1, UINT32_MAX);
        request.batch_bytes = (uint32_t)parts_number(&parts, 0, UINT32_MAX);
        varve_encode_load(&buffer, 1, &request);
        message_check(&buffer, VARVE_OP_LOAD, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void answers_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261131) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_loading loading = {
            (uint32_t)parts_number(&parts, 0, UINT32_MAX), (enum varve_status)parts_number(&parts, 0, INT32_MAX),
            parts_version(&parts, -1), parts_number(&parts, 0, UINT64_MAX), parts_chance(&parts), { .version = 0 },
        };

        parts_begin(&parts);
        if (loading.has_snapshot)
            parts_snapshot(&parts, &loading.snapshot);
        varve_encode_loading(&buffer, 1, &loading);
        message_check(&buffer, VARVE_OP_LOADING, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_view streams[] = { varve_view_str("a-1"), varve_view_str("$$b-2") };
    const struct varve_load_request request = { streams, 2, varve_view_str("t"), 3, true, 1000, 200 };
    const struct varve_loading loading = { 1, VARVE_STREAM_TOMBSTONED, 9, 10, true,
                                           { .stream = streams[0], .version = 4, .type = varve_view_str("t"),
                                             .data = varve_view_str("{}"), .size = 2 } };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_load_request asked;
    struct varve_loading got;

    varve_encode_load(&buffer, 1, &request);
    assert_int_equal(varve_decode_load(frame_body(&buffer, VARVE_OP_LOAD), arena, &asked, NULL), VARVE_OK);
    assert_int_equal(asked.stream_count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(varve_view_equal(asked.streams[i], streams[i]));
    assert_true(varve_view_equal(asked.type, request.type));
    assert_int_equal(asked.schema_version, 3);
    assert_true(asked.no_snapshots);
    assert_int_equal(asked.credit_bytes, 1000);
    assert_int_equal(asked.batch_bytes, 200);
    buffer.size = 0;
    varve_encode_loading(&buffer, 1, &loading);
    assert_int_equal(varve_decode_loading(frame_body(&buffer, VARVE_OP_LOADING), &got, NULL), VARVE_OK);
    assert_int_equal(got.index, 1);
    assert_int_equal(got.status, VARVE_STREAM_TOMBSTONED);
    assert_int_equal(got.version, 9);
    assert_int_equal(got.first_version, 10);
    assert_true(got.has_snapshot);
    assert_int_equal(got.snapshot.version, 4);
    assert_true(varve_view_equal(got.snapshot.data, loading.snapshot.data));
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void as_many_streams_as_allowed(void **state)
{
    static struct varve_view streams[4 * VARVE_MAX_LOAD_STREAMS];
    struct varve_load_request request = { .streams = streams, .credit_bytes = 1 }, decoded;
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (size_t i = 0; i < COUNT_OF(streams); i++)
        streams[i] = varve_view_str("s");
    request.stream_count = VARVE_MAX_LOAD_STREAMS;
    varve_encode_load(&buffer, 1, &request);
    assert_int_equal(varve_decode_load(frame_body(&buffer, VARVE_OP_LOAD), arena, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.stream_count, VARVE_MAX_LOAD_STREAMS);
    buffer.size = 0;
    request.stream_count = COUNT_OF(streams);
    varve_encode_load(&buffer, 1, &request);
    message_check_field(&buffer, VARVE_OP_LOAD, arena, "streams");
    assert_true(arena_taken(arena) <= VARVE_MAX_LOAD_STREAMS * sizeof(streams[0]));
    request.stream_count = 0;
    varve_encode_load(&buffer, 1, &request);
    message_check_field(&buffer, VARVE_OP_LOAD, arena, "streams");
    message_check_hostile(VARVE_OP_LOAD, "\x96\xdd\xff\xff\xff\xff", 6, arena);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void fields_out_of_range_are_named(void **state)
{
    const struct varve_view good[] = { varve_view_str("a") }, bad[] = { good[0], varve_view_str("") };
    const struct varve_view none = { 0 };
    const struct {
        const char *field;
        struct varve_load_request request;
    } cases[] = {
        { "streams[1]", { bad, 2, none, 0, false, 1, 0 } },
        { "type", { good, 1, varve_view_str("a\nb"), 0, false, 1, 0 } },
        { "credit_bytes", { good, 1, none, 0, false, 0, 0 } },
    };
    struct varve_loading loading = { .version = -2 };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_load(&buffer, 1, &cases[i].request);
        message_check_field(&buffer, VARVE_OP_LOAD, arena, cases[i].field);
    }
    varve_encode_loading(&buffer, 1, &loading);
    message_check_field(&buffer, VARVE_OP_LOADING, arena, "version");
    loading = (struct varve_loading){ .has_snapshot = true, .snapshot = { .version = -1 } };
    varve_encode_loading(&buffer, 1, &loading);
    message_check_field(&buffer, VARVE_OP_LOADING, arena, "snapshot.version");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(answers_there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(as_many_streams_as_allowed),
        cmocka_unit_test(fields_out_of_range_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
