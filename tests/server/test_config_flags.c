/* test_config_flags.c - the command line. */
#include "config_lines.h"
#include "support/check.h"

static void every_way_of_writing_a_key(void **state)
{
    struct config config;

    config_line_good("--listen 127.0.0.1:1 --server.listen=[::1]:2 --unix /tmp/x.sock --log-format json "
                     "--log.level warn --store.max-event-bytes=2MiB --index type,id --disk-reserve 1GiB "
                     "--http.cors_origins https://a --http.cors_origins https://b -- data", "", &config);
    assert_string_equal(config.directory, "data");
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[1].text, "[::1]:2");
    assert_string_equal(config.unix_path, "/tmp/x.sock");
    assert_true(config.log_json);
    assert_int_equal(config.log_level, LOG_LEVEL_WARN);
    assert_int_equal(config.store.max_event_bytes, 2 << 20);
    assert_int_equal(config.store.indexes, VARVE_INDEX_TYPE | VARVE_INDEX_ID);
    assert_int_equal(config.store.disk_reserve_bytes, 1ull << 30);
    assert_string_equal(config.http.cors_origins, "https://a,https://b");
    assert_string_equal(config_line_value(&config, "store.max_event_bytes")->origin, "--store.max-event-bytes");
    assert_string_equal(config_line_value(&config, "server.directory")->origin, "DIR");
    config_end(&config);
}

static void the_last_one_holds(void **state)
{
    struct config config;

    config_line_good("--readers 3 a --server.readers 4 --server.directory b", "", &config);
    assert_int_equal(config.reader_threads, 4);
    assert_string_equal(config.directory, "b");
    config_end(&config);
}

static void mistakes(void **state)
{
    static const struct { const char *line, *complaint; } cases[] = {
        { "--no-such-option", "--no-such-option: no such option (see varved --help)" },
        { "--max-conection=5", "--max-conection: no such option; did you mean --max-connections?" },
        { "--http.lisen=off", "--http.lisen: no such option; did you mean --http-listen?" },
        { "--server.level=info", "--server.level: no such option; did you mean --log.level?" },
        { "--listen", "--listen: needs a value (see varved --help)" },
        { "--kafka", "--kafka: needs a value (see varved --help)" },
        { "-v", "-v: no such option (see varved --help)" },
        { "one two", "two: one directory at most (see varved --help)" },
        { "--max-connections 0", "--max-connections: server.max_connections = 0: expected a number from 1 to 100000" },
        { "--unix= x", "--unix: server.unix = : expected PATH" },
        { "--help=yes", "--help: no such option; did you mean --help?" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_bad(cases[i].line, "", cases[i].complaint);
}

static void actions(void **state)
{
    static const struct { const char *line; enum config_action action; } cases[] = {
        { "--version", CONFIG_VERSION }, { "--listen 127.0.0.1:1 --help", CONFIG_HELP },
        { "--kafka a:1 --help-config", CONFIG_HELP_CONFIG }, { "--help --version", CONFIG_HELP },
        { "--no-such --help", CONFIG_HELP }, { "-- --help", CONFIG_SERVE },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config_complaints complaints;
        struct config config;

        CHECK_CASE(config_line(cases[i].line, "", &config, &complaints) == cases[i].action, cases[i].line);
        config_end(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_of_writing_a_key), cmocka_unit_test(the_last_one_holds),
        cmocka_unit_test(mistakes), cmocka_unit_test(actions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
