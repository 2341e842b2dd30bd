/* test_config_address.c - where may varved listen? */
#include "support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server/config_address.h"

static void addresses(void **state)
{
    static const struct { const char *text; int family; uint16_t port; const char *expected; } cases[] = {
        { "127.0.0.1:8278", AF_INET, 8278, NULL },
        { "127.9.8.7:0", AF_INET, 0, NULL },
        { "localhost:65535", AF_INET, 65535, NULL },
        { "[::1]:9000", AF_INET6, 9000, NULL },
        { "0.0.0.0:8278", 0, 0, "no TLS" },
        { "192.168.1.1:8278", 0, 0, "no TLS" },
        { "[::]:8278", 0, 0, "no TLS" },
        { "[::ffff:127.0.0.1]:1", 0, 0, "no TLS" },
        { "::1:8278", 0, 0, "" },
        { "127.0.0.1", 0, 0, "" },
        { "127.0.0.1:", 0, 0, "" },
        { "127.0.0.1:65536", 0, 0, "" },
        { "127.0.0.1:12x", 0, 0, "" },
        { ":8278", 0, 0, "" },
        { "example.org:8278", 0, 0, "numeric" },
        { "127.0.0.256:1", 0, 0, "numeric" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sockaddr_storage address = { .ss_family = 0 };
        const char *expected;
        bool good = config_parse_address(cases[i].text, &address, &expected);

        CHECK_CASE(good == (cases[i].expected == NULL), cases[i].text);
        if (!good) {
            CHECK_CASE((expected == NULL) == (cases[i].expected[0] == 0), cases[i].text);
            CHECK_CASE(expected == NULL || strstr(expected, cases[i].expected) != NULL, cases[i].text);
            continue;
        }
        char text[64];
        const char *numeric = strncmp(cases[i].text, "localhost:", 10) == 0 ? "127.0.0.1:65535" : cases[i].text;
        CHECK_CASE(address.ss_family == cases[i].family, cases[i].text);
        CHECK_CASE(config_format_address(&address, text, sizeof(text)) == cases[i].port, cases[i].text);
        CHECK_CASE(strcmp(text, numeric) == 0, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(addresses) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
