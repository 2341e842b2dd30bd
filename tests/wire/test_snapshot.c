/* test_snapshot.c - putting, getting and deleting snapshots, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261127) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_snapshot snapshot;

        parts_begin(&parts);
        parts_snapshot(&parts, &snapshot);
        varve_encode_snapshot_put(&buffer, 1, &snapshot, (uint32_t)parts_number(&parts, 0, VARVE_SNAPSHOT_MAX_KEEP));
        message_check(&buffer, VARVE_OP_SNAPSHOT_PUT, arena, &parts.random);
        varve_encode_snapshot_put_ok(&buffer, 1, parts_version(&parts, INT64_MIN),
                                     (uint32_t)parts_number(&parts, 0, UINT32_MAX));
        message_check(&buffer, VARVE_OP_SNAPSHOT_PUT_OK, arena, &parts.random);
        varve_encode_snapshot_get_ok(&buffer, 1, &snapshot);
        message_check(&buffer, VARVE_OP_SNAPSHOT_GET_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void queries_and_deletions_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261128) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        parts_begin(&parts);
        const struct varve_snapshot_query query = { parts_text(&parts, VARVE_MAX_STREAM_NAME),
                                                    parts_chance(&parts) ? INT64_MAX : parts_version(&parts, 0),
                                                    parts_text_or_none(&parts, VARVE_SNAPSHOT_MAX_TYPE),
                                                    (uint32_t)parts_number(&parts, 0, UINT32_MAX) };
        int64_t from_version = parts_version(&parts, 0);

        varve_encode_snapshot_get(&buffer, 1, &query);
        message_check(&buffer, VARVE_OP_SNAPSHOT_GET, arena, &parts.random);
        varve_encode_snapshot_delete(&buffer, 1, query.stream, from_version, parts_version(&parts, from_version));
        message_check(&buffer, VARVE_OP_SNAPSHOT_DELETE, arena, &parts.random);
        varve_encode_snapshot_delete_ok(&buffer, 1, parts_number(&parts, 0, UINT64_MAX));
        message_check(&buffer, VARVE_OP_SNAPSHOT_DELETE_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_snapshot snapshot = { .stream = varve_view_str("s-1"), .version = 4, .schema_version = 3,
                                             .type = varve_view_str("t"), .content_type = VARVE_CONTENT_OCTET_STREAM,
                                             .data = varve_view_str("abc") };
    const struct varve_snapshot_query query = { varve_view_str("s-1"), INT64_MAX, varve_view_str("t"), 9 };
    struct varve_wire_buffer buffer = { 0 };
    struct varve_snapshot put;
    struct varve_snapshot_query asked;
    struct varve_view stream;
    int64_t from, until;
    uint32_t keep;

    varve_encode_snapshot_put(&buffer, 1, &snapshot, 5);
    assert_int_equal(varve_decode_snapshot_put(frame_body(&buffer, VARVE_OP_SNAPSHOT_PUT), &put, &keep, NULL),
                     VARVE_OK);
    assert_true(varve_view_equal(put.stream, snapshot.stream) && varve_view_equal(put.type, snapshot.type));
    assert_int_equal(put.version, 4);
    assert_int_equal(put.schema_version, 3);
    assert_int_equal(put.content_type, VARVE_CONTENT_OCTET_STREAM);
    assert_true(varve_view_equal(put.data, snapshot.data));
    assert_int_equal(put.size, 3);
    assert_int_equal(keep, 5);
    buffer.size = 0;
    varve_encode_snapshot_get(&buffer, 1, &query);
    assert_int_equal(varve_decode_snapshot_get(frame_body(&buffer, VARVE_OP_SNAPSHOT_GET), &asked, NULL), VARVE_OK);
    assert_true(varve_view_equal(asked.stream, query.stream) && varve_view_equal(asked.type, query.type));
    assert_int_equal(asked.at_or_below, INT64_MAX);
    assert_int_equal(asked.schema_version, 9);
    buffer.size = 0;
    varve_encode_snapshot_delete(&buffer, 1, query.stream, 2, 8);
    assert_int_equal(varve_decode_snapshot_delete(frame_body(&buffer, VARVE_OP_SNAPSHOT_DELETE), &stream, &from,
                                                  &until, NULL), VARVE_OK);
    assert_true(varve_view_equal(stream, query.stream));
    assert_int_equal(from, 2);
    assert_int_equal(until, 8);
    varve_wire_buffer_free(&buffer);
}

static void puts_out_of_range_are_named(void **state)
{
    char longest[VARVE_SNAPSHOT_MAX_TYPE + 1];
    const struct varve_view s = varve_view_str("s-1"), t = varve_view_str("t");
    const struct {
        const char *field;
        struct varve_snapshot snapshot;
        uint32_t keep;
    } cases[] = {
        { "stream", { .stream = varve_view_str(""), .type = t, .schema_version = 1 }, 0 },
        { "version", { .stream = s, .version = -1, .type = t, .schema_version = 1 }, 0 },
        { "type", { .stream = s, .schema_version = 1 }, 0 },
        { "type", { .stream = s, .type = varve_view_of(longest, sizeof(longest)), .schema_version = 1 }, 0 },
        { "schema_version", { .stream = s, .type = t }, 0 },
        { "content_type",
          { .stream = s, .type = t, .schema_version = 1, .content_type = (enum varve_content_type)3 }, 0 },
        { "keep", { .stream = s, .type = t, .schema_version = 1 }, VARVE_SNAPSHOT_MAX_KEEP + 1 },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 't', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_snapshot_put(&buffer, 1, &cases[i].snapshot, cases[i].keep);
        message_check_field(&buffer, VARVE_OP_SNAPSHOT_PUT, arena, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void other_requests_out_of_range_are_named(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_view s = varve_view_str("s-1"), bad = varve_view_str("a\nb"), none = { 0 };
    const struct {
        const char *field;
        struct varve_snapshot_query query;
    } queries[] = {
        { "stream", { none, 0, none, 0 } },
        { "version", { s, -1, none, 0 } },
        { "type", { s, 0, bad, 0 } },
    };
    const struct {
        const char *field;
        struct varve_view stream;
        int64_t from, until;
    } deletions[] = { { "stream", none, 0, 0 }, { "from_version", s, -1, 0 }, { "until_version", s, 5, 4 } };

    for (size_t i = 0; i < COUNT_OF(queries); i++) {
        varve_encode_snapshot_get(&buffer, 1, &queries[i].query);
        message_check_field(&buffer, VARVE_OP_SNAPSHOT_GET, arena, queries[i].field);
    }
    for (size_t i = 0; i < COUNT_OF(deletions); i++) {
        varve_encode_snapshot_delete(&buffer, 1, deletions[i].stream, deletions[i].from, deletions[i].until);
        message_check_field(&buffer, VARVE_OP_SNAPSHOT_DELETE, arena, deletions[i].field);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(queries_and_deletions_there_and_back),
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(puts_out_of_range_are_named),
        cmocka_unit_test(other_requests_out_of_range_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
