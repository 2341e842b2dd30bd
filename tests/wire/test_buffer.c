/* test_buffer.c - frames gathered in one buffer, and what happens when memory for them runs out. */
#include "frame_body.h"
#include "server/wire/pack.h"

#include <stdlib.h>

static void frames_stand_one_behind_the_other(void **state)
{
    struct varve_wire_buffer buffer = { 0 };
    size_t at = 0;

    for (uint32_t id = 1; id <= 1000; id++)
        varve_encode_credit(&buffer, id, id * 1000);
    for (uint32_t id = 1; id <= 1000; id++) {
        struct varve_frame frame;
        uint32_t bytes;

        assert_int_equal(varve_frame_decode(buffer.bytes + at, 16, &frame, NULL), VARVE_OK);
        assert_int_equal(frame.request_id, id);
        at += VARVE_WIRE_HEADER;
        assert_int_equal(varve_decode_credit(varve_view_of((char *)buffer.bytes + at, frame.length), &bytes, NULL),
                         VARVE_OK);
        assert_int_equal(bytes, id * 1000);
        at += frame.length;
    }
    assert_int_equal(at, buffer.size);
    varve_wire_buffer_free(&buffer);
    assert_null(buffer.bytes);
    assert_int_equal(buffer.size + buffer.capacity, 0);
}

/* As when an allocation fails in the middle of the second of three frames. */
static void a_frame_that_fails_is_taken_back(void **state)
{
    struct varve_wire_buffer buffer = { 0 };

    varve_encode_ping(&buffer, 1);
    size_t whole = buffer.size;
    size_t offset = varve_wire_begin(&buffer, VARVE_OP_PING, 2);

    assert_int_equal(offset, whole);
    buffer.failed = true;
    varve_wire_end(&buffer, offset);
    assert_int_equal(buffer.size, whole);
    varve_encode_ping(&buffer, 3);
    assert_int_equal(buffer.size, whole);
    assert_true(buffer.failed);
    varve_wire_buffer_free(&buffer);
}

/* No memory holds this: the failure is remembered, nothing is read from the bytes that were promised. */
static void more_than_memory_holds_is_a_failure(void **state)
{
    struct varve_wire_buffer buffer = { 0 };

    varve_encode_ping(&buffer, 1);
    size_t whole = buffer.size;

    assert_int_equal(buffer_write(&buffer, "x", SIZE_MAX / 2), -1);
    assert_true(buffer.failed);
    assert_int_equal(buffer.size, whole);
    varve_wire_buffer_free(&buffer);
}

static void values_of_every_kind(void **state)
{
    static const struct varve_uuid nil, id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };
    static const char expected[] = "\x9b\xa0\xc0\xa0\xc4\x00\xc0\xc4\x01x\xc0\xc4\x10\x01\x02\x03\x04\x05\x06\x07\x08"
                                   "\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\xc0\xd0\xdf\xc3";
    struct varve_wire_buffer buffer = { 0 };
    struct pack pack;

    pack_begin(&pack, &buffer, VARVE_OP_ERROR, 1);
    pack_array(&pack, 11);
    pack_str(&pack, varve_view_of(NULL, 0));
    pack_str_or_nil(&pack, varve_view_of(NULL, 0));
    pack_str_or_nil(&pack, varve_view_of("", 0));
    pack_bin(&pack, varve_view_of(NULL, 0));
    pack_bin_or_nil(&pack, varve_view_of(NULL, 0));
    pack_bin_or_nil(&pack, varve_view_of("x", 1));
    pack_uuid_or_nil(&pack, &nil);
    pack_uuid_or_nil(&pack, &id);
    pack_time_or_nil(&pack, VARVE_TIME_NONE);
    pack_time_or_nil(&pack, -33);
    pack_bool(&pack, true);
    pack_end(&pack);

    struct varve_view body = frame_body(&buffer, VARVE_OP_ERROR);

    assert_int_equal(body.size, sizeof(expected) - 1);
    assert_memory_equal(body.data, expected, body.size);
    varve_wire_buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_stand_one_behind_the_other),
        cmocka_unit_test(a_frame_that_fails_is_taken_back),
        cmocka_unit_test(more_than_memory_holds_is_a_failure),
        cmocka_unit_test(values_of_every_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
