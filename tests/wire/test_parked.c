/* test_parked.c - what a group has set aside, asked about and told, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

enum { MOST = 30 };
static const uint8_t opcodes[] = { VARVE_OP_PARKED_LIST, VARVE_OP_PARKED_REPLAY, VARVE_OP_PARKED_DISCARD };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261108) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        uint8_t opcode = opcodes[round % COUNT_OF(opcodes)];
        bool lists = opcode == VARVE_OP_PARKED_LIST;

        parts_begin(&parts);
        const struct varve_parked_request request = {
            .group = parts_text(&parts, VARVE_MAX_GROUP_NAME),
            .position = parts_number(&parts, 0, UINT64_MAX - 1),
            .limit = (uint32_t)parts_number(&parts, lists ? 1 : 0, lists ? VARVE_MAX_PARKED_LIST : UINT32_MAX),
            .reason = parts_text_or_none(&parts, VARVE_MAX_REASON),
        };

        varve_encode_parked(&buffer, 1, opcode, &request);
        message_check(&buffer, opcode, arena, &parts.random);
        varve_encode_parked_ok(&buffer, 1, (uint32_t)parts_number(&parts, 0, UINT32_MAX));
        message_check(&buffer, VARVE_OP_PARKED_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void random_entry(struct parts *parts, struct varve_parked_event *ret)
{
    *ret = (struct varve_parked_event){
        .position = parts_number(parts, 1, UINT64_MAX),
        .stream = parts_text(parts, VARVE_MAX_STREAM_NAME),
        .type = parts_text(parts, VARVE_MAX_TYPE),
        .version = parts_number(parts, 0, UINT64_MAX),
        .id = parts_uuid(parts),
        .attempts = (uint32_t)parts_number(parts, 0, UINT32_MAX),
        .reason = parts_text(parts, 20),
        .last_error = parts_text_or_none(parts, VARVE_MAX_REASON),
        .first_attempt_us = (int64_t)parts_number(parts, 0, UINT64_MAX),
        .parked_at_us = (int64_t)parts_number(parts, 0, UINT64_MAX),
        .replaying = parts_chance(parts),
    };
}

static void lists_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261109) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(100); round++) {
        struct varve_parked_event events[MOST];
        size_t count = parts_number(&parts, 0, MOST);

        parts_begin(&parts);
        for (size_t i = 0; i < count; i++)
            random_entry(&parts, &events[i]);
        varve_encode_parked_list_ok(&buffer, 1, events, count, parts_chance(&parts));
        message_check(&buffer, VARVE_OP_PARKED_LIST_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_parked_request request = { varve_view_str("g"), 4711, 12, varve_view_str("done by hand") };
    const struct varve_parked_event event = {
        .position = 1, .stream = varve_view_str("order-1"), .type = varve_view_str("order.placed"), .version = 2,
        .id = { { 3 } }, .attempts = 4, .reason = varve_view_str("nack"), .last_error = varve_view_str("bad address"),
        .first_attempt_us = 5, .parked_at_us = 6, .replaying = true,
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_parked_request decoded;
    const struct varve_parked_event *entries;
    size_t count;
    bool end;

    varve_encode_parked(&buffer, 1, VARVE_OP_PARKED_DISCARD, &request);
    assert_int_equal(varve_decode_parked(frame_body(&buffer, VARVE_OP_PARKED_DISCARD), VARVE_OP_PARKED_DISCARD,
                                         &decoded, NULL), VARVE_OK);
    assert_true(varve_view_equal(decoded.group, request.group));
    assert_int_equal(decoded.position, 4711);
    assert_int_equal(decoded.limit, 12);
    assert_true(varve_view_equal(decoded.reason, request.reason));
    buffer.size = 0;
    varve_encode_parked_list_ok(&buffer, 1, &event, 1, true);
    assert_int_equal(varve_decode_parked_list_ok(frame_body(&buffer, VARVE_OP_PARKED_LIST_OK), arena, &entries, &count,
                                                 &end, NULL), VARVE_OK);
    assert_true(count == 1 && end && entries[0].replaying);
    assert_true(varve_view_equal(entries[0].stream, event.stream));
    assert_true(varve_view_equal(entries[0].type, event.type));
    assert_memory_equal(&entries[0].id, &event.id, sizeof(event.id));
    assert_true(varve_view_equal(entries[0].reason, event.reason));
    assert_true(varve_view_equal(entries[0].last_error, event.last_error));
    const uint64_t numbers[] = { entries[0].position, entries[0].version, 3, entries[0].attempts,
                                 (uint64_t)entries[0].first_attempt_us, (uint64_t)entries[0].parked_at_us };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_int_equal(numbers[i], i + 1);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void fields_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_REASON + 1];
    const struct varve_view group = varve_view_str("g");
    const struct {
        const char *field;
        uint8_t opcode;
        struct varve_parked_request request;
    } cases[] = {
        { "group", VARVE_OP_PARKED_LIST, { varve_view_str("\x7f"), 0, 1, { 0 } } },
        { "limit", VARVE_OP_PARKED_LIST, { group, 0, 0, { 0 } } },
        { "limit", VARVE_OP_PARKED_LIST, { group, 0, VARVE_MAX_PARKED_LIST + 1, { 0 } } },
        { "group", VARVE_OP_PARKED_REPLAY, { varve_view_str(""), 0, 1, { 0 } } },
        { "reason", VARVE_OP_PARKED_DISCARD, { group, 0, 1, varve_view_of(longest, sizeof(longest)) } },
        { "reason", VARVE_OP_PARKED_DISCARD, { group, 0, 1, varve_view_str("") } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 'r', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_parked(&buffer, 1, cases[i].opcode, &cases[i].request);
        message_check_field(&buffer, cases[i].opcode, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    char bytes[600] = "\x92\xdd\x00\x00\x00\x40";

    message_check_hostile(VARVE_OP_PARKED_LIST_OK, "\x92\xdd\xff\xff\xff\xff", 6, arena);
    message_check_hostile(VARVE_OP_PARKED_LIST_OK, bytes, sizeof(bytes), arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),            cmocka_unit_test(lists_there_and_back),
        cmocka_unit_test(every_field_comes_through), cmocka_unit_test(fields_out_of_range_are_named),
        cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
