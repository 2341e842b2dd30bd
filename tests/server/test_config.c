/* test_config.c - the command line of varved. */
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

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
        { "--config /no/such/file", "--config /no/such/file: cannot be opened: No such file" },
        { "--kafka a:1 --kafka b:1", "--kafka b:1: may be given once, was a:1" },
        { "--kafka a:1 --kafka-mock", "--kafka-mock: excludes --kafka a:1" },
        { "--kafka a:x", "--kafka kafka: brokers: a:x: expected HOST:PORT" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config;
        char error[512] = "";

        CHECK_CASE(parse(cases[i].line, &config, error, sizeof(error)) == CONFIG_WRONG, cases[i].line);
        CHECK_CASE(strstr(error, cases[i].complaint) != NULL, cases[i].line);
        CHECK_CASE(strchr(error, '\n') == NULL, cases[i].line);
    }
}

static void outboxes_come_from_a_file_and_from_the_line(void **state)
{
    struct config config;
    char error[512], path[] = "/tmp/varve-config-XXXXXX", line[256];
    FILE *file = fdopen(mkstemp(path), "w");

    assert_non_null(file);
    fputs("[outbox loans]\nbrokers = a:1\n", file);
    assert_int_equal(fflush(file), 0);
    snprintf(line, sizeof(line), "--config %s --kafka b:2 data", path);
    assert_int_equal(parse(line, &config, error, sizeof(error)), CONFIG_SERVE);
    assert_int_equal(config.outboxes.count, 2);
    assert_string_equal(config.outboxes.all[0]->name, "loans");
    assert_string_equal(config.outboxes.all[1]->name, "kafka");
    assert_string_equal(config.outboxes.all[1]->brokers, "b:2");
    assert_string_equal(config.directory, "data");
    config_end(&config);

    fputs("brokres = x\n", file);
    fclose(file);
    assert_int_equal(parse(line, &config, error, sizeof(error)), CONFIG_WRONG);
    assert_non_null(strstr(error, ":3: brokres: no such key; did you mean brokers?"));
    unlink(path);
}

static void help_and_version(void **state)
{
    struct config config;
    char error[512], text[8192] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    assert_int_equal(parse("--version", &config, error, sizeof(error)), CONFIG_VERSION);
    assert_int_equal(parse("--listen 127.0.0.1:1 --help", &config, error, sizeof(error)), CONFIG_HELP);
    assert_int_equal(parse("--kafka a:1 --help-config", &config, error, sizeof(error)), CONFIG_HELP_CONFIG);
    config_print_help(out);
    fclose(out);
    assert_non_null(strstr(text, "examples:"));
    assert_non_null(strstr(text, "--max-append-bytes SIZE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(defaults),
        cmocka_unit_test(all_options), cmocka_unit_test(unix_alone_means_no_tcp), cmocka_unit_test(wrong_lines),
        cmocka_unit_test(outboxes_come_from_a_file_and_from_the_line), cmocka_unit_test(help_and_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
