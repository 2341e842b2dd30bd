/* test_text.c - texts that grow, JSON strings and members, base64. */
#include "support/check.h"
#include "support/random.h"
#include "tools/varve/text.h"
#include "varve/json.h"
#include "varve/uuid.h"

static void check_text(const struct text *text, const char *expected)
{
    assert_int_equal(text->size, strlen(expected));
    assert_memory_equal(text_view(text).data, expected, text->size);
}

static void an_object_is_written_member_by_member(void **state)
{
    struct text text = { 0 };
    struct varve_uuid id = { { 0x01, 0x92, [15] = 0xff } };

    text_add_str(&text, "{");
    text_member(&text, "stream", varve_view_str("order-42"));
    text_member_uint(&text, "position", UINT64_MAX);
    text_member_int(&text, "actual", -1);
    text_member_bool(&text, "replayed", false);
    text_member_uuid(&text, "id", &id);
    text_member_time(&text, "time", 0);
    text_add_str(&text, "}");
    check_text(&text, "{\"stream\":\"order-42\",\"position\":18446744073709551615,\"actual\":-1,\"replayed\":false,"
                      "\"id\":\"01920000-0000-0000-0000-0000000000ff\",\"time\":\"1970-01-01T00:00:00.000000Z\"}");
    text_free(&text);
}

static void strings_are_escaped_as_json_demands(void **state)
{
    struct text text = { 0 };
    char all[256];

    text_add_json(&text, varve_view_str("a\"b\\c\nd\te\x01 \xc3\xa4"));
    check_text(&text, "\"a\\\"b\\\\c\\nd\\te\\u0001 \xc3\xa4\"");
    text_clear(&text);
    for (int i = 0; i < 128; i++)
        all[i] = (char)i;
    text_add_json(&text, varve_view_of(all, 128));
    assert_true(varve_json_check(text_view(&text), NULL, NULL));
    text_free(&text);
}

static void an_empty_text_has_an_empty_view(void **state)
{
    struct text text = { 0 };

    assert_int_equal(text_view(&text).size, 0);
    assert_non_null(text_view(&text).data);
    text_add_json(&text, varve_view_of("", 0));
    check_text(&text, "\"\"");
    text_free(&text);
}

static void long_texts_are_whole(void **state)
{
    struct text text = { 0 };

    for (unsigned i = 0; i < 100000; i++)
        text_printf(&text, "%u,", i % 10);
    assert_int_equal(text.size, 200000);
    assert_int_equal(text.bytes[199998], '9');
    text_free(&text);
}

static void base64_follows_the_vectors_of_rfc_4648(void **state)
{
    static const struct { const char *bytes, *text; } cases[] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text text = { 0 };
        uint8_t back[16];
        size_t size = 99;

        text_add_base64(&text, varve_view_str(cases[i].bytes));
        CHECK_CASE(text.size == strlen(cases[i].text) + 2, cases[i].text);
        CHECK_CASE(memcmp(text.bytes + 1, cases[i].text, text.size - 2) == 0, cases[i].text);
        CHECK_CASE(base64_decode(varve_view_str(cases[i].text), back, &size), cases[i].text);
        CHECK_CASE(size == strlen(cases[i].bytes) && memcmp(back, cases[i].bytes, size) == 0, cases[i].text);
        text_free(&text);
    }
}

static void what_is_not_base64_is_refused(void **state)
{
    static const char *const cases[] = {
        "Z", "Zg", "Zg=", "Zg=a", "=Zg=", "Z===", "====", "Zm9v Zg==", "Zm9v\nZg=", "Zm8*", "Zh==", "Zm9=", "Zg==Zg==",
        "Zm9-", "Zm9_",
    };
    uint8_t back[16];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t size;
        CHECK_CASE(!base64_decode(varve_view_str(cases[i]), back, &size), cases[i]);
    }
}

static void random_bytes_survive_base64(void **state)
{
    uint64_t seed = 3;

    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[100], back[104];
        size_t size = random_below(&seed, sizeof(bytes)), again;
        struct text text = { 0 };

        for (size_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)random_next(&seed);
        text_add_base64(&text, varve_view_of((const char *)bytes, size));
        assert_true(base64_decode(varve_view_of(text.bytes + 1, text.size - 2), back, &again));
        assert_int_equal(again, size);
        assert_memory_equal(back, bytes, size);
        text_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_written_member_by_member),
        cmocka_unit_test(strings_are_escaped_as_json_demands),
        cmocka_unit_test(an_empty_text_has_an_empty_view),
        cmocka_unit_test(long_texts_are_whole),
        cmocka_unit_test(base64_follows_the_vectors_of_rfc_4648),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(random_bytes_survive_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
