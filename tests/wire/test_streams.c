/* test_streams.c - lists of streams as long as they may be, and their largest numbers. */
#include "frame_body.h"

#include <stdlib.h>

static const struct varve_stream_info largest = {
    .version = INT64_MAX, .first_version = UINT64_MAX, .last_position = UINT64_MAX, .created_at_us = INT64_MIN,
    .updated_at_us = INT64_MAX, .truncate_before = UINT64_MAX, .max_count = UINT64_MAX, .max_age_us = INT64_MAX,
    .deleted = true, .tombstoned = true,
};

static bool info_equal(const struct varve_stream_info *a, const struct varve_stream_info *b)
{
    return a->version == b->version && a->first_version == b->first_version && a->last_position == b->last_position &&
           a->created_at_us == b->created_at_us && a->updated_at_us == b->updated_at_us &&
           a->truncate_before == b->truncate_before && a->max_count == b->max_count &&
           a->max_age_us == b->max_age_us && a->deleted == b->deleted && a->tombstoned == b->tombstoned;
}

static void a_list_of_ten_thousand(void **state)
{
    enum { STREAMS = 10000 };
    struct varve_stream_list list = { .entries = calloc(STREAMS, sizeof(*list.entries)), .count = STREAMS }, decoded;
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (size_t i = 0; i < STREAMS; i++)
        list.entries[i] = (struct varve_stream_entry){ varve_view_str("some-stream"), largest };
    varve_encode_stream_list_ok(&buffer, 1, &list);
    assert_int_equal(varve_decode_stream_list_ok(frame_body(&buffer, VARVE_OP_STREAM_LIST_OK), arena, &decoded, NULL),
                     VARVE_OK);
    assert_int_equal(decoded.count, STREAMS);
    assert_false(decoded.end);
    for (size_t i = 0; i < STREAMS; i++) {
        assert_true(varve_view_equal(decoded.entries[i].name, list.entries[i].name));
        assert_true(info_equal(&decoded.entries[i].info, &largest));
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
    free(list.entries);
}

/* A stream's name may be as long as "$$" and a client's name; prefix and after likewise; a byte more is refused. */
static void names_up_to_their_bound(void **state)
{
    char name[VARVE_MAX_SYSTEM_STREAM_NAME + 1];

    memset(name, 's', sizeof(name));
    for (size_t size = sizeof(name) - 1; size <= sizeof(name); size++) {
        enum varve_status expected = size < sizeof(name) ? VARVE_OK : VARVE_INVALID_ARGUMENT;
        struct varve_view text = varve_view_of(name, size), decoded_name;
        struct varve_stream_list_request list = { .prefix = text, .after = text, .limit = 1 }, decoded;
        struct varve_wire_buffer buffer = { 0 };
        struct varve_error error;

        varve_encode_stream_info(&buffer, 1, text);
        assert_int_equal(varve_decode_stream_info(frame_body(&buffer, VARVE_OP_STREAM_INFO), &decoded_name, &error),
                         expected);
        buffer.size = 0;
        varve_encode_stream_list(&buffer, 1, &list);
        assert_int_equal(varve_decode_stream_list(frame_body(&buffer, VARVE_OP_STREAM_LIST), &decoded, &error),
                         expected);
        if (expected != VARVE_OK)
            assert_string_equal(error.field, "prefix");
        varve_wire_buffer_free(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_ten_thousand),
        cmocka_unit_test(names_up_to_their_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
