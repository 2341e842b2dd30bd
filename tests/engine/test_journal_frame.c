/* test_journal_frame.c - a frame verifies when it is what was written, where it was written, and not otherwise. */
#include "engine/journal_frame.h"
#include "tests/support/check.h"

#include <stdlib.h>

#define SEED 99u
#define BODY 27u /* records of 0, 5 and 10 bytes */

static void make(uint8_t frame[JOURNAL_BLOCK], struct frame_header *ret_header)
{
    static const uint8_t body[BODY] = { 0, 0, 0, 0, 5, 0, 0, 0, 'h', 'e', 'l', 'l', 'o',
                                        10, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
    *ret_header = (struct frame_header){ .segment = 7, .first_position = 12, .prev_hash = 13, .count = 3,
                                         .body_bytes = BODY };
    memset(frame, 0, JOURNAL_BLOCK);
    memcpy(frame + FRAME_HEADER_BYTES, body, BODY);
    ret_header->hash = frame_finish(frame, ret_header, SEED);
}

static bool sound(const uint8_t *frame, uint64_t seed, uint64_t segment)
{
    struct frame_header header;
    return frame_parse(frame, seed, segment, &header) && header.body_bytes <= JOURNAL_BLOCK - FRAME_HEADER_BYTES &&
           frame_verify(frame, &header, seed);
}

static void test_round_trip(void **state)
{
    uint8_t frame[JOURNAL_BLOCK];
    struct frame_header written, read;
    uint32_t cursor = 0, size;

    make(frame, &written);
    assert_true(frame_parse(frame, SEED, 7, &read));
    assert_true(read.hash == written.hash && read.segment == 7 && read.first_position == 12 && read.prev_hash == 13 &&
                read.count == 3 && read.body_bytes == BODY && !read.seal);
    assert_true(frame_verify(frame, &read, SEED));
    frame_next_record(frame + FRAME_HEADER_BYTES, &cursor, &size);
    assert_int_equal(size, 0);
    assert_memory_equal(frame_next_record(frame + FRAME_HEADER_BYTES, &cursor, &size), "hello", 5);
    assert_int_equal(size, 5);
    assert_int_equal(frame_next_record(frame + FRAME_HEADER_BYTES, &cursor, &size)[9], 9);
    assert_int_equal(cursor, BODY);
}

static void test_every_flipped_bit_is_noticed(void **state)
{
    uint8_t frame[JOURNAL_BLOCK];
    struct frame_header header;

    make(frame, &header);
    for (unsigned bit = 0; bit < 8 * (FRAME_HEADER_BYTES + BODY); bit++) {
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(sound(frame, SEED, 7));
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    frame[FRAME_HEADER_BYTES + BODY] = 1; /* Padding says nothing. */
    assert_true(sound(frame, SEED, 7));
}

static void test_a_frame_belongs_to_its_store_and_segment(void **state)
{
    uint8_t frame[JOURNAL_BLOCK];
    struct frame_header header;

    make(frame, &header);
    assert_true(sound(frame, SEED, 7));
    assert_false(sound(frame, SEED + 1, 7));
    assert_false(sound(frame, SEED, 8));
}

static void test_headers_that_make_no_sense(void **state)
{
    static const struct {
        const char *label;
        struct frame_header header;
        bool parses;
    } cases[] = {
        { "records", { .segment = 7, .first_position = 1, .count = 2, .body_bytes = 8 }, true },
        { "a seal", { .segment = 7, .first_position = 1, .seal = true }, true },
        { "position 0", { .segment = 7, .count = 2, .body_bytes = 8 }, false },
        { "no records, no seal", { .segment = 7, .first_position = 1 }, false },
        { "a body too small", { .segment = 7, .first_position = 1, .count = 3, .body_bytes = 11 }, false },
        { "a huge count", { .segment = 7, .first_position = 1, .count = UINT32_MAX, .body_bytes = 8 }, false },
        { "a seal with records", { .segment = 7, .first_position = 1, .count = 1, .seal = true }, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t frame[JOURNAL_BLOCK] = { 0 };
        struct frame_header header;
        frame_finish(frame, &cases[i].header, SEED);
        CHECK_CASE(frame_parse(frame, SEED, 7, &header) == cases[i].parses, cases[i].label);
    }
}

/* Well hashed, yet the sizes inside do not add up. */
static void test_sizes_must_add_up(void **state)
{
    static const struct {
        const char *label;
        uint32_t count, sizes[3];
        uint32_t body_bytes;
        bool sound;
    } cases[] = {
        { "three of four bytes", 3, { 4, 4, 4 }, 24, true },
        { "one runs over", 3, { 4, 4, 5 }, 24, false },
        { "one ends early", 3, { 4, 4, 3 }, 24, false },
        { "a size of 4 GiB", 3, { UINT32_MAX, 4, 4 }, 24, false },
        { "a size cut off", 2, { 10, 0, 0 }, 16, false },
        { "fewer than counted", 3, { 16, 0, 0 }, 20, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t frame[JOURNAL_BLOCK] = { 0 };
        for (uint32_t j = 0; j < 3; j++)
            memcpy(frame + FRAME_HEADER_BYTES + 8 * j, &cases[i].sizes[j], 4);
        struct frame_header header = { .segment = 7, .first_position = 1, .count = cases[i].count,
                                       .body_bytes = cases[i].body_bytes };
        header.hash = frame_finish(frame, &header, SEED);
        CHECK_CASE(frame_verify(frame, &header, SEED) == cases[i].sound, cases[i].label);
    }
}

static void test_file_bytes(void **state)
{
    assert_int_equal(frame_file_bytes(0), 4096);
    assert_int_equal(frame_file_bytes(4096 - 64), 4096);
    assert_int_equal(frame_file_bytes(4096 - 63), 8192);
    assert_true(frame_file_bytes(UINT32_MAX) == UINT64_C(4294971392));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_flipped_bit_is_noticed),
        cmocka_unit_test(test_a_frame_belongs_to_its_store_and_segment),
        cmocka_unit_test(test_headers_that_make_no_sense),
        cmocka_unit_test(test_sizes_must_add_up),
        cmocka_unit_test(test_file_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
