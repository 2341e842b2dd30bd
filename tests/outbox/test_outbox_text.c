/* test_outbox_text.c - numbers, times, strings, base64 and URIs as bytes. */
#include "support/check.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "server/outbox/outbox_text.h"

static void numbers(void **state)
{
    static const struct { uint64_t number; const char *text; } cases[] = {
        { 0, "0" }, { 7, "7" }, { 10, "10" }, { 4711, "4711" }, { UINT64_MAX, "18446744073709551615" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[OUTBOX_NUMBER_TEXT];
        size_t size = outbox_text_number(text, cases[i].number);

        CHECK_CASE(size == strlen(cases[i].text) && memcmp(text, cases[i].text, size) == 0, cases[i].text);
    }
}

static void times(void **state)
{
    static const struct { int64_t us; const char *text; } cases[] = {
        { 0, "1970-01-01T00:00:00.000000Z" }, { -1, "1969-12-31T23:59:59.999999Z" },
        { 1795284000123456, "2026-11-21T18:00:00.123456Z" }, { 951782400000000, "2000-02-29T00:00:00.000000Z" },
        { VARVE_TIME_MIN, "0000-01-01T00:00:00.000000Z" }, { VARVE_TIME_MAX, "9999-12-31T23:59:59.999999Z" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[OUTBOX_TIME_TEXT];

        CHECK_CASE(outbox_text_time(text, cases[i].us) == strlen(cases[i].text), cases[i].text);
        CHECK_CASE(memcmp(text, cases[i].text, sizeof(text)) == 0, cases[i].text);
    }
}

static void every_day_is_that_of_the_calendar(void **state)
{
    for (int64_t day = VARVE_TIME_MIN / 86400000000; day <= VARVE_TIME_MAX / 86400000000; day++) {
        time_t second = (time_t)(day * 86400 + 3723);
        char expected[64], text[OUTBOX_TIME_TEXT];
        struct tm tm;

        assert_non_null(gmtime_r(&second, &tm));
        snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.000000Z", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        outbox_text_time(text, second * 1000000);
        CHECK_CASE(memcmp(text, expected, sizeof(text)) == 0, expected);
    }
}

static struct varve_view put(void (*function)(struct outbox_sink *, struct varve_view), struct varve_view text)
{
    static char room[4096];
    struct outbox_sink counted = { .room = NULL }, sink = { .room = room };

    function(&counted, text);
    assert_true(counted.size < sizeof(room));
    function(&sink, text);
    assert_int_equal(sink.size, counted.size);
    return varve_view_of(room, sink.size);
}

static void strings_are_what_jansson_reads(void **state)
{
    static const char *const texts[] = { "", "plain", "\"", "\\", "a\"b\\c", "\"\"", "k\xc3\xa4se", "\x01\x1f\n\x7f",
                                         "a/b", "\xf0\x9f\x98\x80" };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct varve_view written = put(outbox_put_string, varve_view_str(texts[i]));
        json_t *read = json_loadb(written.data, written.size, JSON_DECODE_ANY, NULL);

        CHECK_CASE(json_is_string(read) && strcmp(json_string_value(read), texts[i]) == 0, texts[i]);
        json_decref(read);
    }
}

static void base64_is_that_of_the_rfc(void **state)
{
    static const struct { const char *bytes, *text; } cases[] = {
        { "", "\"\"" }, { "f", "\"Zg==\"" }, { "fo", "\"Zm8=\"" }, { "foo", "\"Zm9v\"" }, { "foob", "\"Zm9vYg==\"" },
        { "fooba", "\"Zm9vYmE=\"" }, { "foobar", "\"Zm9vYmFy\"" }, { "\xff\xfe\xfb", "\"//77\"" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(varve_view_equal(put(outbox_put_base64, varve_view_str(cases[i].bytes)),
                                    varve_view_str(cases[i].text)), cases[i].text);
}

static void uris_have_what_a_reference_may_have(void **state)
{
    static const struct { const char *text, *uri; } cases[] = {
        { "shop", "shop" }, { "till 4", "till%204" }, { "urn:shop:eu", "urn:shop:eu" },
        { "https://shop.example/a?b=c#d", "https://shop.example/a?b=c#d" },
        { "4th:till", "4th%3Atill" }, { "a b:c", "a%20b%3Ac" }, { "/a:b", "/a:b" }, { "a/b:c", "a/b:c" },
        { "k\xc3\xa4se", "k%C3%A4se" }, { "100%", "100%25" }, { "a%20b", "a%20b" }, { "%zz", "%25zz" },
        { "a#b#c", "a#b%23c" }, { "\"<>\\^`{|}[]", "%22%3C%3E%5C%5E%60%7B%7C%7D%5B%5D" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(varve_view_equal(put(outbox_put_uri, varve_view_str(cases[i].text)),
                                    varve_view_str(cases[i].uri)), cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers), cmocka_unit_test(times), cmocka_unit_test(every_day_is_that_of_the_calendar),
        cmocka_unit_test(strings_are_what_jansson_reads), cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(uris_have_what_a_reference_may_have),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
