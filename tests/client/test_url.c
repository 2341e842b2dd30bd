/* test_url.c - what a connection string means, and what is said about one that means nothing. */
#include "support/check.h"

#include "clients/c/url.h"

static void test_good_urls(void **state)
{
    static const struct {
        const char *url;
        bool is_unix;
        const char *host, *port, *path, *shown, *name;
    } cases[] = {
        { "varve://localhost", false, "localhost", "8278", "", "localhost:8278", "" },
        { "varve://localhost/", false, "localhost", "8278", "", "localhost:8278", "" },
        { "varve://10.0.0.1:1", false, "10.0.0.1", "1", "", "10.0.0.1:1", "" },
        { "varve://a-b.example_c.net:65535?", false, "a-b.example_c.net", "65535", "", "a-b.example_c.net:65535", "" },
        { "varve://[::1]", false, "::1", "8278", "", "[::1]:8278", "" },
        { "varve://[fe80::1%eth0]:99", false, "fe80::1%eth0", "99", "", "[fe80::1%eth0]:99", "" },
        { "varve+unix:///run/varve.sock", true, "", "", "/run/varve.sock", "/run/varve.sock", "" },
        { "varve+unix:///a%20b%3fc?name=x%26y", true, "", "", "/a b?c", "/a b?c", "x&y" },
        { "varve://h?name=loader", false, "h", "8278", "", "h:8278", "loader" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_client_options options;
        struct url url;

        varve_client_options_init(&options);
        CHECK_CASE(url_parse(cases[i].url, &url, &options, NULL) == VARVE_OK, cases[i].url);
        CHECK_CASE(url.is_unix == cases[i].is_unix, cases[i].url);
        CHECK_CASE(strcmp(url.host, cases[i].host) == 0, cases[i].url);
        CHECK_CASE(strcmp(url.port, cases[i].port) == 0, cases[i].url);
        CHECK_CASE(strcmp(url.path, cases[i].path) == 0, cases[i].url);
        CHECK_CASE(strcmp(url.shown, cases[i].shown) == 0, cases[i].url);
        CHECK_CASE(strcmp(url.name, cases[i].name) == 0, cases[i].url);
    }
}

static void test_options_in_the_query_go_before_those_given(void **state)
{
    struct varve_client_options options;
    struct url url;

    varve_client_options_init(&options);
    options.max_in_flight = 3;
    options.reconnect_attempts = 4;
    assert_int_equal(url_parse("varve://h:1?connect_timeout_ms=11&request_timeout_ms=0&max_in_flight=12"
                               "&reconnect_delay_ms=13&read_credit_bytes=5000", &url, &options, NULL), VARVE_OK);
    assert_int_equal(options.connect_timeout_ms, 11);
    assert_int_equal(options.request_timeout_ms, 0);
    assert_int_equal(options.max_in_flight, 12);
    assert_int_equal(options.reconnect_delay_ms, 13);
    assert_int_equal(options.read_credit_bytes, 5000);
    assert_int_equal(options.reconnect_attempts, 4);
}

static void test_bad_urls(void **state)
{
    static const struct {
        const char *url, *field, *says;
    } cases[] = {
        { "", "url", "expected varve://" },
        { "localhost:8278", "url", "expected varve://" },
        { "http://localhost", "url", "got \"http://localhost\"" },
        { "VARVE://localhost", "url", "expected varve://" },
        { "varve://", "url", "host is missing" },
        { "varve://:8278", "url", "host is missing" },
        { "varve://h:", "url", "from 1 to 65535" },
        { "varve://h:0", "url", "from 1 to 65535" },
        { "varve://h:65536", "url", "from 1 to 65535" },
        { "varve://h:12x", "url", "from 1 to 65535" },
        { "varve://::1:8278", "url", "brackets" },
        { "varve://[::1", "url", "[address]" },
        { "varve://[::1]8278", "url", "\":port\"" },
        { "varve://[]", "url", "[address]" },
        { "varve://user:pw@h:1", "url", "password" },
        { "varve://user@h", "url", "password" },
        { "varve://h/path", "url", "path" },
        { "varve://h h", "url", "character" },
        { "varve+unix://relative", "url", "absolute" },
        { "varve+unix://", "url", "absolute" },
        { "varve+unix:///a%2", "url", "escape" },
        { "varve+unix:///a%zz", "url", "escape" },
        { "varve+unix:///a%00b", "url", "escape" },
        { "varve://h?max_in_flight", "url", "name=value" },
        { "varve://h?=1", "url", "name=value" },
        { "varve://h?tls=1", "url", "\"tls\"" },
        { "varve://h?max_in_flight=0", "max_in_flight", "from 1 to" },
        { "varve://h?name=a%0ab", "name", "" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_client_options options;
        struct varve_error error = { .status = VARVE_OK };
        struct url url;

        varve_client_options_init(&options);
        CHECK_CASE(url_parse(cases[i].url, &url, &options, &error) == VARVE_INVALID_ARGUMENT, cases[i].url);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].url);
        CHECK_CASE(strstr(error.message, cases[i].says) != NULL, cases[i].url);
    }
    assert_int_equal(url_parse(NULL, &(struct url){ 0 }, &(struct varve_client_options){ 0 }, NULL),
                     VARVE_INVALID_ARGUMENT);
}

static void test_lengths_at_the_edge(void **state)
{
    struct varve_client_options options;
    struct url url;
    char text[512];

    varve_client_options_init(&options);
    snprintf(text, sizeof(text), "varve+unix:///%0106d", 0);
    assert_int_equal(url_parse(text, &url, &options, NULL), VARVE_OK);
    assert_int_equal(strlen(url.path), 107);
    snprintf(text, sizeof(text), "varve+unix:///%0107d", 0);
    assert_int_equal(url_parse(text, &url, &options, NULL), VARVE_INVALID_ARGUMENT);
    snprintf(text, sizeof(text), "varve://%0255d", 0);
    assert_int_equal(url_parse(text, &url, &options, NULL), VARVE_OK);
    snprintf(text, sizeof(text), "varve://%0256d", 0);
    assert_int_equal(url_parse(text, &url, &options, NULL), VARVE_INVALID_ARGUMENT);
    snprintf(text, sizeof(text), "varve://h?name=%0128d", 0);
    assert_int_equal(url_parse(text, &url, &options, NULL), VARVE_OK);
    snprintf(text, sizeof(text), "varve://h?name=%0129d", 0);
    assert_int_equal(url_parse(text, &url, &options, NULL), VARVE_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_urls),
        cmocka_unit_test(test_options_in_the_query_go_before_those_given),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_lengths_at_the_edge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
