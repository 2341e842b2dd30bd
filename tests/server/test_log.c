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
        { "more controls", "\xc2\x9b" "31m\xc2\xa0", " k=\"\\u009b31m\xc2\xa0\"" },
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
        CHECK_CASE(strstr(line, " level=warn service=varved event=test.event ") != NULL, cases[i].label);
        CHECK_CASE(strlen(line) > strlen(cases[i].shown) &&
                   strcmp(line + strlen(line) - strlen(cases[i].shown), cases[i].shown) == 0, cases[i].label);
    }
}

/* Whatever a value ends with, the next field is one of its own. */
static void fields_are_parted(void **state)
{
    static const char ends[] = "{[(,:;'`|&<$";

    for (size_t i = 0; ends[i] != 0; i++) {
        const char value[] = { 'x', ends[i], 0 };
        const struct log_field fields[] = { log_text("client", value), log_number("n", 7) };
        char line[8192], shown[32];

        snprintf(shown, sizeof(shown), " client=%s n=7", value);
        line_of(false, fields, 2, line, sizeof(line));
        CHECK_CASE(strstr(line, shown) != NULL, value);
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

/* All that is written while `fill` logs, through a pipe. */
static void logged(void (*fill)(const struct log *log), struct log log, char *ret, size_t room)
{
    int pipe_ends[2];

    assert_int_equal(pipe(pipe_ends), 0);
    log.fd = pipe_ends[1];
    fill(&log);
    close(pipe_ends[1]);
    ssize_t size = read(pipe_ends[0], ret, room - 1);
    close(pipe_ends[0]);
    assert_true(size >= 0);
    ret[size] = 0;
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;

    for (; *text != 0; text++)
        lines += *text == '\n';
    return lines;
}

static void log_a_flood(const struct log *log)
{
    for (uint64_t i = 0; i < 50; i++) {
        log_warn(log, "test.flood", log_text("outbox", "a"), log_number("position", i), log_text("code", "X"));
        log_debug(log, "test.detail", log_number("position", i));
    }
    log_warn(log, "test.flood", log_text("outbox", "b"), log_text("code", "X")); /* of another cause */
    log_error(log, "test.flood", log_text("outbox", "a"), log_text("code", "X")); /* more serious */
    log_tell_repeats(log, true);
    log_tell_repeats(log, true); /* There is nothing more to tell. */
}

static void repeats_are_left_out_and_told(void **state)
{
    struct log_repeats repeats;
    struct figures figures = { 0 };
    char lines[16384];

    log_repeats_init(&repeats);
    logged(log_a_flood, (struct log){ .repeats = &repeats, .figures = &figures, .level = LOG_LEVEL_INFO }, lines,
           sizeof(lines));
    assert_int_equal(lines_of(lines), LOG_REPEATS_LINES + 3);
    assert_non_null(strstr(lines, "position=19 "));
    assert_null(strstr(lines, "position=20 "));
    assert_non_null(strstr(lines, "outbox=b"));
    assert_non_null(strstr(lines, "level=error"));
    assert_non_null(strstr(lines, "level=warn service=varved event=log.repeated of=test.flood "
                                  "cause=\"outbox=a code=X\" repeated=30\n"));
    assert_int_equal(figure_get(&figures.log_lines_warn), LOG_REPEATS_LINES + 2);
    assert_int_equal(figure_get(&figures.log_lines_error), 1);
    assert_int_equal(figure_get(&figures.log_lines_dropped), 30);
    logged(log_a_flood, (struct log){ .repeats = &repeats, .level = LOG_LEVEL_DEBUG }, lines, sizeof(lines));
    assert_non_null(strstr(lines, "event=test.detail position=49")); /* Who asks for them gets them all. */
    log_repeats_end(&repeats);
}

static void log_one(const struct log *log)
{
    log_info(log, "test.event", log_number("position", 1));
}

static void the_service_is_named(void **state)
{
    char line[8192];

    logged(log_one, (struct log){ .service = "orders store" }, line, sizeof(line));
    assert_non_null(strstr(line, " service=\"orders store\" event=test.event position=1\n"));
}

static void what_cannot_be_written_is_counted(void **state)
{
    struct figures figures = { 0 };
    const struct log log = { .fd = -1, .figures = &figures };

    log_one(&log);
    assert_int_equal(figure_get(&figures.log_lines_info), 0);
    assert_int_equal(figure_get(&figures.log_lines_dropped), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_values), cmocka_unit_test(fields_are_parted), cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(too_much_is_cut_and_said), cmocka_unit_test(absent_text_is_empty), cmocka_unit_test(levels),
        cmocka_unit_test(repeats_are_left_out_and_told), cmocka_unit_test(the_service_is_named),
        cmocka_unit_test(what_cannot_be_written_is_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
