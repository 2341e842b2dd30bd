/* test_log.c - what log lines look like, whatever goes into them. */
#include "support/check.h"

#include <jansson.h>
#include <unistd.h>

#include "server/log.h"

/* The line that an event makes, without its newline. */
static void line_of(bool json, const struct log_field *fields, size_t count, char *ret, size_t room)
{
    int pipe_ends[2];

    assert_int_equal(pipe(pipe_ends), 0);
    const struct log log = { .fd = pipe_ends[1], .level = LOG_LEVEL_INFO, .json = json };
    log_event(&log, LOG_LEVEL_WARN, "test.event", fields, count);
    close(pipe_ends[1]);
    ssize_t size = read(pipe_ends[0], ret, room - 1);
    close(pipe_ends[0]);
    assert_true(size > 0);
    assert_int_equal(ret[size - 1], '\n');
    ret[size - 1] = 0;
    assert_null(strchr(ret, '\n')); /* One event, one line. */
}

static void logfmt_values(void **state)
{
    static const struct { const char *label, *value, *shown; } cases[] = {
        { "plain", "127.0.0.1:8278", " k=127.0.0.1:8278" },
        { "empty", "", " k=\"\"" },
        { "space", "two words", " k=\"two words\"" },
        { "equals sign", "a=b", " k=\"a=b\"" },
        { "quotes", "say \"no\"", " k=\"say \\\"no\\\"\"" },
        { "forged line", "x\nlevel=error", " k=\"x\\nlevel=error\"" },
        { "controls", "\r\t\x1b[31m\x7f", " k=\"\\u000d\\u0009\\u001b[31m\\u007f\"" },
        { "umlaut", "M\xc3\xbcnchen", " k=\"M\xc3\xbcnchen\"" },
        { "no UTF-8", "a\xff\xc3", " k=\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "overlong", "\xc0\xaf", " k=\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "surrogate", "\xed\xa0\x80", " k=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct log_field field = log_text("k", cases[i].value);
        char line[8192];

        line_of(false, &field, 1, line, sizeof(line));
        CHECK_CASE(strncmp(line, "time=2", 6) == 0, cases[i].label);
        CHECK_CASE(strstr(line, " level=warn event=test.event ") != NULL, cases[i].label);
        CHECK_CASE(strlen(line) > strlen(cases[i].shown) &&
                   strcmp(line + strlen(line) - strlen(cases[i].shown), cases[i].shown) == 0, cases[i].label);
    }
}

static void json_lines_are_json(void **state)
{
    static const char *const values[] = { "plain", "", "two words", "\"\\\n\r\t\x01\x7f", "\xf0\x9f\x8c\x8d", "\xff" };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct log_field fields[] = { log_text("text", values[i]), log_number("number", UINT64_MAX) };
        char line[8192];

        line_of(true, fields, 2, line, sizeof(line));
        json_t *parsed = json_loads(line, JSON_DECODE_INT_AS_REAL, NULL);
        assert_non_null(parsed);
        assert_string_equal(json_string_value(json_object_get(parsed, "event")), "test.event");
        assert_string_equal(json_string_value(json_object_get(parsed, "text")), i == 5 ? "\xef\xbf\xbd" : values[i]);
        json_decref(parsed);
    }
}

static void too_much_is_cut_and_said(void **state)
{
    static char much[20000];

    memset(much, '\n', sizeof(much) - 1);
    for (int json = 0; json < 2; json++) {
        const struct log_field fields[] = { log_text("much", much), log_text("after", "word") };
        char line[16384];

        line_of(json, fields, 2, line, sizeof(line));
        assert_null(strstr(line, "much"));
        assert_non_null(strstr(line, "word"));
        assert_non_null(strstr(line, "cut"));
        if (json) {
            json_t *parsed = json_loads(line, 0, NULL);
            assert_non_null(parsed);
            json_decref(parsed);
        }
    }
}

static void absent_text_is_empty(void **state)
{
    const struct log_field field = log_view("k", varve_view_of(NULL, 0));
    char line[8192];

    line_of(false, &field, 1, line, sizeof(line));
    assert_non_null(strstr(line, " k=\"\""));
}

static void levels(void **state)
{
    static const struct { const char *name; bool known; enum log_level level; } cases[] = {
        { "debug", true, LOG_LEVEL_DEBUG }, { "info", true, LOG_LEVEL_INFO }, { "warn", true, LOG_LEVEL_WARN },
        { "error", true, LOG_LEVEL_ERROR }, { "Error", false, LOG_LEVEL_DEBUG }, { "", false, LOG_LEVEL_DEBUG },
    };
    int pipe_ends[2];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum log_level level = LOG_LEVEL_DEBUG;

        CHECK_CASE(log_level_parse(cases[i].name, &level) == cases[i].known, cases[i].name);
        CHECK_CASE(level == cases[i].level, cases[i].name);
    }
    assert_int_equal(pipe(pipe_ends), 0);
    const struct log log = { .fd = pipe_ends[1], .level = LOG_LEVEL_WARN };
    log_event(&log, LOG_LEVEL_INFO, "quiet", NULL, 0);
    close(pipe_ends[1]);
    char byte;
    assert_int_equal(read(pipe_ends[0], &byte, 1), 0);
    close(pipe_ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_values), cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(too_much_is_cut_and_said), cmocka_unit_test(absent_text_is_empty), cmocka_unit_test(levels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
