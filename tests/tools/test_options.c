/* test_options.c - command lines, right and wrong. */
#include "support/check.h"
#include "tools/varve/options.h"
#include "varve/store.h"

static const struct option_spec common[] = {
    { "server", 's', "URL", "" }, { "help", 'h', NULL, "" }, { NULL, 0, NULL, NULL },
};
static const struct option_spec own[] = {
    { "limit", 'n', "N", "" }, { "expected", 'e', "VERSION", "" }, { "backwards", 'b', NULL, "" },
    { "id", 0, "UUID", "" }, { "max-age", 0, "DURATION", "" }, { "since", 0, "TIME", "" }, { NULL, 0, NULL, NULL },
};

/* Splits at spaces and parses; the words live in a static buffer until the next call. */
static int parse(struct arguments *arguments, const char *line, bool until_word, struct varve_error *error)
{
    static char buffer[1024];
    static char *argv[64];
    int argc = 1;

    *arguments = (struct arguments){ .tables = { common, own } };
    snprintf(buffer, sizeof(buffer), "%s", line);
    argv[0] = buffer;
    for (char *word = strtok(buffer, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    return arguments_parse(arguments, argc, argv, 1, until_word, error);
}

static void options_stand_anywhere(void **state)
{
    static const char *const lines[] = {
        "--limit 5 order-42 -b", "order-42 --backwards --limit=5", "-b -n 5 order-42", "-n5 order-42 -b",
        "-n 4 order-42 -b --limit 5", "-b --limit 5 -- order-42",
    };
    struct arguments arguments;
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        uint64_t limit = 0;
        CHECK_CASE(parse(&arguments, lines[i], false, &error) > 0, lines[i]);
        CHECK_CASE(arguments.word_count == 1 && strcmp(arguments.words[0], "order-42") == 0, lines[i]);
        CHECK_CASE(arguments_has(&arguments, "backwards") && !arguments_has(&arguments, "help"), lines[i]);
        CHECK_CASE(arguments_uint(&arguments, "limit", 100, &limit, &error) == VARVE_OK && limit == 5, lines[i]);
    }
}

static void a_dash_is_a_word_and_so_is_what_follows_two(void **state)
{
    struct arguments arguments;
    struct varve_error error;

    assert_true(parse(&arguments, "- -- --limit -x", false, &error) > 0);
    assert_int_equal(arguments.word_count, 3);
    assert_string_equal(arguments.words[0], "-");
    assert_string_equal(arguments.words[1], "--limit");
    assert_int_equal(arguments.given_count, 0);
}

static void parsing_stops_at_the_first_word_when_told_to(void **state)
{
    struct arguments arguments;
    struct varve_error error;

    assert_int_equal(parse(&arguments, "-s varve://x read -b", true, &error), 3);
    assert_string_equal(arguments_text(&arguments, "server"), "varve://x");
    assert_int_equal(arguments.word_count, 0);
}

static void a_value_may_begin_with_a_dash(void **state)
{
    struct arguments arguments;
    struct varve_error error;

    assert_true(parse(&arguments, "--expected -1", false, &error) > 0);
    assert_string_equal(arguments_text(&arguments, "expected"), "-1");
}

static void mistakes_are_told_with_what_was_meant(void **state)
{
    static const struct { const char *line, *says; } cases[] = {
        { "--limt 5", "unknown option --limt; did you mean --limit?" },
        { "--expectd=3", "unknown option --expectd; did you mean --expected?" },
        { "--back", "unknown option --back; did you mean --backwards?" },
        { "--frobnicate", "unknown option --frobnicate" },
        { "--an-option-name-that-is-longer-than-any-name-we-know=1",
          "unknown option --an-option-name-that-is-longer-tha" },
        { "-x", "unknown option -x" },
        { "-bn", "unknown option -bn" },
        { "--limit", "--limit needs a value: --limit N" },
        { "-n", "-n needs a value: -n N" },
        { "--backwards=yes", "--backwards takes no value" },
        { "1 2 3 4 5 6 7 8 9", "one argument too many: \"9\"" },
    };
    struct arguments arguments;
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_CASE(parse(&arguments, cases[i].line, false, &error) == -1, cases[i].line);
        assert_int_equal(error.status, VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.message, cases[i].says);
    }
}

