/* test_pull.c - each form of each value, each edge of each bound, with msgpack-c as a second opinion. */
#include "support/check.h"
#include "support/random.h"
#include "varve/pull.h"

#include <msgpack.h>
#include <stdlib.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static struct varve_pull pull_of(const char *bytes, size_t size)
{
    struct varve_pull pull;

    varve_pull_init(&pull, bytes, size);
    return pull;
}

static void whole_numbers_of_every_width(void **state)
{
    static const struct { const char *bytes; size_t size; bool negative; uint64_t number; } cases[] = {
        { BYTES("\x00"), false, 0 },
        { BYTES("\x7f"), false, 127 },
        { BYTES("\xcc\xff"), false, 255 },
        { BYTES("\xcc\x01"), false, 1 }, /* Wider than needed is fine here. */
        { BYTES("\xcd\xff\xfe"), false, 65534 },
        { BYTES("\xce\xff\xff\xff\xfe"), false, 4294967294u },
        { BYTES("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"), false, INT64_MAX },
        { BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), false, UINT64_MAX },
        { BYTES("\xff"), true, (uint64_t)-1 },
        { BYTES("\xe0"), true, (uint64_t)-32 },
        { BYTES("\xd0\x80"), true, (uint64_t)-128 },
        { BYTES("\xd0\x05"), false, 5 },
        { BYTES("\xd1\x80\x00"), true, (uint64_t)-32768 },
        { BYTES("\xd2\x80\x00\x00\x00"), true, (uint64_t)INT32_MIN },
        { BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), true, (uint64_t)INT64_MIN },
        { BYTES("\xd3\x00\x00\x00\x00\x00\x00\x00\x07"), false, 7 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_pull as_uint = pull_of(cases[i].bytes, cases[i].size), as_int = as_uint;
        assert_int_equal(varve_pull_peek(&as_uint), VARVE_PULL_INT);
        assert_true(varve_pull_uint(&as_uint, UINT64_MAX) == (cases[i].negative ? 0 : cases[i].number));
        assert_int_equal(as_uint.failed, cases[i].negative);
        bool fits = cases[i].negative || cases[i].number <= INT64_MAX;
        assert_true(varve_pull_int(&as_int) == (fits ? (int64_t)cases[i].number : 0));
        assert_int_equal(varve_pull_done(&as_int), fits);
    }
}

static void a_bound_is_inclusive(void **state)
{
    struct varve_pull pull = pull_of(BYTES("\x05\x05"));

    assert_int_equal(varve_pull_uint(&pull, 5), 5);
    assert_int_equal(varve_pull_uint(&pull, 4), 0);
    assert_true(pull.failed);
}

static void texts_bytes_and_words(void **state)
{
    struct varve_pull pull = pull_of(BYTES("\xa3""abc" "\xa0" "\xd9\x01x" "\xda\x00\x01y" "\xdb\x00\x00\x00\x01z"
                                           "\xc4\x02" "ab" "\xc4\x00" "\xc5\x00\x01q" "\xc6\x00\x00\x00\x01r"
                                           "\xc0\xc0\xc2\xc3\xc0"));
    struct varve_view view;

    assert_true(varve_view_equal(varve_pull_str(&pull), varve_view_str("abc")));
    view = varve_pull_str(&pull);
    assert_true(view.data != NULL && view.size == 0);
    assert_true(varve_view_equal(varve_pull_str(&pull), varve_view_str("x")));
    assert_true(varve_view_equal(varve_pull_str_or_nil(&pull), varve_view_str("y")));
    assert_true(varve_view_equal(varve_pull_str(&pull), varve_view_str("z")));
    assert_true(varve_view_equal(varve_pull_bin(&pull), varve_view_str("ab")));
    view = varve_pull_bin_or_nil(&pull);
    assert_true(view.data != NULL && view.size == 0);
    assert_true(varve_view_equal(varve_pull_bin(&pull), varve_view_str("q")));
    assert_true(varve_view_equal(varve_pull_bin(&pull), varve_view_str("r")));
    assert_null(varve_pull_str_or_nil(&pull).data);
    assert_null(varve_pull_bin_or_nil(&pull).data);
    assert_false(varve_pull_bool(&pull));
    assert_true(varve_pull_bool(&pull));
    assert_false(varve_pull_done(&pull));
    assert_true(varve_pull_nil(&pull));
    assert_true(varve_pull_done(&pull));
    assert_false(varve_pull_nil(&pull)); /* The end is no nil, and asking is no failure. */
    assert_true(varve_pull_done(&pull));
}

