/* test_config_value.c - every kind of value: what is taken, how it is written, what was expected instead. */
#include "support/check.h"

#include "server/config_value.h"

static const struct config_key *find(const char *name)
{
    size_t size = config_section_size(name);
    const struct config_key *key = config_key_find(name, size, name + size + 1, strlen(name + size + 1));

    assert_non_null(key);
    return key;
}

static void numbers_are_written_in_one_way(void **state)
{
    static const struct { const char *key, *text, *written; } cases[] = {
        { "server.max_connections", "007", "7" },
        { "store.recent_ids", "0", "0" },
        { "server.max_output", "65536", "64KiB" },
        { "server.max_output", "65537", "65537" },
        { "server.max_output", "1024K", "1MiB" },
        { "store.map_size", "1024GiB", "1TiB" },
        { "store.disk_reserve", "0", "0" },
        { "server.send_timeout", "60", "1m" },
        { "server.send_timeout", "90s", "90s" },
        { "server.stop_timeout", "2500ms", "2500ms" },
        { "server.hello_timeout", "120m", "2h" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[CONFIG_EXPECTED_BYTES], written[CONFIG_NUMBER_BYTES];
        struct config config = { .directory = NULL };
        const struct config_key *key = find(cases[i].key);

        CHECK_CASE(config_value_set(&config, key, cases[i].text, expected), cases[i].text);
        CHECK_CASE(config_value_is_number(key), cases[i].key);
        config_value_write(&config, key, written);
        CHECK_CASE(strcmp(written, cases[i].written) == 0, cases[i].text);
    }
}

static void what_is_wrong_is_answered_with_what_is_right(void **state)
{
    static const struct { const char *key, *text, *expected; } cases[] = {
        { "server.max_connections", "0", "a number from 1 to 100000" },
        { "server.max_connections", "many", "a number from 1 to 100000" },
        { "server.max_connections", "12x", "a number from 1 to 100000" },
        { "server.max_connections", "-1", "a number from 1 to 100000" },
        { "server.max_connections", "99999999999999999999", "a number from 1 to 100000" },
        { "store.max_event_bytes", "17MiB", "a size from 1 to 16MiB, such as 65536 or 64MiB" },
        { "store.max_event_bytes", "lots", "a size from 1 to 16MiB, such as 65536 or 64MiB" },
        { "store.max_event_bytes", "1 MiB", "a size from 1 to 16MiB, such as 65536 or 64MiB" },
        { "server.send_timeout", "5x", "a time from 1s to 24h, such as 30s or 500ms" },
        { "server.send_timeout", "999ms", "a time from 1s to 24h, such as 30s or 500ms" },
        { "log.slow_request", "25h", "a time from 0 to 24h, such as 30s or 500ms" },
        { "log.level", "loud", "debug|info|warn|error" },
        { "log.level", "inf", "debug|info|warn|error" },
        { "log.format", "xml", "logfmt|json" },
        { "store.index", "type,colour", "any of type,category,correlation,id; or all, or none" },
        { "store.index", ",", "any of type,category,correlation,id; or all, or none" },
        { "server.listen", ",", "HOST:PORT,... or off" },
        { "server.listen", "127.0.0.1", "HOST:PORT, such as 127.0.0.1:8278 or [::1]:8278" },
        { "http.listen", "localhost", "HOST:PORT, such as 127.0.0.1:8279 or [::1]:8279" },
        { "server.listen", "[::1]:1,[::1]:2,[::1]:3,[::1]:4,[::1]:5,[::1]:6,[::1]:7,[::1]:8,[::1]:9",
          "at most 8 addresses" },
        { "http.listen", "0000000000000000000000000000000000000000000000000000000000000127.0.0.1:80",
          "HOST:PORT of at most 63 bytes" },
        { "http.hosts", "varve.example:80/x", "names of hosts without a port, such as varve.example" },
        { "http.hosts", " , ", "words parted by commas, or none" },
        { "http.cors_origins", "app.example",
          "origins as browsers send them, such as https://app.example or http://localhost:3000" },
        { "http.cors_origins", "https://app.example/",
          "origins as browsers send them, such as https://app.example or http://localhost:3000" },
        { "http.cors_origins", "https://a.example,*",
          "origins as browsers send them, such as https://app.example or http://localhost:3000" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[CONFIG_EXPECTED_BYTES] = "";
        struct config config = { .directory = NULL };

        CHECK_CASE(!config_value_set(&config, find(cases[i].key), cases[i].text, expected), cases[i].text);
        if (strcmp(expected, cases[i].expected) != 0)
            fail_msg("%s = %s: expected %s", cases[i].key, cases[i].text, expected);
    }
}

static void words_lists_and_addresses(void **state)
{
    char expected[CONFIG_EXPECTED_BYTES];
    struct config config = { .directory = "x" };

    assert_true(config_value_set(&config, find("log.level"), "error", expected));
    assert_int_equal(config.log_level, LOG_LEVEL_ERROR);
    assert_true(config_value_set(&config, find("log.format"), "json", expected));
    assert_true(config.log_json);
    assert_true(config_value_set(&config, find("log.format"), "logfmt", expected));
    assert_false(config.log_json);
    assert_true(config_value_set(&config, find("store.index"), "type, id", expected));
    assert_int_equal(config.store.indexes, VARVE_INDEX_TYPE | VARVE_INDEX_ID);
    assert_true(config_value_set(&config, find("store.index"), "none", expected));
    assert_int_equal(config.store.indexes, 0);
    assert_true(config_value_set(&config, find("server.listen"), "127.0.0.1:1 [::1]:2", expected));
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.listen[1].text, "[::1]:2");
    assert_true(config_value_set(&config, find("http.listen"), "off", expected));
    assert_int_equal(config.http.listen_count, 0);
    assert_true(config_value_set(&config, find("http.cors_origins"),
                                 "https://a.example,http://localhost:3000,null", expected));
    assert_string_equal(config.http.cors_origins, "https://a.example,http://localhost:3000,null");
}

static void a_word_stands_for_nothing(void **state)
{
    static const struct { const char *key, *word; size_t offset; } cases[] = {
        { "server.unix", "none", offsetof(struct config, unix_path) },
        { "http.hosts", "none", offsetof(struct config, http.hosts) },
        { "http.cors_origins", "none", offsetof(struct config, http.cors_origins) },
        { "push.allow_types", "all", offsetof(struct config, push.allow_types) },
        { "push.required_fields", "none", offsetof(struct config, push.required_fields) },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[CONFIG_EXPECTED_BYTES];
        struct config config;
        const char *field;

        memset(&config, 0xff, sizeof(config));
        CHECK_CASE(config_value_set(&config, find(cases[i].key), cases[i].word, expected), cases[i].key);
        memcpy(&field, (char *)&config + cases[i].offset, sizeof(field));
        CHECK_CASE(field == NULL, cases[i].key);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_in_one_way),
        cmocka_unit_test(what_is_wrong_is_answered_with_what_is_right),
        cmocka_unit_test(words_lists_and_addresses), cmocka_unit_test(a_word_stands_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
