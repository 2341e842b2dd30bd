/* test_outbox_dead.c - lists of dead letters, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "support/effort.h"

enum { MOST = 8, MANY = VARVE_MAX_OUTBOX_LIST };

static const struct varve_view none;

static void make_letter(struct parts *parts, struct varve_dead_letter *ret)
{
    *ret = (struct varve_dead_letter){
        .stream = parts_text(parts, VARVE_MAX_STREAM_NAME),
        .position = parts_number(parts, 1, UINT64_MAX),
        .version = parts_number(parts, 0, INT64_MAX),
        .waiting = parts_number(parts, 0, UINT64_MAX),
        .skipped = parts_chance(parts),
        .retry_count = (uint32_t)parts_number(parts, 0, UINT32_MAX),
        .error_code = parts_text(parts, 40),
        .last_error = parts_text(parts, VARVE_MAX_OUTBOX_REASON),
        .first_attempt_us = parts_version(parts, INT64_MIN),
        .last_attempt_us = parts_version(parts, INT64_MIN),
    };
}

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261202) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_dead_letter letters[MOST];
        size_t count = parts_number(&parts, 0, MOST);

        parts_begin(&parts);
        const struct varve_outbox_dead_request request = {
            parts_outbox_name(&parts), parts_text_or_none(&parts, VARVE_MAX_STREAM_NAME),
            parts_text_or_none(&parts, VARVE_MAX_STREAM_NAME),
            (uint32_t)parts_number(&parts, 1, VARVE_MAX_OUTBOX_LIST),
        };

        varve_encode_outbox_dead(&buffer, 1, &request);
        message_check(&buffer, VARVE_OP_OUTBOX_DEAD, arena, &parts.random);
        for (size_t i = 0; i < count; i++)
            make_letter(&parts, &letters[i]);
        varve_encode_outbox_dead_ok(&buffer, 1, letters, count, parts_chance(&parts));
        message_check(&buffer, VARVE_OP_OUTBOX_DEAD_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_outbox_dead_request request = { varve_view_str("kafka"), varve_view_str("order-42"),
                                                       varve_view_str("order-41"), 7 };
    const struct varve_dead_letter letter = { varve_view_str("order-42"), 17, 3, 5, true, 4, varve_view_str("CODE"),
                                              varve_view_str("why"), -1, 99 };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_outbox_dead_request read;
    const struct varve_dead_letter *letters;
    size_t count;
    bool end = false;

    varve_encode_outbox_dead(&buffer, 1, &request);
    assert_int_equal(varve_decode_outbox_dead(frame_body(&buffer, VARVE_OP_OUTBOX_DEAD), &read, NULL), VARVE_OK);
    assert_true(varve_view_equal(read.name, request.name));
    assert_true(varve_view_equal(read.stream, request.stream));
    assert_true(varve_view_equal(read.after, request.after));
    assert_int_equal(read.limit, 7);
    buffer.size = 0;
    varve_encode_outbox_dead_ok(&buffer, 1, &letter, 1, true);
    assert_int_equal(varve_decode_outbox_dead_ok(frame_body(&buffer, VARVE_OP_OUTBOX_DEAD_OK), arena, &letters, &count,
                                                 &end, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    assert_true(end);
    assert_true(varve_view_equal(letters[0].stream, letter.stream));
    assert_int_equal(letters[0].position, 17);
    assert_int_equal(letters[0].version, 3);
    assert_int_equal(letters[0].waiting, 5);
    assert_true(letters[0].skipped);
    assert_int_equal(letters[0].retry_count, 4);
    assert_true(varve_view_equal(letters[0].error_code, letter.error_code));
    assert_true(varve_view_equal(letters[0].last_error, letter.last_error));
    assert_int_equal(letters[0].first_attempt_us, -1);
    assert_int_equal(letters[0].last_attempt_us, 99);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void fields_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    const struct varve_view name = varve_view_str("kafka"), bad = varve_view_of(longest, sizeof(longest));
    const struct {
        const char *field;
        struct varve_outbox_dead_request request;
    } cases[] = {
        { "name", { none, none, none, 1 } }, { "stream", { name, bad, none, 1 } }, { "after", { name, none, bad, 1 } },
        { "limit", { name, none, none, 0 } }, { "limit", { name, none, none, VARVE_MAX_OUTBOX_LIST + 1 } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 's', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_outbox_dead(&buffer, 1, &cases[i].request);
        message_check_field(&buffer, VARVE_OP_OUTBOX_DEAD, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void many_small_ones_and_hostile_counts(void **state)
{
    static struct varve_dead_letter letters[MANY];
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_dead_letter *read;
    size_t count;
    bool end;

    for (size_t i = 0; i < MANY; i++)
        letters[i].position = 1;
    varve_encode_outbox_dead_ok(&buffer, 1, letters, MANY, false);
    assert_int_equal(varve_decode_outbox_dead_ok(frame_body(&buffer, VARVE_OP_OUTBOX_DEAD_OK), arena, &read, &count,
                                                 &end, NULL), VARVE_OK);
    assert_int_equal(count, MANY);
    assert_false(end);
    assert_true(arena_taken(arena) <= 16 * buffer.size);
    message_check_hostile(VARVE_OP_OUTBOX_DEAD_OK, "\x92\xdd\xff\xff\xff\xff", 6, arena);
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