static void counts_are_covered_by_bytes(void **state)
{
    static const struct { const char *label, *bytes; size_t size; bool map; uint32_t count; bool fails; } cases[] = {
        { "fixarray", BYTES("\x92\x01\x02"), false, 2, false },
        { "array 16", BYTES("\xdc\x00\x02\x01\x02"), false, 2, false },
        { "array 32", BYTES("\xdd\x00\x00\x00\x02\x01\x02"), false, 2, false },
        { "empty array", BYTES("\x90"), false, 0, false },
        { "fixmap", BYTES("\x81\x01\x02"), true, 1, false },
        { "map 16", BYTES("\xde\x00\x01\x01\x02"), true, 1, false },
        { "map 32", BYTES("\xdf\x00\x00\x00\x01\x01\x02"), true, 1, false },
        { "array of too many", BYTES("\x93\x01\x02"), false, 0, true },
        { "array of 4 billion", BYTES("\xdd\xff\xff\xff\xff\x01"), false, 0, true },
        { "map of too many", BYTES("\x82\x01\x02\x03"), true, 0, true },
        { "map of 4 billion", BYTES("\xdf\xff\xff\xff\xff\x01"), true, 0, true },
        { "cut count", BYTES("\xdc\x00"), false, 0, true },
        { "a map is no array", BYTES("\x80"), false, 0, true },
        { "an array is no map", BYTES("\x90"), true, 0, true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_pull pull = pull_of(cases[i].bytes, cases[i].size);
        uint32_t count = cases[i].map ? varve_pull_map(&pull) : varve_pull_array(&pull);
        CHECK_CASE(count == cases[i].count, cases[i].label);
        CHECK_CASE(pull.failed == cases[i].fails, cases[i].label);
    }
}

static void after_a_failure_all_is_zero(void **state)
{
    struct varve_pull pull = pull_of(BYTES("\xa1x\x05\xc3\xc0\x91\x00"));
    struct varve_uuid uuid = { { 1 } };

    assert_int_equal(varve_pull_uint(&pull, 9), 0); /* It is a str. */
    assert_true(pull.failed);
    assert_int_equal(varve_pull_peek(&pull), VARVE_PULL_BAD);
    assert_null(varve_pull_str(&pull).data);
    assert_null(varve_pull_bin(&pull).data);
    assert_null(varve_pull_str_or_nil(&pull).data);
    assert_null(varve_pull_bin_or_nil(&pull).data);
    assert_int_equal(varve_pull_int(&pull), 0);
    assert_int_equal(varve_pull_array(&pull), 0);
    assert_int_equal(varve_pull_map(&pull), 0);
    assert_false(varve_pull_bool(&pull));
    assert_false(varve_pull_nil(&pull));
    varve_pull_uuid_or_nil(&pull, &uuid);
    assert_int_equal(uuid.bytes[0], 0);
    varve_pull_skip(&pull);
    assert_false(varve_pull_done(&pull));
    assert_true(pull.at == (const uint8_t *)pull.end - 7); /* And nothing was consumed. */
}

static void ids_are_16_bytes_or_nil(void **state)
{
    static const char id[] = "\xc4\x10""0123456789abcdef\xc0";
    static const struct { const char *label, *bytes; size_t size; } bad[] = {
        { "15 bytes", BYTES("\xc4\x0f""0123456789abcde") },
        { "17 bytes", BYTES("\xc4\x11""0123456789abcdefg") },
        { "all zero", BYTES("\xc4\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
        { "a str", BYTES("\xb0""0123456789abcdef") },
        { "nothing", "", 0 },
    };
    struct varve_pull pull = pull_of(id, sizeof(id) - 1);
    struct varve_uuid uuid;

    varve_pull_uuid_or_nil(&pull, &uuid);
    assert_memory_equal(uuid.bytes, "0123456789abcdef", 16);
    varve_pull_uuid_or_nil(&pull, &uuid);
    assert_int_equal(uuid.bytes[0], 0);
    assert_true(varve_pull_done(&pull));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        pull = pull_of(bad[i].bytes, bad[i].size);
        varve_pull_uuid_or_nil(&pull, &uuid);
        CHECK_CASE(pull.failed && uuid.bytes[0] == 0, bad[i].label);
    }
}

/* What a kind is, by the words of the specification. */
static enum varve_pull_kind specified_kind(unsigned first)
{
    if (first <= 0x7f || first >= 0xe0 || (first >= 0xcc && first <= 0xd3))
        return VARVE_PULL_INT;
    if (first <= 0x8f || first == 0xde || first == 0xdf)
        return VARVE_PULL_MAP;
    if (first <= 0x9f || first == 0xdc || first == 0xdd)
        return VARVE_PULL_ARRAY;
    if (first <= 0xbf || (first >= 0xd9 && first <= 0xdb))
        return VARVE_PULL_STR;
    if (first == 0xc0)
        return VARVE_PULL_NIL;
    if (first == 0xc1)
        return VARVE_PULL_BAD;
    if (first <= 0xc3)
        return VARVE_PULL_BOOL;
    if (first <= 0xc6)
        return VARVE_PULL_BIN;
    if (first == 0xca || first == 0xcb)
        return VARVE_PULL_FLOAT;
    return VARVE_PULL_EXT;
}

static void every_first_byte_has_its_kind(void **state)
{
    for (unsigned first = 0; first < 256; first++) {
        char byte = (char)first;
        struct varve_pull pull = pull_of(&byte, 1);
        assert_int_equal(varve_pull_peek(&pull), specified_kind(first));
    }
    struct varve_pull pull = pull_of(NULL, 0);
    assert_int_equal(varve_pull_peek(&pull), VARVE_PULL_END);
}

static void skip_passes_one_whole_value(void **state)
{
    static const struct { const char *label, *bytes; size_t size; } cases[] = {
        { "int", BYTES("\x01") }, { "nil", BYTES("\xc0") }, { "bool", BYTES("\xc3") },
        { "float 32", BYTES("\xca....") }, { "float 64", BYTES("\xcb........") },
        { "str", BYTES("\xa2hi") }, { "bin", BYTES("\xc4\x02hi") },
        { "fixext 1", BYTES("\xd4t.") }, { "fixext 2", BYTES("\xd5t..") }, { "fixext 4", BYTES("\xd6t....") },
        { "fixext 8", BYTES("\xd7t........") }, { "fixext 16", BYTES("\xd8t................") },
        { "ext 8", BYTES("\xc7\x03t...") }, { "ext 16", BYTES("\xc8\x00\x01t.") },
        { "ext 32", BYTES("\xc9\x00\x00\x00\x00t") },
        { "nested", BYTES("\x93\x91\x90\x81\xa1k\x92\x01\x02\xc0") },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char bytes[64];
        memcpy(bytes, cases[i].bytes, cases[i].size);
        bytes[cases[i].size] = 0x2a;
        struct varve_pull pull = pull_of(bytes, cases[i].size + 1);
        varve_pull_skip(&pull);
        CHECK_CASE(varve_pull_uint(&pull, 99) == 0x2a && varve_pull_done(&pull), cases[i].label);
        CHECK_CASE(varve_msgpack_check(cases[i].bytes, cases[i].size, 8), cases[i].label);
        for (size_t size = 0; size < cases[i].size; size++) {
            pull = pull_of(cases[i].bytes, size);
            varve_pull_skip(&pull);
            CHECK_CASE(pull.failed && !varve_msgpack_check(cases[i].bytes, size, 8), cases[i].label);
        }
        CHECK_CASE(!varve_msgpack_check(bytes, cases[i].size + 1, 8), cases[i].label);
    }
}

static void depth_is_bounded(void **state)
{
    static uint8_t bytes[1 << 20];

    memset(bytes, 0x91, sizeof(bytes));
    for (unsigned depth = 0; depth < 140; depth++) {
        bytes[depth] = 0xc0;
        assert_true(varve_msgpack_check(bytes, depth + 1, depth) == (depth <= VARVE_MSGPACK_MAX_DEPTH));
        assert_false(depth > 0 && varve_msgpack_check(bytes, depth + 1, depth - 1));
        bytes[depth] = 0x91;
    }
    assert_false(varve_msgpack_check(bytes, sizeof(bytes), UINT32_MAX));
    struct varve_pull pull = pull_of((char *)bytes, sizeof(bytes));
    varve_pull_skip(&pull); /* A million arrays that are never filled. */
    assert_true(pull.failed);
    assert_true(varve_msgpack_check("\x92\x91\x01\x91\x02", 5, 2)); /* Depth is not the number of arrays. */
}

static bool msgpack_c_accepts(const uint8_t *bytes, size_t size)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;

    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return result = msgpack_unpack_next(&unpacked, (const char *)bytes, size, &offset);
    msgpack_unpacked_destroy(&unpacked);
    return result == MSGPACK_UNPACK_SUCCESS && offset == size;
}

/* Small first bytes are preferred, so that many inputs are whole values. Counts of 2^16 and more are left out: those
 * msgpack-c takes memory for before it looks. */
static void random_bytes_are_judged_as_msgpack_c_does(void **state)
{
    uint64_t seed = 42;
    unsigned accepted = 0;

    for (unsigned round = 0; round < 200000; round++) {
        uint8_t bytes[12];
        size_t size = 1 + random_below(&seed, sizeof(bytes));
        for (size_t i = 0; i < size; i++) {
            bytes[i] = (uint8_t)(random_below(&seed, 3) ? random_below(&seed, 4) + 0x80 * (random_next(&seed) & 1) +
                                                              0x10 * random_below(&seed, 2)
                                                        : random_next(&seed));
            if (bytes[i] == 0xdd || bytes[i] == 0xdf)
                bytes[i] = 0x90;
        }
        uint8_t *tight = malloc(size);
        memcpy(tight, bytes, size);
        bool ours = varve_msgpack_check(tight, size, VARVE_MSGPACK_MAX_DEPTH);
        struct varve_pull pull = pull_of((char *)tight, size);
        varve_pull_skip(&pull);
        assert_int_equal(ours, varve_pull_done(&pull));
        assert_int_equal(ours, msgpack_c_accepts(tight, size));
        accepted += ours;
        free(tight);
    }
    assert_true(accepted > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_of_every_width),
        cmocka_unit_test(a_bound_is_inclusive),
        cmocka_unit_test(texts_bytes_and_words),
        cmocka_unit_test(counts_are_covered_by_bytes),
        cmocka_unit_test(after_a_failure_all_is_zero),
        cmocka_unit_test(ids_are_16_bytes_or_nil),
        cmocka_unit_test(every_first_byte_has_its_kind),
        cmocka_unit_test(skip_passes_one_whole_value),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(random_bytes_are_judged_as_msgpack_c_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
