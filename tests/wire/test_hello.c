/* test_hello.c - what the vectors of HELLO do not say: more capabilities than are kept, bodies that say nothing. */
#include "frame_body.h"

static void capabilities_beyond_those_kept_are_passed_over(void **state)
{
    struct varve_hello_ok hello = { .version = 1, .server_version = varve_view_str("0"), .database_id = { { 1 } },
                                    .max_frame_bytes = 1, .max_event_bytes = 1, .max_append_bytes = 1,
                                    .max_append_events = 1, .max_requests = 1, .max_credit_bytes = 1,
                                    .capability_count = 32, .last_position = UINT64_MAX };
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned i = 0; i < 32; i++)
        hello.capabilities[i] = varve_view_str(i % 2 ? "odd" : "even");
    varve_encode_hello_ok(&buffer, 1, &hello);

    /* One more: the array of 32 (dc 00 20) becomes one of 33. */
    uint8_t *count = memmem(buffer.bytes, buffer.size, "\xdc\x00\x20", 3);
    uint8_t longer[512];
    size_t head = (size_t)(count - buffer.bytes) + 3;

    assert_non_null(count);
    assert_true(buffer.size + 1 < sizeof(longer));
    memcpy(longer, buffer.bytes, head);
    longer[head - 1] = 33;
    longer[head] = 0xa0;
    memcpy(longer + head + 1, buffer.bytes + head, buffer.size - head);

    struct varve_hello_ok decoded;
    struct varve_view body = { (char *)longer + VARVE_WIRE_HEADER, buffer.size + 1 - VARVE_WIRE_HEADER };

    assert_int_equal(varve_decode_hello_ok(body, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.capability_count, 32);
    assert_int_equal(decoded.capabilities[0].size, 0);
    assert_true(varve_view_equal(decoded.capabilities[31], varve_view_str("even")));
    assert_true(decoded.last_position == UINT64_MAX);
    varve_wire_buffer_free(&buffer);
}

static void a_failure_leaves_the_result_alone(void **state)
{
    struct varve_hello hello = { .min_version = 77 };
    int64_t now_us = 77;
    uint64_t last_position = 77;

    assert_int_equal(varve_decode_hello(varve_view_of("\x94\x01\x01\xa0", 4), &hello, NULL), VARVE_PROTOCOL);
    assert_int_equal(hello.min_version, 77);
    assert_int_equal(varve_decode_pong(varve_view_of("\x92\x01\xff", 3), &now_us, &last_position, NULL),
                     VARVE_INVALID_ARGUMENT);
    assert_int_equal(now_us, 77);
    assert_int_equal(last_position, 77);
}

static void a_body_that_says_nothing_is_still_a_body(void **state)
{
    static const uint8_t opcodes[] = { VARVE_OP_PING, VARVE_OP_CANCEL, VARVE_OP_STATS };

    for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
        struct varve_error error;

        assert_int_equal(varve_decode_empty(varve_view_of("\x90", 1), opcodes[i], &error), VARVE_OK);
        assert_int_equal(varve_decode_empty(varve_view_of("", 0), opcodes[i], &error), VARVE_PROTOCOL);
        assert_memory_equal(error.message, varve_opcode_name(opcodes[i]), strlen(varve_opcode_name(opcodes[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_beyond_those_kept_are_passed_over),
        cmocka_unit_test(a_failure_leaves_the_result_alone),
        cmocka_unit_test(a_body_that_says_nothing_is_still_a_body),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
