/* test_uuid.c - text forms, and what versions 7 and 8 promise. */
#include "support/check.h"
#include "support/random.h"
#include "varve/uuid.h"

static void text_and_bytes_agree(void **state)
{
    struct varve_uuid uuid;
    char text[VARVE_UUID_TEXT];

    assert_true(varve_uuid_parse(varve_view_str("00112233-4455-6677-8899-aabbCCDDeeff"), &uuid));
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(uuid.bytes[i], i * 0x11);
    varve_uuid_format(&uuid, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
}

static void other_forms_are_refused_and_leave_the_result_alone(void **state)
{
    static const char *const cases[] = {
        "", "00112233445566778899aabbccddeeff", "{00112233-4455-6677-8899-aabbccddeeff}",
        "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefff",
        "00112233-4455-6677-8899-aabbccddeefg", "00112233-4455-6677-8899_aabbccddeeff",
        "0011223-34455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef ",
        "urn:uuid:00112233-4455-6677-8899-aabb", "------------------------------------",
    };
    struct varve_uuid uuid, before;

    memset(&uuid, 0x5a, sizeof(uuid));
    before = uuid;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_CASE(!varve_uuid_parse(varve_view_str(cases[i]), &uuid), cases[i]);
        CHECK_CASE(varve_uuid_equal(&uuid, &before), cases[i]);
    }
    assert_false(varve_uuid_parse(varve_view_str(NULL), &uuid));
}

static void random_ids_survive_the_text_form(void **state)
{
    uint64_t seed = 1;

    for (unsigned i = 0; i < 1000; i++) {
        struct varve_uuid uuid, parsed;
        char text[VARVE_UUID_TEXT];
        for (unsigned b = 0; b < 16; b++)
            uuid.bytes[b] = (uint8_t)random_next(&seed);
        varve_uuid_format(&uuid, text);
        assert_true(varve_uuid_parse(varve_view_str(text), &parsed));
        assert_true(varve_uuid_equal(&uuid, &parsed));
    }
}

static void nil_is_all_zero_only(void **state)
{
    struct varve_uuid uuid = { { 0 } };

    assert_true(varve_uuid_is_nil(&uuid));
    for (unsigned i = 0; i < 16; i++) {
        struct varve_uuid other = uuid;
        other.bytes[i] = 1;
        assert_false(varve_uuid_is_nil(&other));
        assert_false(varve_uuid_equal(&other, &uuid));
    }
}

/* The example of RFC 9562, A.6: 2022-02-22T19:22:22.000Z. */
static void version_7_is_that_of_the_rfc(void **state)
{
    static const uint8_t random_bytes[10] = { 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f };
    struct varve_uuid uuid;
    char text[VARVE_UUID_TEXT];

    varve_uuid_v7(INT64_C(1645557742000000), random_bytes, &uuid);
    varve_uuid_format(&uuid, text);
    assert_string_equal(text, "017f22e2-79b0-7000-98c4-dc0c0c07398f");
}

static void version_7_sorts_by_microsecond(void **state)
{
    static const uint8_t high[10] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, low[10];
    struct varve_uuid earlier, later;

    for (int64_t us = INT64_C(1700000000000000) - 2500; us < INT64_C(1700000000000000) + 2500; us++) {
        varve_uuid_v7(us, high, &earlier);
        varve_uuid_v7(us + 1, low, &later);
        assert_true(memcmp(&earlier, &later, sizeof(earlier)) < 0);
        assert_int_equal(earlier.bytes[6] >> 4, 7);
        assert_int_equal(earlier.bytes[8] >> 6, 2);
    }
    varve_uuid_v7(-5, low, &earlier); /* A clock before 1970 gives the first instant, not the last. */
    assert_int_equal(earlier.bytes[0], 0);
}

static void version_8_keeps_all_other_bits(void **state)
{
    uint8_t hash[16];
    struct varve_uuid uuid;

    memset(hash, 0xff, sizeof(hash));
    varve_uuid_v8(hash, &uuid);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(uuid.bytes[i], i == 6 ? 0x8f : i == 8 ? 0xbf : 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_bytes_agree),
        cmocka_unit_test(other_forms_are_refused_and_leave_the_result_alone),
        cmocka_unit_test(random_ids_survive_the_text_form),
        cmocka_unit_test(nil_is_all_zero_only),
        cmocka_unit_test(version_7_is_that_of_the_rfc),
        cmocka_unit_test(version_7_sorts_by_microsecond),
        cmocka_unit_test(version_8_keeps_all_other_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
