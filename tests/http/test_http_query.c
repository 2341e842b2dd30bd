/* test_http_query.c - parameters: known ones, and what they may say. */
#include "fixture.h"

static void check(struct fixture *f, const char *path, const char *text)
{
    char request[256];
    const char *answer;

    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    answer = ask(f, request);
    if (strstr(answer, text) == NULL)
        fail_msg("%s: no %s in %s", path, text, answer);
}

static void what_they_say(void **state)
{
    static const struct {
        const char *path, *answer;
    } cases[] = {
        { "/numbers", "limit=7 flag=0 since=-1" },
        { "/numbers?limit=1000&flag=true", "limit=1000 flag=1" },
        { "/numbers?flag", "flag=1" },
        { "/numbers?flag=false", "flag=0" },
        { "/numbers?since=1970-01-01T00:00:01Z", "since=1000000" },
        { "/numbers?since=1970-01-01T01:00:01%2B01:00", "since=1000000" },
        { "/numbers?since=1970-01-02", "since=86400000000" },
        { "/numbers?limit=0", "limit=0: expected a number, 1 to 1000\",\"field\":\"limit\"" },
        { "/numbers?limit=1001", "expected a number, 1 to 1000" },
        { "/numbers?limit=", "expected a number" },
        { "/numbers?limit=-1", "expected a number" },
        { "/numbers?limit=1x", "expected a number" },
        { "/numbers?limit=18446744073709551616", "expected a number" },
        { "/numbers?flag=1", "flag=1: expected true or false\",\"field\":\"flag\"" },
        { "/numbers?flag=", "expected true or false" },
        { "/numbers?since=yesterday", "since=yesterday: expected a time" },
        { "/numbers?limits=1", "GET /numbers has no parameter limits; did you mean limit?\",\"field\":\"limits\"" },
        { "/?x", "GET / has no parameter x\"" },
        { "/v1/echo?text=%C3%A4%20%26", "text=\xc3\xa4 &" },
    };
    struct fixture *f = fixture_open("");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check(f, cases[i].path, cases[i].answer);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
