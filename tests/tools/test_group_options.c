/* test_group_options.c - a group's settings from a command line: what is given counts, the rest stays. */
#include "support/check.h"
#include "tools/varve/group_options.h"

static const struct option_spec own[] = { GROUP_SETTINGS_OPTIONS, { NULL, 0, NULL, NULL } };

/* Splits at spaces. */
static enum varve_status parse(const char *line, struct varve_group_settings *settings, bool *ret_given,
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
    *ret_given = group_settings_given(&arguments);
    return group_settings_parse(&arguments, settings, error);
}

static void what_is_given_is_set(void **state)
{
    struct varve_group_settings s;
    struct varve_error error;
    bool given;

    varve_group_settings_init(&s);
    assert_int_equal(parse("--key correlation --max-in-flight 10 --consumer-max-in-flight 2 --ack-timeout 1m30s "
                           "--max-attempts 3 --backoff 100ms,2s", &s, &given, &error), VARVE_OK);
    assert_true(given);
    assert_int_equal(s.key, VARVE_GROUP_KEY_CORRELATION);
    assert_int_equal(s.max_in_flight, 10);
    assert_int_equal(s.consumer_max_in_flight, 2);
    assert_int_equal(s.ack_timeout_ms, 90000);
    assert_int_equal(s.max_attempts, 3);
    assert_int_equal(s.backoff_count, 2);
    assert_int_equal(s.backoff_ms[0], 100);
    assert_int_equal(s.backoff_ms[1], 2000);
    assert_int_equal(varve_group_settings_check(&s, &error), VARVE_OK);
}

static void what_is_not_given_stays(void **state)
{
    struct varve_group_settings before, s;
    struct varve_error error;
    bool given;

    varve_group_settings_init(&before);
    s = before;
    assert_int_equal(parse("", &s, &given, &error), VARVE_OK);
    assert_false(given);
    assert_memory_equal(&s, &before, sizeof(s));
    assert_int_equal(parse("--backoff none", &s, &given, &error), VARVE_OK);
    assert_true(given);
    assert_int_equal(s.backoff_count, 0);
    assert_int_equal(s.ack_timeout_ms, before.ack_timeout_ms);
}

static void mistakes_are_named(void **state)
{
    static const struct { const char *line, *field; } cases[] = {
        { "--key x", "key" }, { "--max-in-flight -1", "max-in-flight" },
        { "--max-in-flight 4294967296", "max-in-flight" }, { "--consumer-max-in-flight x", "consumer-max-in-flight" },
        { "--ack-timeout 5", "ack-timeout" }, { "--ack-timeout 1000w", "ack-timeout" },
        { "--max-attempts 1.5", "max-attempts" }, { "--backoff 1", "backoff" },
        { "--backoff=", "backoff" }, { "--backoff 1s,", "backoff" }, { "--backoff 1s,,2s", "backoff" },
        { "--backoff 1s,none", "backoff" }, { "--backoff 1000w", "backoff" },
        { "--backoff 1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s", "backoff" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_group_settings s;
        struct varve_error error = { 0 };
        bool given;
        varve_group_settings_init(&s);
        CHECK_CASE(parse(cases[i].line, &s, &given, &error) == VARVE_INVALID_ARGUMENT, cases[i].line);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_is_set),
        cmocka_unit_test(what_is_not_given_stays),
        cmocka_unit_test(mistakes_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
