/* test_msgpack_json.c - each kind of msgpack value as JSON, and that what comes out is always JSON. */
#include <stdlib.h>

#include "server/wire/event_json_parts.h"
#include "support/check.h"
#include "support/random.h"
#include "varve/json.h"
#include "varve/pull.h"

#define BYTES(text) { text, sizeof(text) - 1 }

static void each_kind_has_its_json(void **state)
{
    static const struct { struct varve_view bytes; const char *json; } cases[] = {
        { BYTES("\xc0"), "null" }, { BYTES("\xc2"), "false" }, { BYTES("\xc3"), "true" },
        { BYTES("\x00"), "0" }, { BYTES("\x7f"), "127" }, { BYTES("\xff"), "-1" }, { BYTES("\xe0"), "-32" },
        { BYTES("\xcc\xff"), "255" }, { BYTES("\xd0\x80"), "-128" }, { BYTES("\xd1\x00\x05"), "5" },
        { BYTES("\xcf\x00\x20\x00\x00\x00\x00\x00\x00"), "9007199254740992" },
        { BYTES("\xcf\x00\x20\x00\x00\x00\x00\x00\x01"), "\"9007199254740993\"" },
        { BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "\"18446744073709551615\"" },
        { BYTES("\xd3\xff\xe0\x00\x00\x00\x00\x00\x00"), "-9007199254740992" },
        { BYTES("\xd3\xff\xdf\xff\xff\xff\xff\xff\xff"), "\"-9007199254740993\"" },
        { BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "\"-9223372036854775808\"" },
        { BYTES("\xca\x3d\xcc\xcc\xcd"), "0.1" }, { BYTES("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "0.1" },
        { BYTES("\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c"), "1e+300" },
        { BYTES("\xcb\x40\x14\x00\x00\x00\x00\x00\x00"), "5" },
        { BYTES("\xcb\x3f\xd5\x55\x55\x55\x55\x55\x55"), "0.3333333333333333" },
        { BYTES("\xca\x7f\x80\x00\x00"), "\"Infinity\"" }, { BYTES("\xca\xff\x80\x00\x00"), "\"-Infinity\"" },
        { BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "\"NaN\"" },
        { BYTES("\xa4k\xc3\xa4\n"), "\"k\xc3\xa4\\n\"" }, { BYTES("\xa2\xc3("), "\"wyg=\"" },
        { BYTES("\xd9\x01x"), "\"x\"" }, { BYTES("\xa0"), "\"\"" },
        { BYTES("\xc4\x01" "f"), "\"Zg==\"" }, { BYTES("\xc4\x00"), "\"\"" },
        { BYTES("\x90"), "[]" }, { BYTES("\x93\x01\x90\xa1" "a"), "[1,[],\"a\"]" },
        { BYTES("\xdc\x00\x01\xc0"), "[null]" },
        { BYTES("\x80"), "{}" }, { BYTES("\x82\xa1" "a\x01\xa1" "b\x80"), "{\"a\":1,\"b\":{}}" },
        { BYTES("\x84\x05\x01\xc0\x02\xc3\x03\xff\x04"), "{\"5\":1,\"null\":2,\"true\":3,\"-1\":4}" },
        { BYTES("\x81\xc4\x01" "f\x01"), "{\"xAFm\":1}" },
        { BYTES("\xd4\x05" "f"), "{\"type\":5,\"data\":\"Zg==\"}" },
        { BYTES("\xd6\xff\x00\x00\x00\x00"), "{\"type\":-1,\"data\":\"AAAAAA==\"}" },
        { BYTES("\xc7\x01\x05" "f"), "{\"type\":5,\"data\":\"Zg==\"}" },
        { BYTES("\xc8\x00\x01\x05" "f"), "{\"type\":5,\"data\":\"Zg==\"}" },
        { BYTES("\xc9\x00\x00\x00\x00\x05"), "{\"type\":5,\"data\":\"\"}" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_wire_buffer out = { 0 };

        CHECK_CASE(msgpack_to_json(&out, cases[i].bytes), cases[i].json);
        CHECK_CASE(out.size == strlen(cases[i].json) && memcmp(out.bytes, cases[i].json, out.size) == 0,
                   cases[i].json);
        varve_wire_buffer_free(&out);
    }
}

static void what_is_not_msgpack_is_refused(void **state)
{
    static const struct varve_view cases[] = { BYTES(""), BYTES("\xc1"), BYTES("\xa2x"), BYTES("\x00\x00") };
    struct varve_wire_buffer out = { 0 };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_false(msgpack_to_json(&out, cases[i]));
    assert_int_equal(out.size, 0);
}

static void the_deepest_is_written(void **state)
{
    struct varve_wire_buffer out = { 0 };
    char deep[VARVE_MSGPACK_MAX_DEPTH + 1];

    memset(deep, '\x91', VARVE_MSGPACK_MAX_DEPTH);
    deep[VARVE_MSGPACK_MAX_DEPTH] = '\x07';
    assert_true(msgpack_to_json(&out, varve_view_of(deep, sizeof(deep))));
    assert_int_equal(out.size, 2 * VARVE_MSGPACK_MAX_DEPTH + 1);
    varve_wire_buffer_free(&out);
}

static void what_comes_out_is_always_json(void **state)
{
    struct varve_wire_buffer out = { 0 };
    uint64_t seed = 5;
    unsigned written = 0;

    for (unsigned i = 0; i < 300000; i++) {
        char bytes[24];
        size_t size = 1 + random_below(&seed, sizeof(bytes));

        for (size_t b = 0; b < size; b++)
            bytes[b] = (char)(random_below(&seed, 3) == 0 ? 0x80 + random_below(&seed, 0x60) : random_next(&seed));
        out.size = 0;
        if (!msgpack_to_json(&out, varve_view_of(bytes, size)))
            continue;
        written++;
        assert_true(varve_json_check(varve_view_of((const char *)out.bytes, out.size), NULL, NULL));
    }
    assert_true(written > 1000);
    varve_wire_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_json),
        cmocka_unit_test(what_is_not_msgpack_is_refused),
        cmocka_unit_test(the_deepest_is_written),
        cmocka_unit_test(what_comes_out_is_always_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