static void too_many_options_are_refused(void **state)
{
    static char *argv[OPTIONS_MAX + 2] = { "varve" };
    struct arguments arguments = { .tables = { common, own } };
    struct varve_error error;

    for (int i = 1; i < OPTIONS_MAX + 2; i++)
        argv[i] = "-b";
    assert_int_equal(arguments_parse(&arguments, OPTIONS_MAX + 1, argv, 1, false, &error), OPTIONS_MAX + 1);
    arguments.given_count = 0;
    assert_int_equal(arguments_parse(&arguments, OPTIONS_MAX + 2, argv, 1, false, &error), -1);
}

static void options_may_be_repeated(void **state)
{
    struct arguments arguments;
    struct varve_error error;
    struct varve_view texts[2];

    assert_true(parse(&arguments, "--id a -b --id=b x --id c", false, &error) > 0);
    assert_int_equal(arguments_texts(&arguments, "id", texts, 2), 3);
    assert_true(varve_view_equal(texts[0], varve_view_str("a")) && varve_view_equal(texts[1], varve_view_str("b")));
    assert_int_equal(arguments_texts(&arguments, "limit", texts, 2), 0);
}

static void a_command_of_its_own_stands_behind_two_dashes(void **state)
{
    static char *argv[] = { "varve", "name", "-b", "--", "sh", "-c", "--limit", NULL };
    struct arguments arguments = { .tables = { common, own }, .takes_command = true };
    struct varve_error error;

    assert_int_equal(arguments_parse(&arguments, 7, argv, 1, false, &error), 7);
    assert_int_equal(arguments.word_count, 1);
    assert_int_equal(arguments.given_count, 1);
    assert_ptr_equal(arguments.command, argv + 4);
    arguments = (struct arguments){ .tables = { common, own }, .takes_command = true };
    assert_int_equal(arguments_parse(&arguments, 3, argv, 1, false, &error), 3);
    assert_null(arguments.command);
}

static void numbers_are_whole_and_bounded(void **state)
{
    static const char *const bad[] = { "-1", "+1", "1.5", "1e3", "x", "101", "18446744073709551616", "0x10", "1_0" };
    struct arguments arguments;
    struct varve_error error;
    char line[64];

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        uint64_t value = 7;
        snprintf(line, sizeof(line), "--limit %s", bad[i]);
        assert_true(parse(&arguments, line, false, &error) > 0);
        CHECK_CASE(arguments_uint(&arguments, "limit", 100, &value, &error) == VARVE_INVALID_ARGUMENT, bad[i]);
        CHECK_CASE(value == 7, bad[i]);
    }
    assert_true(parse(&arguments, "--limit=", false, &error) > 0);
    uint64_t value;
    assert_int_equal(arguments_uint(&arguments, "limit", 100, &value, &error), VARVE_INVALID_ARGUMENT);
}

