/* test_outbox_json.c - members by name and by path, and strings with escapes. */
#include "support/check.h"

#include "server/outbox/outbox_json.h"
#include "varve/json.h"

static struct varve_view view(const char *text)
{
    return varve_view_str(text);
}

static void members_are_found(void **state)
{
    static const struct { const char *object, *path, *value; } cases[] = {
        { "{\"a\":1}", "a", "1" },
        { " { \"a\" : [1, 2] , \"b\" : {\"c\": \"d\"} } ", "b", "{\"c\": \"d\"}" },
        { "{\"b\":{\"c\":\"d\"}}", "b.c", "\"d\"" },
        { "{\"b\":{\"c\":{\"d\":5}}}", "b.c.d", "5" },
        { "{\"b.c\":1,\"b\":{\"c\":2}}", "b.c", "1" },
        { "{\"a\":{\"b.c\":3}}", "a.b.c", "3" },
        { "{\"caf\\u00e9\":1}", "caf\xc3\xa9", "1" },
        { "{\"a\":false}", "a", "false" },
        { "{\"a\":\"\"}", "a", "\"\"" },
        { "{\"a\":null}", "a", NULL },
        { "{\"a\":1}", "b", NULL },
        { "{\"a\":1}", "a.b", NULL },
        { "{\"a\":[1]}", "a.0", NULL },
        { "{}", "a", NULL },
        { "[1]", "a", NULL },
        { "5", "a", NULL },
        { "\"a\"", "a", NULL },
        { "", "a", NULL },
        { "{\"\":1}", "", "1" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_view value;
        bool found = outbox_json_find(view(cases[i].object), cases[i].path, &value);

        CHECK_CASE(found == (cases[i].value != NULL), cases[i].object);
        CHECK_CASE(!found || varve_view_equal(value, view(cases[i].value)), cases[i].object);
    }
    struct varve_view value;
    assert_false(outbox_json_find((struct varve_view){ NULL, 0 }, "a", &value));
}

static void values_are_texts(void **state)
{
    static const struct { const char *value, *text; } cases[] = {
        { "\"acme\"", "acme" }, { "\"\"", "" }, { "12.50", "12.50" }, { "true", "true" }, { "[1]", "[1]" },
        { "\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d" }, { "\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t" },
        { "\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac" }, { "\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!" },
        { "\"\\ud83d\"", "\xef\xbf\xbd" }, { "\"\\ude00x\"", "\xef\xbf\xbdx" },
        { "\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A" }, { "\"\\ud83dxxxxxx\"", "\xef\xbf\xbdxxxxxx" },
    };
    char room[OUTBOX_JSON_TEXT];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_CASE(varve_json_check(view(cases[i].value), NULL, NULL), cases[i].value);
        CHECK_CASE(varve_view_equal(outbox_json_text(view(cases[i].value), room), view(cases[i].text)), cases[i].value);
    }
}

static void long_texts_stay_as_they_are_written(void **state)
{
    char value[OUTBOX_JSON_TEXT + 4], room[OUTBOX_JSON_TEXT];

    memset(value, 'x', sizeof(value));
    memcpy(value, "\"\\n", 3);
    value[sizeof(value) - 1] = '"';
    assert_int_equal(outbox_json_text(varve_view_of(value, sizeof(value)), room).size, sizeof(value) - 2);
    value[OUTBOX_JSON_TEXT + 1] = '"';
    assert_int_equal(outbox_json_text(varve_view_of(value, OUTBOX_JSON_TEXT + 2), room).size, OUTBOX_JSON_TEXT - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found), cmocka_unit_test(values_are_texts),
        cmocka_unit_test(long_texts_stay_as_they_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
