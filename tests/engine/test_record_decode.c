/* test_record_decode.c - no damage passes, and nothing passes that the encoder would not have written. */
#include "support/check.h"
#include "support/random.h"
#include "support/sample_event.h"
#include "varve/record.h"

#include <stdlib.h>
#include <xxhash.h>

static void assert_corrupt(const uint8_t *bytes, size_t size)
{
    struct varve_event event, before;

    memset(&event, 0x5a, sizeof(event));
    before = event;
    assert_int_equal(varve_record_decode(bytes, size, &event), VARVE_CORRUPT);
    assert_memory_equal(&event, &before, sizeof(event)); /* Untouched. */
}

static void every_flipped_bit_is_caught(void **state)
{
    struct varve_event event = sample_event_full();
    size_t size;
    uint8_t *bytes = sample_event_encode(&event, &size);

    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(varve_record_verify(bytes, size));
        assert_corrupt(bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(varve_record_verify(bytes, size));
    free(bytes);
}

static void every_other_length_is_caught(void **state)
{
    struct varve_event event = sample_event_full();
    size_t size;
    uint8_t *bytes = sample_event_encode(&event, &size);

    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *tight = malloc(cut == 0 ? 1 : cut);
        memcpy(tight, bytes, cut);
        assert_corrupt(tight, cut);
        free(tight);
    }
    uint8_t *longer = calloc(1, size + 8);
    memcpy(longer, bytes, size);
    for (size_t more = 1; more <= 8; more++)
        assert_corrupt(longer, size + more);
    free(longer);
    free(bytes);
}

/* The checksum can be made by anybody: with a right one, structure alone must hold. */
static uint8_t *resealed(const uint8_t *body, size_t covered)
{
    uint8_t *bytes = malloc(covered + VARVE_RECORD_CHECKSUM);
    uint64_t hash = XXH3_64bits(body, covered);

    memcpy(bytes, body, covered);
    bytes[covered] = 0xcf;
    for (unsigned i = 0; i < 8; i++)
        bytes[covered + 1 + i] = (uint8_t)(hash >> (56 - 8 * i));
    return bytes;
}

static void cut_bodies_with_a_right_checksum_are_caught(void **state)
{
    struct varve_event event = sample_event_full();
    size_t size;
    uint8_t *bytes = sample_event_encode(&event, &size);

    for (size_t covered = 0; covered < size - VARVE_RECORD_CHECKSUM; covered++) {
        uint8_t *sealed = resealed(bytes, covered);
        assert_corrupt(sealed, covered + VARVE_RECORD_CHECKSUM);
        free(sealed);
    }
    uint8_t *sealed = resealed(bytes, size); /* And one with something after data. */
    assert_corrupt(sealed, size + VARVE_RECORD_CHECKSUM);
    free(sealed);
    free(bytes);
}

/* Whatever passes must be what we would have written. */
static void changed_bodies_with_a_right_checksum_are_canonical(void **state)
{
    struct varve_event event = sample_event_full();
    uint64_t seed = 11;
    size_t size, passed = 0;
    uint8_t *bytes = sample_event_encode(&event, &size);

    for (unsigned round = 0; round < 100000; round++) {
        size_t covered = size - VARVE_RECORD_CHECKSUM, again_size;
        uint8_t *body = malloc(covered);
        memcpy(body, bytes, covered);
        for (uint64_t n = 1 + random_below(&seed, 2); n > 0; n--)
            body[random_below(&seed, covered)] = (uint8_t)random_next(&seed);
        uint8_t *sealed = resealed(body, covered);
        struct varve_event decoded;
        if (varve_record_decode(sealed, size, &decoded) == VARVE_OK) {
            uint8_t *again = sample_event_encode(&decoded, &again_size);
            assert_int_equal(again_size, size);
            assert_memory_equal(again, sealed, size);
            free(again);
            passed++;
        }
        free(sealed);
        free(body);
    }
    assert_true(passed > 1000);
    free(bytes);
}

/* Same value, other bytes: each would make two records of one event. */
static void wider_encodings_are_caught(void **state)
{
    static const struct { const char *label, *tail; size_t size; } cases[] = { /* elements 7 to 16 */
        { "control", "\x00\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 11 },
        { "class as uint 8", "\xcc\x00\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 12 },
        { "class 3", "\x03\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 11 },
        { "content type 3", "\x00\x01\xc0\xc0\xc0\xc0\xc0\x03\xc0\xc4\x00", 11 },
        { "schema as uint 8", "\x00\xcc\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 12 },
        { "schema as uint 16", "\x00\xcd\x00\xff\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 13 },
        { "schema of 2^32", "\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 19 },
        { "negative schema", "\x00\xff\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 11 },
        { "time as int 8", "\x00\x01\xd0\xff\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 12 },
        { "positive time as int 16", "\x00\x01\xd1\x7f\xff\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 13 },
        { "time above int64", "\x00\x01\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 19 },
        { "time that means none", "\x00\x01\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xc0\xc0\xc0\xc0\x00\xc0\xc4\x00", 19 },
        { "nil id as bytes", "\x00\x01\xc0\xc4\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xc0\xc0\xc0\x00\xc0\xc4\x00", 28 },
        { "short source as str 8", "\x00\x01\xc0\xc0\xc0\xd9\x01x\xc0\x00\xc0\xc4\x00", 13 },
        { "data as bin 16", "\x00\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc5\x00\x01x", 13 },
        { "data as bin 32", "\x00\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc6\x00\x00\x00\x01x", 15 },
        { "data nil", "\x00\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc0", 10 },
        { "data beyond the end", "\x00\x01\xc0\xc0\xc0\xc0\xc0\x00\xc0\xc6\xff\xff\xff\xff", 14 },
        { "source beyond the end", "\x00\x01\xc0\xc0\xc0\xd9\xffxxxx\xc0\x00\xc0\xc4\x00", 16 },
    };
    struct varve_event event = sample_event_bare(), decoded;
    size_t size;
    uint8_t *bytes = sample_event_encode(&event, &size), body[256];
    size_t fixed = VARVE_RECORD_PREFIX + 3 + 1 + 2 + 1;

    memcpy(body, bytes, fixed);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memcpy(body + fixed, cases[i].tail, cases[i].size);
        size_t covered = fixed + cases[i].size;
        uint8_t *sealed = resealed(body, covered);
        enum varve_status expected = i == 0 ? VARVE_OK : VARVE_CORRUPT;
        CHECK_CASE(varve_record_decode(sealed, covered + VARVE_RECORD_CHECKSUM, &decoded) == expected, cases[i].label);
        free(sealed);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_flipped_bit_is_caught),
        cmocka_unit_test(every_other_length_is_caught),
        cmocka_unit_test(cut_bodies_with_a_right_checksum_are_caught),
        cmocka_unit_test(changed_bodies_with_a_right_checksum_are_canonical),
        cmocka_unit_test(wider_encodings_are_caught),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