static void a_limit_is_at_least_one(void **state)
{
    static const struct { const char *line; enum varve_status status; uint64_t limit; } cases[] = {
        { "", VARVE_OK, 0 }, { "--limit 1", VARVE_OK, 1 }, { "--limit 100", VARVE_OK, 100 },
        { "--limit 0", VARVE_INVALID_ARGUMENT, 0 }, { "--limit 101", VARVE_INVALID_ARGUMENT, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arguments arguments;
        struct varve_error error;
        uint64_t limit = 0; /* What stands for "none" is the caller's. */

        assert_true(parse(&arguments, cases[i].line, false, &error) > 0);
        CHECK_CASE(arguments_limit(&arguments, 100, &limit, &error) == cases[i].status, cases[i].line);
        CHECK_CASE(limit == cases[i].limit, cases[i].line);
    }
}

static void expectations_are_words_or_versions(void **state)
{
    static const struct { const char *text; enum varve_status status; int64_t value; } cases[] = {
        { "any", VARVE_OK, VARVE_EXPECTED_ANY },
        { "no_stream", VARVE_OK, VARVE_EXPECTED_NO_STREAM },
        { "stream_exists", VARVE_OK, VARVE_EXPECTED_STREAM_EXISTS },
        { "0", VARVE_OK, 0 },
        { "9223372036854775807", VARVE_OK, INT64_MAX },
        { "9223372036854775808", VARVE_INVALID_ARGUMENT, 0 },
        { "-1", VARVE_INVALID_ARGUMENT, 0 },
        { "no-stream", VARVE_INVALID_ARGUMENT, 0 },
        { "ANY", VARVE_INVALID_ARGUMENT, 0 },
    };
    struct arguments arguments;
    struct varve_error error;
    char line[64];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 0;
        snprintf(line, sizeof(line), "--expected %s", cases[i].text);
        assert_true(parse(&arguments, line, false, &error) > 0);
        CHECK_CASE(arguments_expected(&arguments, "expected", &value, &error) == cases[i].status, cases[i].text);
        CHECK_CASE(value == cases[i].value, cases[i].text);
    }
}

static void other_values_are_checked_too(void **state)
{
    struct arguments arguments;
    struct varve_error error;
    struct varve_uuid id;
    int64_t us = 0;

    assert_true(parse(&arguments, "--id 0192f0c1-7a3b-7cde-8f01-23456789abcd --max-age 1d --since 2024-05-01", false,
                      &error) > 0);
    assert_int_equal(arguments_uuid(&arguments, "id", &id, &error), VARVE_OK);
    assert_int_equal(id.bytes[0], 0x01);
    assert_int_equal(arguments_duration(&arguments, "max-age", &us, &error), VARVE_OK);
    assert_int_equal(us, INT64_C(86400) * 1000000);
    assert_int_equal(arguments_moment(&arguments, "since", &us, &error), VARVE_OK);
    assert_int_equal(us, INT64_C(1714521600) * 1000000);
    assert_int_equal(arguments_time(&arguments, "since", &us, &error), VARVE_INVALID_ARGUMENT);

    assert_true(parse(&arguments, "--id 00000000-0000-0000-0000-000000000000 --max-age 5 --since soon", false,
                      &error) > 0);
    assert_int_equal(arguments_uuid(&arguments, "id", &id, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(arguments_duration(&arguments, "max-age", &us, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(arguments_moment(&arguments, "since", &us, &error), VARVE_INVALID_ARGUMENT);

    assert_true(parse(&arguments, "--max-age 0", false, &error) > 0);
    assert_int_equal(arguments_duration(&arguments, "max-age", &us, &error), VARVE_OK);
    assert_int_equal(us, 0);
}

static void words_are_counted(void **state)
{
    struct arguments arguments;
    struct varve_error error;

    assert_true(parse(&arguments, "one two", false, &error) > 0);
    assert_int_equal(arguments_words(&arguments, 2, 3, "x A B", &error), VARVE_OK);
    assert_int_equal(arguments_words(&arguments, 3, 3, "x A B C", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "too few arguments; usage: varve x A B C");
    assert_int_equal(arguments_words(&arguments, 0, 1, "x [A]", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "one argument too many: \"two\"; usage: varve x [A]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(a_dash_is_a_word_and_so_is_what_follows_two),
        cmocka_unit_test(parsing_stops_at_the_first_word_when_told_to),
        cmocka_unit_test(a_value_may_begin_with_a_dash),
        cmocka_unit_test(mistakes_are_told_with_what_was_meant),
        cmocka_unit_test(too_many_options_are_refused),
        cmocka_unit_test(options_may_be_repeated),
        cmocka_unit_test(a_command_of_its_own_stands_behind_two_dashes),
        cmocka_unit_test(numbers_are_whole_and_bounded),
        cmocka_unit_test(a_limit_is_at_least_one),
        cmocka_unit_test(expectations_are_words_or_versions),
        cmocka_unit_test(other_values_are_checked_too),
        cmocka_unit_test(words_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
