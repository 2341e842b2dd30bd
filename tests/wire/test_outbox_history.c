/* test_outbox_history.c - what became of a stream's events, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "support/effort.h"

enum { MOST = 8, MANY = VARVE_MAX_OUTBOX_LIST };

static void make_event(struct parts *parts, struct varve_outbox_history_event *ret)
{
    *ret = (struct varve_outbox_history_event){
        .version = parts_number(parts, 0, INT64_MAX),
        .position = parts_number(parts, 1, UINT64_MAX),
        .type = parts_text(parts, VARVE_MAX_TYPE),
        .recorded_at_us = parts_version(parts, INT64_MIN),
        .fate = (enum varve_outbox_fate)parts_number(parts, 0, VARVE_OUTBOX_FATES - 1),
        .topic = parts_text_or_none(parts, 249),
        .published_at_us = parts_time_or_none(parts),
        .retry_count = (uint32_t)parts_number(parts, 0, UINT32_MAX),
        .last_error = parts_text_or_none(parts, VARVE_MAX_OUTBOX_REASON),
    };
}

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261203) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_outbox_history_event events[MOST];
        size_t count = parts_number(&parts, 0, MOST);

        parts_begin(&parts);
        const struct varve_outbox_history_request request = {
            parts_outbox_name(&parts), parts_text(&parts, VARVE_MAX_STREAM_NAME), parts_number(&parts, 0, INT64_MAX),
            (uint32_t)parts_number(&parts, 1, VARVE_MAX_OUTBOX_LIST),
        };

        varve_encode_outbox_history(&buffer, 1, &request);
        message_check(&buffer, VARVE_OP_OUTBOX_HISTORY, arena, &parts.random);
        for (size_t i = 0; i < count; i++)
            make_event(&parts, &events[i]);
        varve_encode_outbox_history_ok(&buffer, 1, events, count, parts_chance(&parts));
        message_check(&buffer, VARVE_OP_OUTBOX_HISTORY_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_outbox_history_request request = { varve_view_str("kafka"), varve_view_str("order-42"), 17, 7 };
    const struct varve_outbox_history_event events[] = {
        { 17, 4711, varve_view_str("placed"), -1, VARVE_FATE_FAILED, varve_view_str("varve.order"), VARVE_TIME_NONE, 3,
          varve_view_str("why") },
        { 18, 4712, varve_view_str("paid"), 5, VARVE_FATE_PUBLISHED, varve_view_of(NULL, 0), 99, 0,
          varve_view_of(NULL, 0) },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_outbox_history_request read;
    const struct varve_outbox_history_event *list;
    size_t count;
    bool end = false;

    varve_encode_outbox_history(&buffer, 1, &request);
    assert_int_equal(varve_decode_outbox_history(frame_body(&buffer, VARVE_OP_OUTBOX_HISTORY), &read, NULL), VARVE_OK);
    assert_true(varve_view_equal(read.name, request.name));
    assert_true(varve_view_equal(read.stream, request.stream));
    assert_int_equal(read.from_version, 17);
    assert_int_equal(read.limit, 7);
    buffer.size = 0;
    varve_encode_outbox_history_ok(&buffer, 1, events, 2, true);
    assert_int_equal(varve_decode_outbox_history_ok(frame_body(&buffer, VARVE_OP_OUTBOX_HISTORY_OK), arena, &list,
                                                    &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(end);
    assert_int_equal(list[0].version, 17);
    assert_int_equal(list[0].position, 4711);
    assert_true(varve_view_equal(list[0].type, events[0].type));
    assert_int_equal(list[0].recorded_at_us, -1);
    assert_int_equal(list[0].fate, VARVE_FATE_FAILED);
    assert_true(varve_view_equal(list[0].topic, events[0].topic));
    assert_true(list[0].published_at_us == VARVE_TIME_NONE);
    assert_int_equal(list[0].retry_count, 3);
    assert_true(varve_view_equal(list[0].last_error, events[0].last_error));
    assert_int_equal(list[1].published_at_us, 99);
    assert_null(list[1].topic.data);
    assert_null(list[1].last_error.data);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void fields_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    const struct varve_view none = { 0 }, name = varve_view_str("kafka"), stream = varve_view_str("order-42");
    const struct varve_view bad = varve_view_of(longest, sizeof(longest));
    const struct {
        const char *field;
        struct varve_outbox_history_request request;
    } cases[] = {
        { "name", { none, stream, 0, 1 } }, { "stream", { name, none, 0, 1 } }, { "stream", { name, bad, 0, 1 } },
        { "from_version", { name, stream, (uint64_t)INT64_MAX + 1, 1 } }, { "limit", { name, stream, 0, 0 } },
        { "limit", { name, stream, 0, VARVE_MAX_OUTBOX_LIST + 1 } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 's', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_outbox_history(&buffer, 1, &cases[i].request);
        message_check_field(&buffer, VARVE_OP_OUTBOX_HISTORY, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void many_small_ones_and_hostile_counts(void **state)
{
    static struct varve_outbox_history_event events[MANY];
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_outbox_history_event *read;
    size_t count;
    bool end;

    for (size_t i = 0; i < MANY; i++)
        events[i] = (struct varve_outbox_history_event){ .position = 1, .published_at_us = VARVE_TIME_NONE };
    varve_encode_outbox_history_ok(&buffer, 1, events, MANY, false);
    assert_int_equal(varve_decode_outbox_history_ok(frame_body(&buffer, VARVE_OP_OUTBOX_HISTORY_OK), arena, &read,
                                                    &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, MANY);
    assert_false(end);
    assert_true(arena_taken(arena) <= 16 * buffer.size);
    message_check_hostile(VARVE_OP_OUTBOX_HISTORY_OK, "\x92\xdd\xff\xff\xff\xff", 6, arena);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(fields_out_of_range_are_named),
        cmocka_unit_test(many_small_ones_and_hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
