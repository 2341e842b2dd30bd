/* test_frame.c - the header of a frame, bit by bit, and the names of opcodes. */
#include "support/check.h"
#include "varve/wire.h"

static const struct varve_frame ping = { VARVE_WIRE_VERSION, VARVE_OP_PING, 0, 0x01020304, 0xa1b2c3d4 };

static void numbers_stand_where_the_document_says(void **state)
{
    static const uint8_t expected[VARVE_WIRE_HEADER] = { 'V', 0xa6, 1,    2,    0,    0,    0,    0,
                                                         1,   2,    3,    4,    0xa1, 0xb2, 0xc3, 0xd4 };
    uint8_t header[VARVE_WIRE_HEADER];
    struct varve_frame frame;

    varve_frame_encode(&ping, header);
    assert_memory_equal(header, expected, sizeof(expected));
    assert_int_equal(varve_frame_decode(header, UINT32_MAX, &frame, NULL), VARVE_OK);
    assert_memory_equal(&frame, &ping, sizeof(frame));
}

/* One bit of the first eight bytes after the other: only the version and the opcode may change. */
static void every_flipped_bit_is_seen(void **state)
{
    uint8_t header[VARVE_WIRE_HEADER];

    for (unsigned bit = 0; bit < 64; bit++) {
        struct varve_frame frame = { 0 };
        struct varve_error error = { 0 };
        unsigned byte = bit / 8;

        varve_frame_encode(&ping, header);
        header[byte] ^= (uint8_t)(1 << bit % 8);
        enum varve_status status = varve_frame_decode(header, UINT32_MAX, &frame, &error);

        if (byte == 2) {
            assert_int_equal(status, VARVE_OK);
            assert_int_not_equal(frame.version, VARVE_WIRE_VERSION);
        } else if (byte == 3) {
            assert_int_equal(status, VARVE_OK);
            assert_int_not_equal(frame.opcode, VARVE_OP_PING);
        } else {
            assert_int_equal(status, VARVE_PROTOCOL);
            assert_int_equal(frame.version, 0); /* Untouched. */
            assert_true(error.message[0] != '\0');
        }
    }
}

static void flags_of_a_later_version_are_its_own_affair(void **state)
{
    struct varve_frame later = { 2, VARVE_OP_HELLO, 0x8001, 0, 1 }, frame;
    uint8_t header[VARVE_WIRE_HEADER];

    varve_frame_encode(&later, header);
    assert_int_equal(varve_frame_decode(header, 0, &frame, NULL), VARVE_OK);
    assert_int_equal(frame.version, 2);
    assert_int_equal(frame.flags, 0x8001);
}

static void a_length_is_held_against_the_limit(void **state)
{
    static const struct { uint32_t length, limit; bool taken; } cases[] = {
        { 0, 0, true },       { 1, 0, false },
        { 1024, 1024, true }, { 1025, 1024, false },
        { VARVE_WIRE_MAX_FRAME, VARVE_WIRE_MAX_FRAME, true },
        { VARVE_WIRE_MAX_FRAME + 1, VARVE_WIRE_MAX_FRAME, false },
        { UINT32_MAX, VARVE_WIRE_MAX_FRAME, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct varve_frame frame = { .version = 1, .opcode = VARVE_OP_APPEND, .length = cases[i].length };
        struct varve_frame decoded;
        uint8_t header[VARVE_WIRE_HEADER];

        varve_frame_encode(&frame, header);
        assert_int_equal(varve_frame_decode(header, cases[i].limit, &decoded, NULL),
                         cases[i].taken ? VARVE_OK : VARVE_PROTOCOL);
    }
}

static void every_opcode_has_a_name_of_its_own(void **state)
{
    unsigned named = 0;

    for (unsigned a = 0; a < 256; a++) {
        const char *name = varve_opcode_name((uint8_t)a);

        if (strcmp(name, "?") == 0)
            continue;
        named++;
        for (unsigned b = 0; b < a; b++)
            assert_string_not_equal(name, varve_opcode_name((uint8_t)b));
    }
    assert_int_equal(named, 84);
    assert_string_equal(varve_opcode_name(VARVE_OP_STREAM_CHANGE_OK), "STREAM_CHANGE_OK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_where_the_document_says),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(flags_of_a_later_version_are_its_own_affair),
        cmocka_unit_test(a_length_is_held_against_the_limit),
        cmocka_unit_test(every_opcode_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
