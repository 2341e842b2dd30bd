/* test_config_environment.c - VARVED_SECTION__KEY. */
#include "config_lines.h"
#include "support/check.h"

#include "server/config_environment.h"

static void variables_are_keys(void **state)
{
    struct config config;

    config_line_good("", "HOME=/ VARVED_HTTP__LISTEN=off VARVED_LOG__LEVEL=error VARVED_STORE__MAX_EVENT_BYTES=2MiB "
                     "VARVED_SERVER__DIRECTORY=d", &config);
    assert_int_equal(config.http.listen_count, 0);
    assert_int_equal(config.log_level, LOG_LEVEL_ERROR);
    assert_int_equal(config.store.max_event_bytes, 2 << 20);
    assert_string_equal(config.directory, "d");
    assert_string_equal(config_line_value(&config, "http.listen")->origin, "VARVED_HTTP__LISTEN");
    assert_string_equal(config_line_value(&config, "http.listen")->text, "off");
    config_end(&config);
}

static void the_command_line_hides_the_environment(void **state)
{
    struct config config;

    config_line_good("--listen 127.0.0.1:2 data", "VARVED_SERVER__LISTEN=127.0.0.1:1 VARVED_SERVER__DIRECTORY=other",
                     &config);
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0].text, "127.0.0.1:2");
    assert_string_equal(config.directory, "data");
    config_end(&config);
}

static void names_are_written_as_variables(void **state)
{
    static const struct { const char *key, *variable; } cases[] = {
        { "http.max_body", "VARVED_HTTP__MAX_BODY" }, { "log.level", "VARVED_LOG__LEVEL" },
    };
    char room[CONFIG_VARIABLE_BYTES];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        config_environment_name(cases[i].key, room);
        assert_string_equal(room, cases[i].variable);
    }
}

static void mistakes(void **state)
{
    static const struct { const char *environment, *complaint; } cases[] = {
        { "VARVED_HTTP__MAX_BDY=1", "VARVED_HTTP__MAX_BDY: no such key; did you mean VARVED_HTTP__MAX_BODY?" },
        { "VARVED_SERVER__LEVEL=info", "VARVED_SERVER__LEVEL: no such key; did you mean VARVED_LOG__LEVEL?" },
        { "VARVED_QUITE__OTHER=1", "VARVED_QUITE__OTHER: no such key (varved --help-config lists them all)" },
        { "VARVED___X=1", "VARVED___X: no such key (varved --help-config lists them all)" },
        { "VARVED_HTTP__=1", "VARVED_HTTP__: no such key (varved --help-config lists them all)" },
        { "VARVED_HTTP_LISTEN=off", "VARVED_HTTP_LISTEN: no such key; did you mean VARVED_HTTP__LISTEN?" },
        { "VARVED_SERVER_MAX_OUTPUT=1", "VARVED_SERVER_MAX_OUTPUT: no such key; did you mean "
          "VARVED_SERVER__MAX_OUTPUT?" },
        { "VARVED_LOG__LEVEL=loud", "VARVED_LOG__LEVEL: log.level = loud: expected debug|info|warn|error" },
        { "VARVED_LOG__LEVEL=", "VARVED_LOG__LEVEL: log.level = : expected debug|info|warn|error" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_bad("", cases[i].environment, cases[i].complaint);
}

static void what_others_set_is_left_alone(void **state)
{
    struct config config;

    config_line_good("", "VARVED_PORT=tcp://10.0.0.1:8278 VARVED_SERVICE_HOST=10.0.0.1 VARVED_OPTIONS= VARVED_CONFIG "
                     "varved_http__listen=x XVARVED_LOG__LEVEL=x", &config);
    config_end(&config);
}

static void the_file_may_be_named(void **state)
{
    config_line_bad("", "VARVED_CONFIG=/no/such", "/no/such: cannot be opened: No such file or directory");
    config_line_bad("--config /not/this", "VARVED_CONFIG=/no/such",
                    "/not/this: cannot be opened: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_keys), cmocka_unit_test(the_command_line_hides_the_environment),
        cmocka_unit_test(names_are_written_as_variables), cmocka_unit_test(mistakes),
        cmocka_unit_test(what_others_set_is_left_alone), cmocka_unit_test(the_file_may_be_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
