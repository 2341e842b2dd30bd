/* test_group.c - the requests about whole groups, there and back, and what is refused in them. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

static const uint8_t opcodes[] = { VARVE_OP_GROUP_CREATE, VARVE_OP_GROUP_UPDATE, VARVE_OP_GROUP_RESET,
                                   VARVE_OP_GROUP_DELETE, VARVE_OP_GROUP_INFO };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261101) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(400); round++) {
        uint8_t opcode = opcodes[round % COUNT_OF(opcodes)];
        struct varve_group_request request = { .has_settings = parts_chance(&parts), .resume = parts_chance(&parts) };

        parts_begin(&parts);
        request.group = parts_text(&parts, VARVE_MAX_GROUP_NAME);
        parts_settings(&parts, &request.settings);
        request.after = parts_chance(&parts) ? VARVE_AFTER_END : parts_number(&parts, 0, VARVE_AFTER_END - 1);
        varve_encode_group(&buffer, 1, opcode, &request);
        message_check(&buffer, opcode, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void what_an_update_leaves_alone(void **state)
{
    const struct varve_group_request request = { .group = varve_view_str("g"), .resume = true };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_group_request decoded;

    varve_encode_group(&buffer, 1, VARVE_OP_GROUP_UPDATE, &request);
    assert_int_equal(varve_decode_group(frame_body(&buffer, VARVE_OP_GROUP_UPDATE), VARVE_OP_GROUP_UPDATE, arena,
                                        &decoded, NULL), VARVE_OK);
    assert_false(decoded.has_settings);
    assert_true(decoded.resume);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_view types[] = { varve_view_str("order.placed") };
    const struct varve_filter filter = { .types = types, .type_count = 1, .classes = 5, .include_system = true };
    const struct varve_group_request request = {
        .group = varve_view_str("mailer"), .after = 4711,
        .settings = { .filter = &filter, .key = VARVE_GROUP_KEY_CORRELATION, .max_in_flight = 7,
                      .consumer_max_in_flight = 3, .ack_timeout_ms = 12000, .max_attempts = 9,
                      .backoff_ms = { 1, 20, 300 }, .backoff_count = 3 },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_group_request decoded;

    varve_encode_group(&buffer, 1, VARVE_OP_GROUP_CREATE, &request);
    assert_int_equal(varve_decode_group(frame_body(&buffer, VARVE_OP_GROUP_CREATE), VARVE_OP_GROUP_CREATE, arena,
                                        &decoded, NULL), VARVE_OK);
    assert_true(varve_view_equal(decoded.group, request.group));
    assert_true(decoded.has_settings);
    assert_int_equal(decoded.after, 4711);
    assert_int_equal(decoded.settings.filter->type_count, 1);
    assert_true(varve_view_equal(decoded.settings.filter->types[0], types[0]));
    assert_int_equal(decoded.settings.filter->classes, 5);
    assert_true(decoded.settings.filter->include_system);
    assert_int_equal(decoded.settings.key, VARVE_GROUP_KEY_CORRELATION);
    assert_int_equal(decoded.settings.max_in_flight, 7);
    assert_int_equal(decoded.settings.consumer_max_in_flight, 3);
    assert_int_equal(decoded.settings.ack_timeout_ms, 12000);
    assert_int_equal(decoded.settings.max_attempts, 9);
    assert_int_equal(decoded.settings.backoff_count, 3);
    assert_memory_equal(decoded.settings.backoff_ms, request.settings.backoff_ms, sizeof(decoded.settings.backoff_ms));
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void fields_out_of_range_are_named(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_group_request good = { .group = varve_view_str("g") }, bad;

    varve_group_settings_init(&good.settings);
    for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
        bad = good;
        bad.group = varve_view_str("$g");
        varve_encode_group(&buffer, 1, opcodes[i], &bad);
        message_check_field(&buffer, opcodes[i], arena, "group");
    }
    bad = good;
    bad.settings.ack_timeout_ms = 99;
    varve_encode_group(&buffer, 1, VARVE_OP_GROUP_CREATE, &bad);
    message_check_field(&buffer, VARVE_OP_GROUP_CREATE, arena, "settings.ack_timeout_ms");
    bad = good;
    bad.settings.backoff_ms[1] = VARVE_MAX_WAIT_MS + 1;
    bad.has_settings = true;
    varve_encode_group(&buffer, 1, VARVE_OP_GROUP_UPDATE, &bad);
    message_check_field(&buffer, VARVE_OP_GROUP_UPDATE, arena, "settings.backoff_ms[1]");
    bad = good;
    bad.settings.key = (enum varve_group_key)3;
    varve_encode_group(&buffer, 1, VARVE_OP_GROUP_CREATE, &bad);
    message_check_field(&buffer, VARVE_OP_GROUP_CREATE, arena, "settings.key");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_an_update_leaves_alone),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(fields_out_of_range_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
