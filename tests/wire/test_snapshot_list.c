/* test_snapshot_list.c - lists of snapshots, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "server/wire/arena.h"
#include "support/effort.h"

enum { MOST = 12, MANY = VARVE_SNAPSHOT_MAX_LIST };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261129) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_snapshot snapshots[MOST];
        size_t count = parts_number(&parts, 0, MOST);

        parts_begin(&parts);
        const struct varve_snapshot_list_request request = {
            parts_text_or_none(&parts, VARVE_MAX_STREAM_NAME), parts_text_or_none(&parts, VARVE_MAX_STREAM_NAME),
            parts_chance(&parts) ? INT64_MAX : parts_version(&parts, -1),
            (uint32_t)parts_number(&parts, 1, VARVE_SNAPSHOT_MAX_LIST),
        };

        varve_encode_snapshot_list(&buffer, 1, &request);
        message_check(&buffer, VARVE_OP_SNAPSHOT_LIST, arena, &parts.random);
        for (size_t i = 0; i < count; i++)
            parts_snapshot(&parts, &snapshots[i]);
        varve_encode_snapshot_list_ok(&buffer, 1, snapshots, count, parts_chance(&parts));
        message_check(&buffer, VARVE_OP_SNAPSHOT_LIST_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_snapshot_list_request request = { varve_view_str("acc"), varve_view_str("account-1"), -1, 7 };
    struct varve_snapshot_list_request decoded;
    struct varve_wire_buffer buffer = { 0 };

    varve_encode_snapshot_list(&buffer, 1, &request);
    assert_int_equal(varve_decode_snapshot_list(frame_body(&buffer, VARVE_OP_SNAPSHOT_LIST), &decoded, NULL), VARVE_OK);
    assert_true(varve_view_equal(decoded.prefix, request.prefix));
    assert_true(varve_view_equal(decoded.after_stream, request.after_stream));
    assert_int_equal(decoded.after_version, -1);
    assert_int_equal(decoded.limit, 7);
    varve_wire_buffer_free(&buffer);
}

static void fields_out_of_range_are_named(void **state)
{
    char longest[VARVE_MAX_SYSTEM_STREAM_NAME + 1];
    const struct varve_view none = { 0 }, bad = varve_view_of(longest, sizeof(longest));
    const struct {
        const char *field;
        struct varve_snapshot_list_request request;
    } cases[] = {
        { "prefix", { bad, none, 0, 1 } },   { "after_stream", { none, bad, 0, 1 } },
        { "after_version", { none, none, -2, 1 } }, { "limit", { none, none, 0, 0 } },
        { "limit", { none, none, 0, VARVE_SNAPSHOT_MAX_LIST + 1 } },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 's', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_snapshot_list(&buffer, 1, &cases[i].request);
        message_check_field(&buffer, VARVE_OP_SNAPSHOT_LIST, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

/* The smallest that a snapshot can be in bytes still takes no more of the arena than is promised. */
static void many_small_ones_and_hostile_counts(void **state)
{
    static struct varve_snapshot snapshots[MANY];
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_snapshot *decoded;
    size_t count;
    bool end;

    varve_encode_snapshot_list_ok(&buffer, 1, snapshots, MANY, false);
    assert_int_equal(varve_decode_snapshot_list_ok(frame_body(&buffer, VARVE_OP_SNAPSHOT_LIST_OK), arena, &decoded,
                                                   &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, MANY);
    assert_false(end);
    assert_true(arena_taken(arena) <= 16 * buffer.size);
    message_check_hostile(VARVE_OP_SNAPSHOT_LIST_OK, "\x92\xdd\xff\xff\xff\xff", 6, arena);
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
