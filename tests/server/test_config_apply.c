/* test_config_apply.c - what holds in the end, and what only all keys together can tell. */
#include "config_lines.h"
#include "support/check.h"

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
        { "--push.fields a,b..c", "--push.fields: push.fields: \"b..c\" is not a name, or names parted by single "
          "dots" },
        { "--push.uuid_fields data.id,corelation_id", "--push.uuid_fields: push.uuid_fields: an event has no member "
          "\"corelation_id\"; did you mean correlation_id?; members of its data are data.NAME" },
        { "--config /no/such/file", "/no/such/file: cannot be opened: No such file or directory" },
        { "--kafka a:x", "--kafka: brokers: a:x: expected HOST:PORT,HOST:PORT such as 127.0.0.1:9092" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_bad(cases[i].line, "", cases[i].complaint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unix_alone_means_no_tcp), cmocka_unit_test(what_is_shown_is_written_in_one_way),
        cmocka_unit_test(keys_must_fit_each_other),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
