/* test_subscribe.c - SUBSCRIBE and what comes of it, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

enum { MOST_RECORDS = 30 };

static void random_requests(void **state)
{
    struct parts parts = { .random = test_seed(20261110) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_subscribe_request request = {
            .after = parts_chance(&parts) ? VARVE_AFTER_END : parts_number(&parts, 0, VARVE_AFTER_END - 1),
            .credit_bytes = (uint32_t)parts_number(&parts, 1, UINT32_MAX),
            .batch_bytes = (uint32_t)parts_number(&parts, 0, UINT32_MAX),
        };

        parts_begin(&parts);
        parts_filter(&parts, &request.filter);
        varve_encode_subscribe(&buffer, 1, &request);
        message_check(&buffer, VARVE_OP_SUBSCRIBE, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void random_answers(void **state)
{
    struct parts parts = { .random = test_seed(20261111) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(100); round++) {
        const uint8_t *records[MOST_RECORDS];
        uint32_t sizes[MOST_RECORDS], count = (uint32_t)parts_number(&parts, 0, MOST_RECORDS);

        parts_begin(&parts);
        for (uint32_t i = 0; i < count; i++) {
            struct varve_view record = parts_bytes(&parts, 300);

            records[i] = (const uint8_t *)record.data;
            sizes[i] = (uint32_t)record.size;
        }
        varve_encode_events(&buffer, 1, records, sizes, count, parts_number(&parts, 0, UINT64_MAX));
        message_check(&buffer, VARVE_OP_EVENTS, arena, &parts.random);
        varve_encode_subscribed(&buffer, 1, parts_number(&parts, 0, UINT64_MAX), parts_number(&parts, 0, UINT64_MAX));
        message_check(&buffer, VARVE_OP_SUBSCRIBED, arena, &parts.random);
        for (uint8_t opcode = VARVE_OP_CAUGHT_UP; opcode <= VARVE_OP_CHECKPOINT; opcode++) {
            varve_encode_position(&buffer, 1, opcode, parts_number(&parts, 0, UINT64_MAX));
            message_check(&buffer, opcode, arena, &parts.random);
        }
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    message_check_hostile(VARVE_OP_SUBSCRIBE, "\x94\x97\xdd\xff\xff\xff\xff", 7, arena);
    message_check_hostile(VARVE_OP_SUBSCRIBE, "\x94\x97\x90\x90\xdd\xff\xff\xff\xff\xa1t", 11, arena);
    message_check_hostile(VARVE_OP_EVENTS, "\x92\xdd\xff\xff\xff\xff", 6, arena);
    varve_wire_arena_free(arena);
}

static void a_request_there_and_back(void **state)
{
    const struct varve_view streams[] = { varve_view_str("order-1"), varve_view_str("order-2") };
    const struct varve_view types[] = { varve_view_str("order.placed") };
    const struct varve_subscribe_request request = {
        .filter = { .streams = streams, .stream_count = 2, .types = types, .type_count = 1,
                    .correlation_id = { { 1, 2, 3 } }, .classes = 1u << VARVE_CLASS_DOMAIN, .include_system = true },
        .after = VARVE_AFTER_END, .credit_bytes = 1, .batch_bytes = UINT32_MAX,
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_subscribe_request decoded;

    varve_encode_subscribe(&buffer, 1, &request);
    assert_int_equal(varve_decode_subscribe(frame_body(&buffer, VARVE_OP_SUBSCRIBE), arena, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.filter.stream_count, 2);
    assert_true(varve_view_equal(decoded.filter.streams[1], streams[1]));
    assert_int_equal(decoded.filter.type_count, 1);
    assert_true(varve_view_equal(decoded.filter.types[0], types[0]));
    assert_memory_equal(&decoded.filter.correlation_id, &request.filter.correlation_id, 16);
    assert_int_equal(decoded.filter.classes, request.filter.classes);
    assert_true(decoded.filter.include_system);
    assert_true(decoded.after == VARVE_AFTER_END);
    assert_int_equal(decoded.credit_bytes, 1);
    assert_int_equal(decoded.batch_bytes, UINT32_MAX);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void bad_filters_are_named(void **state)
{
    const struct varve_view types[] = { varve_view_str("fine"), varve_view_str("") };
    struct varve_subscribe_request request = { .credit_bytes = 1 }, decoded;
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_error error;

    request.filter.types = types;
    request.filter.type_count = 2;
    varve_encode_subscribe(&buffer, 1, &request);
    assert_int_equal(varve_decode_subscribe(frame_body(&buffer, VARVE_OP_SUBSCRIBE), arena, &decoded, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filter.types[1]");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void positions_there_and_back(void **state)
{
    static const uint8_t opcodes[] = { VARVE_OP_CAUGHT_UP, VARVE_OP_FELL_BEHIND, VARVE_OP_CHECKPOINT };

    for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
        struct varve_wire_buffer buffer = { 0 };
        uint64_t position;

        varve_encode_position(&buffer, 1, opcodes[i], UINT64_MAX - i);
        assert_int_equal(varve_decode_position(frame_body(&buffer, opcodes[i]), opcodes[i], &position, NULL),
                         VARVE_OK);
        assert_true(position == UINT64_MAX - i);
        varve_wire_buffer_free(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_requests),
        cmocka_unit_test(random_answers),
        cmocka_unit_test(hostile_counts),
        cmocka_unit_test(a_request_there_and_back),
        cmocka_unit_test(bad_filters_are_named),
        cmocka_unit_test(positions_there_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
