/* test_group_ack.c - what members say about events, there and back, up to as many positions as may be. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "support/effort.h"

#include <stdlib.h>

enum { MOST = 60 };
static const uint8_t opcodes[] = { VARVE_OP_GROUP_ACK, VARVE_OP_GROUP_NACK, VARVE_OP_GROUP_EXTEND };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261106) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    uint64_t positions[MOST];

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        uint8_t opcode = opcodes[round % COUNT_OF(opcodes)];
        struct varve_group_ack ack = { .positions = positions, .count = parts_number(&parts, 1, MOST) };

        parts_begin(&parts);
        for (size_t i = 0; i < ack.count; i++)
            positions[i] = parts_number(&parts, 1, UINT64_MAX);
        ack.group = parts_text(&parts, VARVE_MAX_GROUP_NAME);
        ack.epoch = parts_number(&parts, 1, UINT64_MAX);
        ack.action = (enum varve_nack)parts_number(&parts, 0, VARVE_NACK_STOP);
        ack.wait_ms = (uint32_t)parts_number(&parts, 1, VARVE_MAX_WAIT_MS);
        if (opcode == VARVE_OP_GROUP_NACK && parts_chance(&parts))
            ack.wait_ms = VARVE_RETRY_BACKOFF;
        ack.reason = parts_text_or_none(&parts, VARVE_MAX_REASON);
        varve_encode_group_ack(&buffer, 1, opcode, &ack);
        message_check(&buffer, opcode, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void answers_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261107) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_refused_ack refused[MOST];
        size_t count = parts_number(&parts, 0, MOST);

        for (size_t i = 0; i < count; i++)
            refused[i] = (struct varve_refused_ack){ parts_number(&parts, 0, UINT64_MAX),
                                                     (enum varve_status)parts_number(&parts, 1, INT32_MAX) };
        varve_encode_group_ack_ok(&buffer, 1, (uint32_t)parts_number(&parts, 0, UINT32_MAX), refused, count);
        message_check(&buffer, VARVE_OP_GROUP_ACK_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    static const uint64_t positions[] = { 4711, 1, 4711 };
    const struct varve_group_ack nack = { varve_view_str("g"), 17, positions, 3, VARVE_NACK_PARK, 250,
                                          varve_view_str("bad address") };
    const struct varve_refused_ack refused[] = { { 9, VARVE_FENCED }, { 10, VARVE_NOT_DELIVERED } };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_refused_ack *decoded_refused;
    struct varve_group_ack decoded;
    uint32_t done;
    size_t count;

    varve_encode_group_ack(&buffer, 1, VARVE_OP_GROUP_NACK, &nack);
    assert_int_equal(varve_decode_group_ack(frame_body(&buffer, VARVE_OP_GROUP_NACK), VARVE_OP_GROUP_NACK, arena,
                                            &decoded, NULL), VARVE_OK);
    assert_true(varve_view_equal(decoded.group, nack.group));
    assert_int_equal(decoded.epoch, 17);
    assert_int_equal(decoded.count, 3);
    assert_memory_equal(decoded.positions, positions, sizeof(positions));
    assert_int_equal(decoded.action, VARVE_NACK_PARK);
    assert_int_equal(decoded.wait_ms, 250);
    assert_true(varve_view_equal(decoded.reason, nack.reason));
    buffer.size = 0;
    varve_encode_group_ack_ok(&buffer, 1, 3, refused, 2);
    assert_int_equal(varve_decode_group_ack_ok(frame_body(&buffer, VARVE_OP_GROUP_ACK_OK), arena, &done,
                                               &decoded_refused, &count, NULL), VARVE_OK);
    assert_int_equal(done, 3);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(decoded_refused[i].position, refused[i].position);
        assert_int_equal(decoded_refused[i].status, refused[i].status);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void as_many_positions_as_allowed(void **state)
{
    uint64_t *positions = calloc(4 * VARVE_MAX_ACKS, sizeof(*positions));
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_group_ack ack = { .group = varve_view_str("g"), .epoch = 1, .positions = positions, .wait_ms = 1 };

    assert_non_null(positions);
    for (size_t i = 0; i < 4 * VARVE_MAX_ACKS; i++)
        positions[i] = i + 1;
    for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
        struct varve_group_ack decoded;

        buffer.size = 0;
        ack.count = VARVE_MAX_ACKS;
        varve_encode_group_ack(&buffer, 1, opcodes[i], &ack);
        assert_int_equal(varve_decode_group_ack(frame_body(&buffer, opcodes[i]), opcodes[i], arena, &decoded, NULL),
                         VARVE_OK);
        assert_memory_equal(decoded.positions, positions, ack.count * sizeof(*positions));
        buffer.size = 0;
        ack.count = 4 * VARVE_MAX_ACKS;
        varve_encode_group_ack(&buffer, 1, opcodes[i], &ack);
        message_check_field(&buffer, opcodes[i], arena, "positions");
        assert_true(arena_taken(arena) <= VARVE_MAX_ACKS * sizeof(*positions));
        ack.count = 0;
        varve_encode_group_ack(&buffer, 1, opcodes[i], &ack);
        message_check_field(&buffer, opcodes[i], arena, "positions");
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
    free(positions);
}

static void fields_out_of_range_are_named(void **state)
{
    static const uint64_t fine[] = { 1 }, zero[] = { 1, 2, 0 };
    char longest[VARVE_MAX_REASON + 1];
    const struct varve_group_ack good = { varve_view_str("g"), 1, fine, 1, VARVE_NACK_RETRY, 1, { 0 } };
    const struct {
        const char *field;
        uint8_t opcode;
        struct varve_group_ack ack;
    } cases[] = {
        { "group", VARVE_OP_GROUP_ACK, { varve_view_str("$"), 1, fine, 1, 0, 1, { 0 } } },
        { "epoch", VARVE_OP_GROUP_ACK, { good.group, 0, fine, 1, 0, 1, { 0 } } },
        { "positions[2]", VARVE_OP_GROUP_ACK, { good.group, 1, zero, 3, 0, 1, { 0 } } },
        { "action", VARVE_OP_GROUP_NACK, { good.group, 1, fine, 1, (enum varve_nack)4, 1, { 0 } } },
        { "retry_after_ms", VARVE_OP_GROUP_NACK, { good.group, 1, fine, 1, 0, VARVE_MAX_WAIT_MS + 1, { 0 } } },
        { "reason", VARVE_OP_GROUP_NACK, { good.group, 1, fine, 1, 0, 1, varve_view_of(longest, sizeof(longest)) } },
        { "reason", VARVE_OP_GROUP_NACK, { good.group, 1, fine, 1, 0, 1, varve_view_str("two\nlines") } },
        { "by_ms", VARVE_OP_GROUP_EXTEND, { good.group, 1, fine, 1, 0, 0, { 0 } } },
        { "by_ms", VARVE_OP_GROUP_EXTEND, { good.group, 1, fine, 1, 0, VARVE_MAX_WAIT_MS + 1, { 0 } } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 'r', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_group_ack(&buffer, 1, cases[i].opcode, &cases[i].ack);
        message_check_field(&buffer, cases[i].opcode, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t i = 0; i < COUNT_OF(opcodes); i++)
        message_check_hostile(opcodes[i], "\x96\xa1g\x01\xdd\xff\xff\xff\xff", 9, arena);
    message_check_hostile(VARVE_OP_GROUP_ACK_OK, "\x92\x01\xdd\xff\xff\xff\xff", 7, arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),               cmocka_unit_test(answers_there_and_back),
        cmocka_unit_test(every_field_comes_through),    cmocka_unit_test(as_many_positions_as_allowed),
        cmocka_unit_test(fields_out_of_range_are_named), cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
