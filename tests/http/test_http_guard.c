/* test_http_guard.c - whose requests are looked at: framing, Host, Origin, content types. */
#include "fixture.h"

#include <stdlib.h>

static void hosts(void **state)
{
    static const struct {
        const char *host;
        bool known;
    } cases[] = {
        { "127.0.0.1", true }, { "127.0.0.1:8279", true }, { "127.1.2.3", true }, { "[::1]", true },
        { "[::1]:8279", true }, { "localhost", true }, { "LOCALHOST:1", true }, { "localhost.", true },
        { "varve.local", true }, { "Varve.Local:80", true }, { "other", true },
        { "", false }, { ":80", false }, { "evil.example", false }, { "localhost.evil.example", false },
        { "127.0.0.1.evil.example", false }, { "128.0.0.1", false }, { "[::2]", false }, { "[::1", false },
        { "localhost:evil.example", false }, { "localhost:1@evil.example", false }, { "[::1].evil.example", false },
        { "[::1]:x", false }, { "[", false }, { "localhost:", true },
        { "varve", false }, { "0.0.0.0", false }, { "127.1", false }, { "evil.example:127.0.0.1", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (http_host_is_known(varve_view_str(cases[i].host), "varve.local, other") != cases[i].known)
            fail_msg("%s", cases[i].host);
    assert_false(http_host_is_known(varve_view_str("varve.local"), NULL));
}

static void lists(void **state)
{
    assert_true(http_list_has("a, b\tc,d", varve_view_str("d")));
    assert_true(http_list_has("A", varve_view_str("a")));
    assert_false(http_list_has("ab", varve_view_str("a")));
    assert_false(http_list_has("", varve_view_str("a")));
    assert_false(http_list_has(" , ", varve_view_str("")));
    assert_false(http_list_has(NULL, varve_view_str("a")));
}

struct question {
    const char *head; /* behind it comes `Connection: close`, when it says `Host`, and the empty line */
    int status;
};

static void ask_all(struct fixture *f, const struct question *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char request[1024];
        int status;

        snprintf(request, sizeof(request), "%s\r\nConnection: close\r\n\r\n", questions[i].head);
        status = ask_status(f, request);
        if (status != questions[i].status)
            fail_msg("%s: %d, not %d", questions[i].head, status, questions[i].status);
    }
}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void who_may_ask(void **state)
{
    static const struct question questions[] = {
        { "GET /v1/echo HTTP/1.1\r\nHost: localhost", 200 },
        { "GET /v1/echo HTTP/1.0", 200 },
        { "GET http://localhost/v1/echo HTTP/1.1\r\nHost: localhost", 200 },
        { "GET /v1/echo HTTP/1.1\r\nHost: evil.example", 421 },
        { "GET http://evil.example/v1/echo HTTP/1.1\r\nHost: localhost", 421 },
        { "GET http://localhost/v1/echo HTTP/1.1\r\nHost: evil.example", 421 },
        { "GET /v1/echo HTTP/1.1", 400 },
        { "GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 400 },
        { "GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example", 200 },
        { "POST /body HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0", 403 },
        { "POST /body HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nContent-Length: 0", 403 },
        { "POST /body HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost\r\nContent-Length: 0", 403 },
        { "POST /body HTTP/1.1\r\nHost: localhost:1\r\nOrigin: http://localhost:1\r\nContent-Length: 0", 200 },
        { "POST /body HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\nContent-Length: 0", 200 },
        { "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0", 200 },
        { "DELETE /v1/echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example", 403 },
    };
    struct fixture *f = fixture_open("--http.cors_origins https://app.example");

    ask_all(f, questions, COUNT(questions));
    fixture_close(f);
}

/* What could be understood in two ways: refused, and the connection ends, so that nothing hides behind it. */
static void framing(void **state)
{
#define POST "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    static const struct question questions[] = {
        { POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400 },
        { POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400 },
        { POST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400 },
        { POST "Content-Length: 2, 2\r\n\r\n{}", 400 },
        { POST "Content-Length: +2\r\n\r\n{}", 400 },
        { POST "Content-Length: -2\r\n\r\n{}", 400 },
        { POST "Content-Length: 0x2\r\n\r\n{}", 400 },
        { POST "Content-Length:\r\n\r\n{}", 400 },
        { POST "Content-Length : 2\r\n\r\n{}", 400 },
        { POST "Content-Length: 99999999999999999999\r\n\r\n{}", 413 },
        { POST "Content-Length: 18446744073709551615\r\n\r\n{}", 413 },
        { "POST /body HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
          "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400 },
        { POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
        { POST "Transfer-Encoding: xchunked\r\n\r\n", 501 },
        { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
        { POST "X Y: 1\r\nContent-Length: 2\r\n\r\n{}", 400 },
        { POST "X: a\rb\r\nContent-Length: 2\r\n\r\n{}", 400 },
        { POST "X: \x01\r\nContent-Length: 2\r\n\r\n{}", 400 },
        { POST "no colon\r\nContent-Length: 2\r\n\r\n{}", 400 },
    };
    struct fixture *f = fixture_open("");

    for (size_t i = 0; i < COUNT(questions); i++) {
        char request[1024];
        const char *answer;

        snprintf(request, sizeof(request), "%sGET /v1/echo?text=smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 questions[i].head);
        answer = ask(f, request); /* It ends: the connection was closed. */
        if (strstr(answer, "smuggled") != NULL || strncmp(answer, "HTTP/1.1 ", 9) != 0 ||
            atoi(answer + 9) != questions[i].status)
            fail_msg("%s: %s", questions[i].head, answer);
    }
    fixture_close(f);
}

static void content_types(void **state)
{
#define BODY "POST /body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\nContent-Type: "
    struct fixture *f = fixture_open("");

    assert_int_equal(ask_status(f, BODY "application/json\r\n\r\n{}"), 200);
    assert_int_equal(ask_status(f, BODY "Application/JSON; charset=utf-8\r\n\r\n{}"), 200);
    assert_int_equal(ask_status(f, BODY "text/plain\r\n\r\n{}"), 415);
    assert_int_equal(ask_status(f, BODY "application/jsonx\r\n\r\n{}"), 415);
    assert_int_equal(ask_status(f, "POST /body HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                                   "Content-Length: 2\r\n\r\n{}"), 415);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts),
        cmocka_unit_test(lists),
        cmocka_unit_test(who_may_ask),
        cmocka_unit_test(framing),
        cmocka_unit_test(content_types),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
