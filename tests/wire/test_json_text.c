/* test_json_text.c - JSON written byte by byte, as jansson reads it; base64. */
#include <jansson.h>
#include <stdlib.h>

#include "support/check.h"
#include "support/random.h"
#include "varve/json.h"
#include "varve/json_text.h"

static void check_buffer(struct varve_wire_buffer *out, const char *expected)
{
    assert_false(out->failed);
    assert_int_equal(out->size, strlen(expected));
    assert_memory_equal(out->bytes, expected, out->size);
    varve_wire_buffer_free(out);
}

static void members_and_items_get_their_commas(void **state)
{
    struct varve_uuid id = { { 0x01, 0x92, [15] = 0xff } };
    struct varve_wire_buffer out = { 0 };

    varve_json_write_raw(&out, "{");
    varve_json_member_text(&out, "stream", varve_view_str("a{"));
    varve_json_member_number(&out, "position", UINT64_C(1) << 53);
    varve_json_member_number(&out, "next", (UINT64_C(1) << 53) + 1);
    varve_json_member_bool(&out, "end", false);
    varve_json_member_uuid(&out, "id", &id);
    varve_json_member_time(&out, "time", 0);
    varve_json_key(&out, "list");
    varve_json_write_raw(&out, "[");
    for (int i = -1; i < 2; i++) {
        varve_json_item(&out);
        varve_json_write_int(&out, i == 0 ? INT64_MIN : i);
    }
    varve_json_write_raw(&out, "]}");
    check_buffer(&out, "{\"stream\":\"a{\",\"position\":9007199254740992,\"next\":\"9007199254740993\",\"end\":false,"
                       "\"id\":\"01920000-0000-0000-0000-0000000000ff\",\"time\":\"1970-01-01T00:00:00.000000Z\","
                       "\"list\":[-1,-9223372036854775808,1]}");
}

static void line_breaks_between_tokens_become_spaces(void **state)
{
    struct varve_wire_buffer out = { 0 };

    varve_json_write_json(&out, varve_view_str("\n {\r\n\"a\":\n1}\t\r\n"));
    check_buffer(&out, "{  \"a\": 1}");
}

/* Read the string in `raw`, as jansson does. */
static void check_string(struct varve_view raw, struct varve_wire_arena *arena)
{
    struct varve_view text;
    json_t *theirs = json_loadb(raw.data, raw.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    assert_non_null(theirs);
    assert_int_equal(varve_json_string(raw, arena, &text), VARVE_OK);
    assert_int_equal(text.size, json_string_length(theirs));
    assert_memory_equal(text.data, json_string_value(theirs), text.size);
    json_decref(theirs);
}

static void texts_survive_being_strings(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer out = { 0 };
    char all[128];

    for (int i = 0; i < 128; i++)
        all[i] = (char)i;
    for (size_t from = 0; from <= 128; from++) {
        struct varve_view back;

        out.size = 0;
        varve_json_write_text(&out, varve_view_of(all + from, 128 - from));
        struct varve_view raw = varve_view_of((const char *)out.bytes, out.size);
        assert_true(varve_json_check(raw, NULL, NULL));
        check_string(raw, arena);
        assert_int_equal(varve_json_string(raw, arena, &back), VARVE_OK);
        assert_true(varve_view_equal(back, varve_view_of(all + from, 128 - from)));
    }
    check_string(varve_view_str("\"\\u00e4\\ud83d\\ude00\\/\""), arena);
    varve_wire_buffer_free(&out);
    varve_wire_arena_free(arena);
}

static void what_is_no_string_is_refused(void **state)
{
    static const char *const cases[] = { "", "\"", "1", "null", "[\"a\"]", "\"\\ud800\"" };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_view text;

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(varve_json_string(varve_view_str(cases[i]), arena, &text) == VARVE_INVALID_ARGUMENT, cases[i]);
    varve_wire_arena_free(arena);
}

static void base64_follows_the_vectors_of_rfc_4648(void **state)
{
    static const struct { const char *bytes, *text; } cases[] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_wire_buffer text = { 0 };
        uint8_t back[16];
        size_t size = 99;

        varve_json_write_base64(&text, varve_view_str(cases[i].bytes));
        CHECK_CASE(text.size == strlen(cases[i].text) + 2, cases[i].text);
        CHECK_CASE(memcmp(text.bytes + 1, cases[i].text, text.size - 2) == 0, cases[i].text);
        CHECK_CASE(varve_base64_decode(varve_view_str(cases[i].text), back, &size), cases[i].text);
        CHECK_CASE(size == strlen(cases[i].bytes) && memcmp(back, cases[i].bytes, size) == 0, cases[i].text);
        varve_wire_buffer_free(&text);
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
        CHECK_CASE(!varve_base64_decode(varve_view_str(cases[i]), back, &size), cases[i]);
    }
}

static void random_bytes_survive_base64(void **state)
{
    uint64_t seed = 3;

    for (unsigned i = 0; i < 1000; i++) {
        uint8_t bytes[10000], back[10004];
        size_t size = random_below(&seed, sizeof(bytes)), again;
        struct varve_wire_buffer text = { 0 };

        for (size_t b = 0; b < size; b++)
            bytes[b] = (uint8_t)random_next(&seed);
        varve_json_write_base64(&text, varve_view_of((const char *)bytes, size));
        assert_true(varve_base64_decode(varve_view_of((const char *)text.bytes + 1, text.size - 2), back, &again));
        assert_int_equal(again, size);
        assert_memory_equal(back, bytes, size);
        varve_wire_buffer_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_items_get_their_commas),
        cmocka_unit_test(line_breaks_between_tokens_become_spaces),
        cmocka_unit_test(texts_survive_being_strings),
        cmocka_unit_test(what_is_no_string_is_refused),
        cmocka_unit_test(base64_follows_the_vectors_of_rfc_4648),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(random_bytes_survive_base64),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
