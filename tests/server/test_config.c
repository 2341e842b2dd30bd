/* test_config.c - what holds in the end, and what only all keys together can tell. */
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

static void unix_alone_means_no_tcp(void **state)
{
    struct config config;

    config_line_good("--unix x.sock", "", &config);
    assert_int_equal(config.listen_count, 0);
    assert_string_equal(config_line_value(&config, "server.listen")->text, "off");
    config_end(&config);
    config_line_good("--unix x.sock --listen 127.0.0.1:8278", "", &config);
    assert_int_equal(config.listen_count, 1);
    config_end(&config);
}

static void what_is_shown_is_written_in_one_way(void **state)
{
    struct config config;

    config_line_good("--max-output 65536 --send-timeout 60", "", &config);
    assert_string_equal(config_line_value(&config, "server.max_output")->text, "64KiB");
    assert_string_equal(config_line_value(&config, "server.send_timeout")->text, "1m");
    config_end(&config);
}

static void keys_must_fit_each_other(void **state)
{
    static const struct { const char *line, *complaint; } cases[] = {
        { "--listen off", "--listen: server.listen = off: expected an address, as server.unix is none" },
        { "--segment-size 1000001", "--segment-size: store.segment_size = 1000001: expected a multiple of 4096 bytes" },
        { "--segment-size 1MiB", "default: store.max_append_bytes = 8MiB: expected at most 1044480, as it must fit a "
          "segment (store.segment_size = 1MiB) with 4096 bytes to spare" },
        { "--config /no/such/file", "/no/such/file: cannot be opened: No such file or directory" },
        { "--kafka a:1 --kafka-mock", "--kafka-mock: excludes --kafka a:1" },
        { "--kafka a:x", "--kafka kafka: brokers: a:x: expected HOST:PORT,HOST:PORT such as 127.0.0.1:9092" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_bad(cases[i].line, "", cases[i].complaint);
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

static void outboxes_come_from_a_file_and_from_the_line(void **state)
{
    char path[] = "/tmp/varve-config-XXXXXX", line[256], complaint[256];
    FILE *file = fdopen(mkstemp(path), "w");
    struct config config;

    assert_non_null(file);
    fputs("[outbox loans]\nbrokers = a:1\n", file);
    assert_int_equal(fflush(file), 0);
    snprintf(line, sizeof(line), "--config %s --kafka b:2 data", path);
    config_line_good(line, "", &config);
    assert_int_equal(config.outboxes.count, 2);
    assert_string_equal(config.outboxes.all[0]->name, "loans");
    assert_string_equal(config.outboxes.all[1]->name, "kafka");
    assert_string_equal(config.outboxes.all[1]->brokers, "b:2");
    assert_string_equal(config.directory, "data");
    config_end(&config);

    fputs("brokres = x\n", file);
    fclose(file);
    snprintf(complaint, sizeof(complaint), "%s:3: brokres: no such key; did you mean brokers?", path);
    config_line_bad(line, "", complaint);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(unix_alone_means_no_tcp),
        cmocka_unit_test(what_is_shown_is_written_in_one_way), cmocka_unit_test(keys_must_fit_each_other),
        cmocka_unit_test(everything_that_is_wrong_is_told),
        cmocka_unit_test(outboxes_come_from_a_file_and_from_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
