/* test_config.c - the command line of varved. */
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server/config.h"

enum { MAX_ARGUMENTS = 24 };

static enum config_action parse(const char *line, struct config *ret, char *error, size_t room)
{
    static char copy[512];
    char *argv[MAX_ARGUMENTS + 1] = { "varved" };
    int argc = 1;

    snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok(copy, " "); word != NULL && argc < MAX_ARGUMENTS; word = strtok(NULL, " "))
        argv[argc++] = word;
    return config_parse(argc, argv, ret, error, room);
}

static void sizes(void **state)
{
    static const struct { const char *text; bool good; uint64_t bytes; } cases[] = {
        { "0", true, 0 }, { "4096", true, 4096 }, { "1B", true, 1 }, { "64KiB", true, 65536 }, { "64K", true, 65536 },
        { "64MiB", true, 64ull << 20 }, { "2G", true, 2ull << 30 }, { "1TiB", true, 1ull << 40 },
        { "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
        { "8388608TiB", false, 0 }, { "8388607TiB", true, 8388607ull << 40 },
        { "", false, 0 }, { "-1", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 }, { "1 MiB", false, 0 },
        { "1mib", false, 0 }, { "1MB", false, 0 }, { "MiB", false, 0 }, { "0x10", false, 0 }, { "1.5GiB", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t bytes = 0;

        CHECK_CASE(config_parse_size(cases[i].text, &bytes) == cases[i].good, cases[i].text);
        CHECK_CASE(bytes == cases[i].bytes, cases[i].text);
    }
}

static void durations(void **state)
{
    static const struct { const char *text; bool good; uint64_t ms; } cases[] = {
        { "30", true, 30000 }, { "30s", true, 30000 }, { "250ms", true, 250 }, { "5m", true, 300000 },
        { "2h", true, 7200000 }, { "0", true, 0 }, { "", false, 0 }, { "s", false, 0 }, { "1d", false, 0 },
        { "-5s", false, 0 }, { "9223372036854775807h", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t ms = 0;

        CHECK_CASE(config_parse_duration(cases[i].text, &ms) == cases[i].good, cases[i].text);
        CHECK_CASE(ms == cases[i].ms, cases[i].text);
    }
}

static void addresses(void **state)
{
    static const struct { const char *text; int family; uint16_t port; const char *complaint; } cases[] = {
        { "127.0.0.1:8278", AF_INET, 8278, NULL },
        { "127.9.8.7:0", AF_INET, 0, NULL },
        { "localhost:65535", AF_INET, 65535, NULL },
        { "[::1]:9000", AF_INET6, 9000, NULL },
        { "0.0.0.0:8278", 0, 0, "no TLS" },
        { "192.168.1.1:8278", 0, 0, "no TLS" },
        { "[::]:8278", 0, 0, "no TLS" },
        { "[::ffff:127.0.0.1]:1", 0, 0, "no TLS" },
        { "::1:8278", 0, 0, "HOST:PORT" },
        { "127.0.0.1", 0, 0, "HOST:PORT" },
        { "127.0.0.1:", 0, 0, "HOST:PORT" },
        { "127.0.0.1:65536", 0, 0, "HOST:PORT" },
        { "127.0.0.1:12x", 0, 0, "HOST:PORT" },
        { ":8278", 0, 0, "HOST:PORT" },
        { "example.org:8278", 0, 0, "numeric" },
        { "127.0.0.256:1", 0, 0, "numeric" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sockaddr_storage address = { .ss_family = 0 };
        char error[512] = "";
        bool good = config_parse_address(cases[i].text, &address, error, sizeof(error));

        CHECK_CASE(good == (cases[i].complaint == NULL), cases[i].text);
        if (!good) {
            CHECK_CASE(strstr(error, cases[i].complaint) != NULL, cases[i].text);
            CHECK_CASE(strstr(error, cases[i].text) != NULL, cases[i].text);
            continue;
        }
        uint16_t port = address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                     : ((struct sockaddr_in6 *)&address)->sin6_port;
        CHECK_CASE(address.ss_family == cases[i].family && ntohs(port) == cases[i].port, cases[i].text);
    }
}

static void defaults(void **state)
{
    struct config config;
    char error[512];

    assert_int_equal(parse("", &config, error, sizeof(error)), CONFIG_SERVE);
    assert_string_equal(config.directory, "varve-data");
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0].text, "127.0.0.1:8278");
    assert_null(config.unix_path);
    assert_int_equal(config.max_connections, 1024);
    assert_int_equal(config.max_requests, 256);
    assert_int_equal(config.send_timeout_ms, 30000);
    assert_int_equal(config.store.indexes, VARVE_INDEX_ALL);
    assert_true(config.store.create);
}

static void all_options(void **state)
{
    struct config config;
    char error[512];

    assert_int_equal(parse("--listen 127.0.0.1:1 --listen=[::1]:2 --unix /tmp/x.sock --log-format json "
                           "--log-level warn --max-event-bytes 2MiB --index type,id --settle-events 7 "
                           "--disk-reserve 1GiB data", &config, error, sizeof(error)), CONFIG_SERVE);
    assert_string_equal(config.directory, "data");
    assert_int_equal(config.listen_count, 2);
    assert_string_equal(config.unix_path, "/tmp/x.sock");
    assert_true(config.log_json);
    assert_int_equal(config.log_level, LOG_LEVEL_WARN);
    assert_int_equal(config.store.max_event_bytes, 2 << 20);
    assert_int_equal(config.store.indexes, VARVE_INDEX_TYPE | VARVE_INDEX_ID);
    assert_int_equal(config.store.settle_events, 7);
    assert_int_equal(config.store.disk_reserve_bytes, 1ull << 30);
}

static void unix_alone_means_no_tcp(void **state)
{
    struct config config;
    char error[512];

    assert_int_equal(parse("--unix x.sock", &config, error, sizeof(error)), CONFIG_SERVE);
    assert_int_equal(config.listen_count, 0);
}

static void wrong_lines(void **state)
{
    static const struct { const char *line, *complaint; } cases[] = {
        { "--no-such-option", "no such option" },
        { "--listen", "needs a value" },
        { "one two", "one directory" },
        { "--max-connections 0", "1 to 100000" },
        { "--max-connections many", "not a number" },
        { "--max-connections 12x", "not a number" },
        { "--max-event-bytes 17MiB", "--max-event-bytes" },
        { "--max-event-bytes lots", "not a size" },
        { "--send-timeout 5x", "not a time" },
        { "--index type,colour", "--index" },
        { "--index type,", "--index" },
        { "--log-level loud", "--log-level" },
        { "--log-format xml", "--log-format" },
        { "--segment-size 1000001", "multiple of 4096" },
        { "--segment-size 1MiB", "--max-append-bytes" },
        { "--listen 10.0.0.1:1", "no TLS" },
        { "--unix= x", "must not be empty" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config;
        char error[512] = "";

        CHECK_CASE(parse(cases[i].line, &config, error, sizeof(error)) == CONFIG_WRONG, cases[i].line);
        CHECK_CASE(strstr(error, cases[i].complaint) != NULL, cases[i].line);
        CHECK_CASE(strchr(error, '\n') == NULL, cases[i].line);
    }
}

static void help_and_version(void **state)
{
    struct config config;
    char error[512], text[8192] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    assert_int_equal(parse("--version", &config, error, sizeof(error)), CONFIG_VERSION);
    assert_int_equal(parse("--listen 127.0.0.1:1 --help", &config, error, sizeof(error)), CONFIG_HELP);
    config_print_help(out);
    fclose(out);
    assert_non_null(strstr(text, "examples:"));
    assert_non_null(strstr(text, "--max-append-bytes SIZE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes), cmocka_unit_test(durations), cmocka_unit_test(addresses), cmocka_unit_test(defaults),
        cmocka_unit_test(all_options), cmocka_unit_test(unix_alone_means_no_tcp), cmocka_unit_test(wrong_lines),
        cmocka_unit_test(help_and_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
