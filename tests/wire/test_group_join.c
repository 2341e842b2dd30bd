/* test_group_join.c - joining a group and what a member is sent, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

enum { MOST_DELIVERIES = 40 };

static void joins_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261104) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        parts_begin(&parts);
        const struct varve_group_join join = {
            .group = parts_text(&parts, VARVE_MAX_GROUP_NAME),
            .consumer = parts_text(&parts, VARVE_MAX_CONSUMER_NAME),
            .max_in_flight = (uint32_t)parts_number(&parts, 0, VARVE_MAX_IN_FLIGHT),
            .credit_bytes = (uint32_t)parts_number(&parts, 1, UINT32_MAX),
            .takeover = parts_chance(&parts),
        };

        varve_encode_group_join(&buffer, 1, &join);
        message_check(&buffer, VARVE_OP_GROUP_JOIN, arena, &parts.random);
        varve_encode_group_joined(&buffer, 1, parts_number(&parts, 1, UINT64_MAX), parts_number(&parts, 0, UINT64_MAX),
                                  (uint32_t)parts_number(&parts, 0, UINT32_MAX));
        message_check(&buffer, VARVE_OP_GROUP_JOINED, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void deliveries_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261105) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(100); round++) {
        struct varve_delivery deliveries[MOST_DELIVERIES];
        uint32_t count = (uint32_t)parts_number(&parts, 0, MOST_DELIVERIES);

        parts_begin(&parts);
        for (uint32_t i = 0; i < count; i++)
            deliveries[i] = (struct varve_delivery){ (uint32_t)parts_number(&parts, 1, UINT32_MAX),
                                                     parts_bytes(&parts, 300) };
        varve_encode_group_events(&buffer, 1, deliveries, count);
        message_check(&buffer, VARVE_OP_GROUP_EVENTS, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_group_join join = { varve_view_str("mailer"), varve_view_str("host-1"), 5, 65536, true };
    struct varve_wire_buffer buffer = { 0 };
    struct varve_group_join decoded;
    uint64_t epoch, checkpoint;
    uint32_t ack_timeout_ms;

    varve_encode_group_join(&buffer, 1, &join);
    assert_int_equal(varve_decode_group_join(frame_body(&buffer, VARVE_OP_GROUP_JOIN), &decoded, NULL), VARVE_OK);
    assert_true(varve_view_equal(decoded.group, join.group));
    assert_true(varve_view_equal(decoded.consumer, join.consumer));
    assert_int_equal(decoded.max_in_flight, 5);
    assert_int_equal(decoded.credit_bytes, 65536);
    assert_true(decoded.takeover);
    buffer.size = 0;
    varve_encode_group_joined(&buffer, 1, 17, 4711, 30000);
    assert_int_equal(varve_decode_group_joined(frame_body(&buffer, VARVE_OP_GROUP_JOINED), &epoch, &checkpoint,
                                               &ack_timeout_ms, NULL), VARVE_OK);
    assert_int_equal(epoch, 17);
    assert_int_equal(checkpoint, 4711);
    assert_int_equal(ack_timeout_ms, 30000);
    varve_wire_buffer_free(&buffer);
}

static void fields_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_CONSUMER_NAME + 1];
    const struct varve_group_join good = { varve_view_str("g"), varve_view_str("c"), 0, 1, false };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 'c', sizeof(longest));
    for (unsigned which = 0; which < 5; which++) {
        static const char *const fields[] = { "group", "consumer", "consumer", "max_in_flight", "credit_bytes" };
        struct varve_group_join bad = good;

        if (which == 0)
            bad.group = varve_view_str("");
        if (which == 1)
            bad.consumer = varve_view_of(longest, sizeof(longest));
        if (which == 2)
            bad.consumer = varve_view_str("a\tb");
        if (which == 3)
            bad.max_in_flight = VARVE_MAX_IN_FLIGHT + 1;
        if (which == 4)
            bad.credit_bytes = 0;
        varve_encode_group_join(&buffer, 1, &bad);
        message_check_field(&buffer, VARVE_OP_GROUP_JOIN, arena, fields[which]);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    message_check_hostile(VARVE_OP_GROUP_EVENTS, "\x91\xdd\xff\xff\xff\xff", 6, arena);
    message_check_hostile(VARVE_OP_GROUP_EVENTS, "\x91\x91\x92\x01\xc6\xff\xff\xff\xff", 9, arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins_there_and_back),      cmocka_unit_test(deliveries_there_and_back),
        cmocka_unit_test(every_field_comes_through), cmocka_unit_test(fields_out_of_range_are_named),
        cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
