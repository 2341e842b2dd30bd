/* test_config.c - defaults, precedence, and all mistakes at once. */
#include "config_lines.h"
#include "support/check.h"

#include <stdlib.h>
#include <unistd.h>

static void defaults(void **state)
{
    struct config config;

    config_line_good("", "", &config);
    assert_string_equal(config.directory, "varve-data");
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0].text, "127.0.0.1:8278");
    assert_null(config.unix_path);
    assert_int_equal(config.max_connections, 1024);
    assert_int_equal(config.max_requests, 256);
    assert_int_equal(config.send_timeout_ms, 30000);
    assert_int_equal(config.store.indexes, VARVE_INDEX_ALL);
    assert_true(config.store.create);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_false(config.log_json);
    assert_int_equal(config.http.listen_count, 1);
    assert_string_equal(config.http.listen[0].text, "127.0.0.1:8279");
    assert_int_equal(config.http.max_body_bytes, 8 << 20);
    assert_null(config.http.hosts);
    assert_null(config.push.allow_types);
    assert_int_equal(config.push.max_clients, 2048);
    assert_int_equal(config.outbox_halted_after_ms, 60000);
    assert_int_equal(config.metrics_label_values, 200);
    assert_int_equal(config.slow_request_ms, 1000);
    assert_int_equal(config.value_count, config_key_count);
    for (size_t i = 0; i < config.value_count; i++) {
        CHECK_CASE(strcmp(config.values[i].text, config_keys[i].otherwise) == 0, config_keys[i].name);
        CHECK_CASE(strcmp(config.values[i].origin, "default") == 0, config_keys[i].name);
    }
    config_end(&config);
}

static void everything_that_is_wrong_is_told(void **state)
{
    struct config_complaints complaints;
    struct config config;

    assert_int_equal(config_line("--readers 0 --log-level loud --nonsense", "VARVED_LOG__FORMAT=xml", &config,
                                 &complaints), CONFIG_WRONG);
    assert_int_equal(complaints.count, 4);
    for (size_t i = 0; i < complaints.count; i++)
        assert_null(strchr(complaints.lines[i], '\n'));
}

static void the_file_comes_last(void **state)
{
    char path[] = "/tmp/varve-config-XXXXXX", line[256], complaint[256], origin[64];
    FILE *file = fdopen(mkstemp(path), "w");
    struct config config;

    assert_non_null(file);
    fputs("[server]\nreaders = 3\nmax_requests = 3\nmax_connections = 3\n[outbox loans]\nbrokers = a:1\n", file);
    assert_int_equal(fflush(file), 0);
    snprintf(line, sizeof(line), "--config %s --readers 5 data", path);
    config_line_good(line, "VARVED_SERVER__READERS=4 VARVED_SERVER__MAX_REQUESTS=4", &config);
    assert_int_equal(config.reader_threads, 5);
    assert_int_equal(config.max_requests, 4);
    assert_int_equal(config.max_connections, 3);
    snprintf(origin, sizeof(origin), "%s:4", path);
    assert_string_equal(config_line_value(&config, "server.max_connections")->origin, origin);
    assert_int_equal(config.outboxes.count, 1);
    assert_string_equal(config.directory, "data");
    config_end(&config);

    fputs("brokres = x\n", file);
    fclose(file);
    snprintf(complaint, sizeof(complaint), "%s:7: brokres: no such key; did you mean brokers?", path);
    config_line_bad(line, "", complaint);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(everything_that_is_wrong_is_told),
        cmocka_unit_test(the_file_comes_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
