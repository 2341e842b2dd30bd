/* test_follow_options.c - filters and positions as they stand on a command line. */
#include "support/check.h"
#include "tools/varve/follow_options.h"
#include "varve/uuid.h"
#include "varve/wire.h"

static const struct option_spec own[] = { FOLLOW_FILTER_OPTIONS, FOLLOW_AFTER_OPTION, { NULL, 0, NULL, NULL } };

#define A_UUID "0192f0c1-7a3b-7cde-8f01-23456789abcd"

/* Splits at spaces; the words live until the next call. The first word is no stream. */
static enum varve_status parse(const char *line, struct follow_filter *filter, uint64_t *after,
                               struct varve_error *error)
{
    static char buffer[1024];
    static char *argv[64];
    struct arguments arguments = { .tables = { own, NULL } };
    int argc = 1;

    snprintf(buffer, sizeof(buffer), "%s", line);
    for (char *rest = buffer, *word; (word = strtok_r(rest, " ", &rest)) != NULL;)
        argv[argc++] = word;
    assert_int_equal(arguments_parse(&arguments, argc, argv, 1, false, error), argc);
    memset(filter, 0, sizeof(*filter));
    enum varve_status status = follow_filter_parse(&arguments, 1, filter, error);
    return status == VARVE_OK ? follow_after_parse(&arguments, after, error) : status;
}

static void kinds_become_parts_of_a_filter(void **state)
{
    struct follow_filter f;
    struct varve_error error;
    uint64_t after = 7;

    assert_int_equal(parse("name order-1 --stream order-2 -c order -t a --type b -p or --prefix=ord --class domain "
                           "--class realtime --correlation " A_UUID " --system", &f, &after, &error), VARVE_OK);
    assert_int_equal(f.filter.stream_count, 2);
    assert_true(varve_view_equal(f.filter.streams[0], varve_view_str("order-2")));
    assert_true(varve_view_equal(f.filter.streams[1], varve_view_str("order-1")));
    assert_int_equal(f.filter.category_count, 1);
    assert_int_equal(f.filter.type_count, 2);
    assert_true(varve_view_equal(f.filter.types[1], varve_view_str("b")));
    assert_int_equal(f.filter.prefix_count, 2);
    assert_int_equal(f.filter.classes, 1 << VARVE_CLASS_DOMAIN | 1 << VARVE_CLASS_REALTIME);
    assert_false(varve_uuid_is_nil(&f.filter.correlation_id));
    assert_true(f.filter.include_system && f.given);
    assert_int_equal(after, 7); /* not given, not touched */
}

static void it_is_known_whether_a_filter_was_given(void **state)
{
    static const struct { const char *line; bool given; } cases[] = {
        { "name", false }, { "name --all", true }, { "name --system", true }, { "name --all --system", true },
        { "name --class domain", true }, { "name s", true }, { "name --correlation " A_UUID, true },
        { "name --after 5", false },
    };
    struct follow_filter f;
    struct varve_error error;
    uint64_t after;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_CASE(parse(cases[i].line, &f, &after, &error) == VARVE_OK, cases[i].line);
        CHECK_CASE(f.given == cases[i].given, cases[i].line);
    }
}

static void positions_are_numbers_or_words(void **state)
{
    static const struct { const char *line; uint64_t after; } cases[] = {
        { "n --after start", 0 }, { "n --after 0", 0 }, { "n --after 4711", 4711 },
        { "n --after end", VARVE_AFTER_END },
        { "n --after 18446744073709551614", UINT64_MAX - 1 }, { "n -f 3", 3 },
    };
    struct follow_filter f;
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t after = 7;
        CHECK_CASE(parse(cases[i].line, &f, &after, &error) == VARVE_OK && after == cases[i].after, cases[i].line);
    }
}

static void mistakes_are_named(void **state)
{
    static const struct { const char *line, *field; } cases[] = {
        { "n --all --type a", "all" }, { "n s --all", "all" }, { "n --class x", "class" },
        { "n --correlation x", "correlation" }, { "n --category a-b", "filter.categories[0]" },
        { "n --stream=", "filter.streams[0]" }, { "n --category a --prefix b", "filter" },
        { "n --prefix $group-", "filter" }, { "n --after -1", "after" }, { "n --after 5x", "after" },
        { "n --after=", "after" }, { "n --after now", "after" }, { "n --after 18446744073709551615", "after" },
        { "n --after 18446744073709551616", "after" },
    };
    struct follow_filter f;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_error error = { 0 };
        uint64_t after = 0;
        CHECK_CASE(parse(cases[i].line, &f, &after, &error) == VARVE_INVALID_ARGUMENT, cases[i].line);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].line);
    }
}

static void a_list_that_is_too_long_is_refused(void **state)
{
    static char *argv[2 * VARVE_FILTER_MAX_ITEMS];
    static struct arguments arguments;
    static struct follow_filter f;
    struct varve_error error;
    int argc = 1;

    for (size_t i = 0; i <= VARVE_FILTER_MAX_ITEMS; i++)
        argv[argc++] = "--type=a";
    arguments.tables[0] = own;
    assert_int_equal(arguments_parse(&arguments, argc, argv, 1, false, &error), argc);
    assert_int_equal(follow_filter_parse(&arguments, 0, &f, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "filter.types");
    arguments.given_count--;
    assert_int_equal(follow_filter_parse(&arguments, 0, &f, &error), VARVE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_become_parts_of_a_filter),
        cmocka_unit_test(it_is_known_whether_a_filter_was_given),
        cmocka_unit_test(positions_are_numbers_or_words),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_list_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
