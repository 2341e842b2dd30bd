/* test_snapshot_row.c - what is said of a snapshot: every field, with its data and without. */
#include "frame_body.h"
#include "server/wire/arena.h"
#include "server/wire/snapshot_row.h"

static const struct varve_snapshot sample = {
    .stream = { "account-1", 9 }, .version = 7, .type = { "account", 7 }, .schema_version = 2,
    .content_type = VARVE_CONTENT_MSGPACK, .created_at_us = 55, .size = 3, .data = { "\x92\x01\x02", 3 },
};

static void check_same(const struct varve_snapshot *decoded)
{
    assert_true(varve_view_equal(decoded->stream, sample.stream));
    assert_int_equal(decoded->version, 7);
    assert_true(varve_view_equal(decoded->type, sample.type));
    assert_int_equal(decoded->schema_version, 2);
    assert_int_equal(decoded->content_type, VARVE_CONTENT_MSGPACK);
    assert_int_equal(decoded->created_at_us, 55);
    assert_int_equal(decoded->size, 3);
}

static void every_field_comes_through(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_snapshot decoded;
    const struct varve_snapshot *listed;
    size_t count;
    bool end;

    varve_encode_snapshot_get_ok(&buffer, 1, &sample);
    assert_int_equal(varve_decode_snapshot_get_ok(frame_body(&buffer, VARVE_OP_SNAPSHOT_GET_OK), &decoded, NULL),
                     VARVE_OK);
    check_same(&decoded);
    assert_true(varve_view_equal(decoded.data, sample.data));
    buffer.size = 0;
    varve_encode_snapshot_list_ok(&buffer, 1, &sample, 1, true);
    assert_int_equal(varve_decode_snapshot_list_ok(frame_body(&buffer, VARVE_OP_SNAPSHOT_LIST_OK), arena, &listed,
                                                   &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 1);
    check_same(&listed[0]);
    assert_null(listed[0].data.data);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void the_size_is_that_of_the_data(void **state)
{
    static const char body[] = "\x91\x98\xa1s\x01\xa1t\x01\x00\x00\x04\xc4\x03" "abc";
    struct varve_snapshot decoded = { .version = 77 };
    struct varve_error error;

    assert_int_equal(varve_decode_snapshot_get_ok(varve_view_of(body, sizeof(body) - 1), &decoded, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "size");
    assert_int_equal(decoded.version, 77);
}

static void nil_is_the_version_that_none_reaches(void **state)
{
    static const int64_t versions[] = { -1, 0, 1, INT64_MAX - 1, INT64_MAX };

    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        struct varve_wire_buffer buffer = { 0 };
        struct pack pack;
        struct fields fields;

        pack_begin(&pack, &buffer, VARVE_OP_PING, 1);
        pack_version_or_nil(&pack, versions[i]);
        pack_end(&pack);
        struct varve_view body = frame_body(&buffer, VARVE_OP_PING);

        assert_true(((uint8_t)body.data[0] == 0xc0) == (versions[i] == INT64_MAX));
        fields_begin(&fields, "SAMPLE", body, NULL);
        assert_int_equal(fields_version_or_nil(&fields, "version", -1), versions[i]);
        assert_int_equal(fields_end(&fields), VARVE_OK);
        varve_wire_buffer_free(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(the_size_is_that_of_the_data),
        cmocka_unit_test(nil_is_the_version_that_none_reaches),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
