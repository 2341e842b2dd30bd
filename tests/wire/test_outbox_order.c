/* test_outbox_order.c - orders to outboxes, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

static const struct varve_view none;

static void make_order(struct parts *parts, struct varve_outbox_order *ret)
{
    *ret = (struct varve_outbox_order){
        .action = (enum varve_outbox_action)parts_number(parts, 0, VARVE_OUTBOX_ACTIONS - 1),
        .reset_to = (enum varve_outbox_reset)parts_number(parts, 0, VARVE_RESET_KAFKA_TAIL),
        .position = parts_number(parts, 1, UINT64_MAX),
    };
    ret->until = parts_chance(parts) ? 0 : parts_number(parts, ret->position, UINT64_MAX);
    ret->stream = parts_text_or_none(parts, VARVE_MAX_STREAM_NAME);
    ret->type = parts_text_or_none(parts, VARVE_MAX_TYPE);
    ret->reason = parts_text_or_none(parts, VARVE_MAX_OUTBOX_REASON);
}

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261201) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_outbox_order order;
        const struct varve_outbox_order_result result = { parts_number(&parts, 0, UINT64_MAX),
                                                          parts_number(&parts, 0, UINT64_MAX) };

        parts_begin(&parts);
        make_order(&parts, &order);
        varve_encode_outbox_order(&buffer, 1, parts_outbox_name(&parts), &order);
        message_check(&buffer, VARVE_OP_OUTBOX_ORDER, arena, &parts.random);
        varve_encode_outbox_order_ok(&buffer, 1, &result);
        message_check(&buffer, VARVE_OP_OUTBOX_ORDER_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_outbox_order order = { VARVE_OUTBOX_REPLAY, VARVE_RESET_HINT, 17, 4711, varve_view_str("s-1"),
                                              varve_view_str("t"), varve_view_str("why") };
    const struct varve_outbox_order_result result = { 4711, 3 };
    struct varve_wire_buffer buffer = { 0 };
    struct varve_outbox_order read;
    struct varve_outbox_order_result read_result;
    struct varve_view name;

    varve_encode_outbox_order(&buffer, 1, varve_view_str("kafka"), &order);
    assert_int_equal(varve_decode_outbox_order(frame_body(&buffer, VARVE_OP_OUTBOX_ORDER), &name, &read, NULL),
                     VARVE_OK);
    assert_true(varve_view_equal(name, varve_view_str("kafka")));
    assert_int_equal(read.action, order.action);
    assert_int_equal(read.reset_to, order.reset_to);
    assert_int_equal(read.position, 17);
    assert_int_equal(read.until, 4711);
    assert_true(varve_view_equal(read.stream, order.stream));
    assert_true(varve_view_equal(read.type, order.type));
    assert_true(varve_view_equal(read.reason, order.reason));
    buffer.size = 0;
    varve_encode_outbox_order_ok(&buffer, 1, &result);
    assert_int_equal(varve_decode_outbox_order_ok(frame_body(&buffer, VARVE_OP_OUTBOX_ORDER_OK), &read_result, NULL),
                     VARVE_OK);
    assert_int_equal(read_result.position, 4711);
    assert_int_equal(read_result.count, 3);
    varve_wire_buffer_free(&buffer);
}

static void fields_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    const struct varve_view bad = varve_view_of(longest, sizeof(longest)), line = varve_view_str("a\nb");
    const struct {
        const char *field;
        struct varve_outbox_order order;
    } cases[] = {
        { "action", { VARVE_OUTBOX_ACTIONS, 0, 1, 0, none, none, none } },
        { "reset_to", { VARVE_OUTBOX_RESET, VARVE_RESET_KAFKA_TAIL + 1, 1, 0, none, none, none } },
        { "position", { VARVE_OUTBOX_DISCARD, 0, 0, 0, none, none, none } },
        { "position", { VARVE_OUTBOX_REPLAY, 0, 0, 7, none, none, none } },
        { "until", { VARVE_OUTBOX_REPLAY, 0, 8, 7, none, none, none } },
        { "stream", { VARVE_OUTBOX_RETRY, 0, 0, 0, bad, none, none } },
        { "type", { VARVE_OUTBOX_REPLAY, 0, 1, 0, none, bad, none } },
        { "reason", { VARVE_OUTBOX_PAUSE, 0, 0, 0, none, none, bad } },
        { "reason", { VARVE_OUTBOX_PAUSE, 0, 0, 0, none, none, line } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 's', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_outbox_order(&buffer, 1, varve_view_str("kafka"), &cases[i].order);
        message_check_field(&buffer, VARVE_OP_OUTBOX_ORDER, arena, cases[i].field);
    }
    varve_encode_outbox_order(&buffer, 1, none, &cases[2].order);
    message_check_field(&buffer, VARVE_OP_OUTBOX_ORDER, arena, "name");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void position_0_is_a_position_to_reset_to(void **state)
{
    const struct varve_outbox_order order = { .action = VARVE_OUTBOX_RESET, .reset_to = VARVE_RESET_POSITION };
    struct varve_wire_buffer buffer = { 0 };
    struct varve_outbox_order read;
    struct varve_view name;

    varve_encode_outbox_order(&buffer, 1, varve_view_str("kafka"), &order);
    assert_int_equal(varve_decode_outbox_order(frame_body(&buffer, VARVE_OP_OUTBOX_ORDER), &name, &read, NULL),
                     VARVE_OK);
    varve_wire_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(fields_out_of_range_are_named),
        cmocka_unit_test(position_0_is_a_position_to_reset_to),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
