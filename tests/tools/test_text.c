/* test_text.c - texts that grow, JSON strings and members, events. */
#include "support/check.h"
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

static void an_event_is_added_behind_what_is_there(void **state)
{
    struct varve_event event = { .stream = varve_view_str("s-1"), .type = varve_view_str("t"),
                                 .time_us = VARVE_TIME_NONE, .schema_version = 1, .position = UINT64_MAX };
    struct text text = { 0 };

    text_add_str(&text, "[");
    text_add_event(&text, &event);
    check_text(&text, "[{\"stream\":\"s-1\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000000\","
                      "\"version\":0,\"position\":18446744073709551615,"
                      "\"recorded_at\":\"1970-01-01T00:00:00.000000Z\"}");
    text_add_base64(&text, varve_view_str("f"));
    assert_memory_equal(text.bytes + text.size - 6, "\"Zg==\"", 6);
    text_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_is_written_member_by_member),
        cmocka_unit_test(strings_are_escaped_as_json_demands),
        cmocka_unit_test(an_empty_text_has_an_empty_view),
        cmocka_unit_test(long_texts_are_whole),
        cmocka_unit_test(an_event_is_added_behind_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
