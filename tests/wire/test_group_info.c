/* test_group_info.c - what is told about groups, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

enum { MOST_CONSUMERS = 20, MOST_GROUPS = 5 };

static void random_info(struct parts *parts, struct varve_group_consumer *consumers, struct varve_group_info *ret)
{
    *ret = (struct varve_group_info){
        .name = parts_text(parts, VARVE_MAX_GROUP_NAME),
        .stopped = parts_chance(parts),
        .checkpoint = parts_number(parts, 0, UINT64_MAX),
        .last_position = parts_number(parts, 0, UINT64_MAX),
        .in_flight = parts_number(parts, 0, UINT64_MAX),
        .retrying = parts_number(parts, 0, UINT64_MAX),
        .parked = parts_number(parts, 0, UINT64_MAX),
        .acked = parts_number(parts, 0, UINT64_MAX),
        .redelivered = parts_number(parts, 0, UINT64_MAX),
        .created_at_us = (int64_t)parts_number(parts, 0, UINT64_MAX),
        .consumers = consumers,
        .consumer_count = parts_number(parts, 0, MOST_CONSUMERS),
    };
    parts_settings(parts, &ret->settings);
    if (ret->stopped)
        ret->stop_reason = parts_text(parts, VARVE_MAX_REASON);
    for (size_t i = 0; i < ret->consumer_count; i++)
        consumers[i] = (struct varve_group_consumer){ parts_text(parts, VARVE_MAX_CONSUMER_NAME),
                                                      parts_number(parts, 1, UINT64_MAX),
                                                      (uint32_t)parts_number(parts, 0, UINT32_MAX),
                                                      (uint32_t)parts_number(parts, 0, UINT32_MAX) };
}

static void one_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261102) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(150); round++) {
        struct varve_group_consumer consumers[MOST_CONSUMERS];
        struct varve_group_info info;

        parts_begin(&parts);
        random_info(&parts, consumers, &info);
        varve_encode_group_ok(&buffer, 1, &info);
        message_check(&buffer, VARVE_OP_GROUP_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void many_there_and_back(void **state)
{
    static struct parts parts[MOST_GROUPS];
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    parts[0].random = test_seed(20261103);
    for (unsigned round = 0; round < TEST_EFFORT(60); round++) {
        struct varve_group_info infos[MOST_GROUPS];
        struct varve_group_consumer consumers[MOST_CONSUMERS];
        size_t count = parts_number(&parts[0], 0, MOST_GROUPS);

        for (size_t i = 0; i < count; i++) {
            parts[i].random = parts[0].random + i;
            parts_begin(&parts[i]);
            random_info(&parts[i], consumers, &infos[i]);
        }
        varve_encode_group_list_ok(&buffer, 1, infos, count);
        message_check(&buffer, VARVE_OP_GROUP_LIST_OK, arena, &parts[0].random);
    }
    varve_encode_group_list(&buffer, 1);
    message_check(&buffer, VARVE_OP_GROUP_LIST, arena, &parts[0].random);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_group_consumer consumers[] = { { varve_view_str("one"), 11, 12, 13 },
                                                      { varve_view_str("two"), 21, 22, 23 } };
    struct varve_group_info info = {
        .name = varve_view_str("mailer"), .stopped = true, .stop_reason = varve_view_str("mail is down"),
        .checkpoint = 1, .last_position = 2, .in_flight = 3, .retrying = 4, .parked = 5, .acked = 6, .redelivered = 7,
        .created_at_us = -8, .consumers = consumers, .consumer_count = 2,
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_group_info decoded;
    const struct varve_group_info *listed;
    size_t count;

    varve_group_settings_init(&info.settings);
    varve_encode_group_ok(&buffer, 1, &info);
    assert_int_equal(varve_decode_group_ok(frame_body(&buffer, VARVE_OP_GROUP_OK), arena, &decoded, NULL), VARVE_OK);
    assert_true(varve_view_equal(decoded.name, info.name));
    assert_true(decoded.stopped && varve_view_equal(decoded.stop_reason, info.stop_reason));
    const uint64_t numbers[] = { decoded.checkpoint, decoded.last_position, decoded.in_flight, decoded.retrying,
                                 decoded.parked, decoded.acked, decoded.redelivered };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_int_equal(numbers[i], i + 1);
    assert_true(decoded.created_at_us == -8);
    assert_int_equal(decoded.consumer_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(varve_view_equal(decoded.consumers[i].name, consumers[i].name));
        assert_int_equal(decoded.consumers[i].epoch, consumers[i].epoch);
        assert_int_equal(decoded.consumers[i].in_flight, consumers[i].in_flight);
        assert_int_equal(decoded.consumers[i].max_in_flight, consumers[i].max_in_flight);
    }

    /* In a list, consumers are left out; a group that runs has no reason. */
    info.stopped = false;
    buffer.size = 0;
    varve_encode_group_list_ok(&buffer, 1, &info, 1);
    assert_int_equal(varve_decode_group_list_ok(frame_body(&buffer, VARVE_OP_GROUP_LIST_OK), arena, &listed, &count,
                                                NULL), VARVE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(listed[0].consumer_count, 0);
    assert_false(listed[0].stopped);
    assert_null(listed[0].stop_reason.data);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    char bytes[1000] = "\x91\xdd\x00\x00\x00\x40";

    message_check_hostile(VARVE_OP_GROUP_LIST_OK, "\x91\xdd\xff\xff\xff\xff", 6, arena);
    message_check_hostile(VARVE_OP_GROUP_LIST_OK, bytes, sizeof(bytes), arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_there_and_back),
        cmocka_unit_test(many_there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
