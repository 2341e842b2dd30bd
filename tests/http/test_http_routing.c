/* test_http_routing.c - methods and paths: to their handlers, or to an answer that helps. */
#include "fixture.h"

#define ASK(method, path, more) method " " path " HTTP/1.1\r\nHost: localhost\r\n" more "Connection: close\r\n\r\n"

static void expect(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no %s in %s", text, answer);
}

static void paths(void **state)
{
    struct fixture *f = fixture_open("");

    expect(ask(f, ASK("GET", "/parts/x%2Fy/z", "")), "a=x/y b=z");
    expect(ask(f, ASK("GET", "/parts/x/y/", "")), "a=x b=y");
    expect(ask(f, ASK("GET", "/parts/x", "")), "404 Not Found");
    expect(ask(f, ASK("GET", "/partz/x/y", "")), "did you mean /parts/{a}/{b}?");
    expect(ask(f, ASK("POST", "/bodyy", "")), "did you mean /body?"); /* Of /body and /nobody the nearer one. */
    expect(ask(f, ASK("GET", "/V1", "")), "nothing is at /V1; did you mean /v1? (see /)");
    expect(ask(f, ASK("GET", "/quite/else", "")), "nothing is at /quite/else (see /)");
    fixture_close(f);
}

static void methods(void **state)
{
    struct fixture *f = fixture_open("");
    const char *answer = ask(f, ASK("PUT", "/wait", ""));

    expect(answer, "405 Method Not Allowed");
    expect(answer, "Allow: GET, HEAD, POST, OPTIONS\r\n");
    expect(ask(f, ASK("FROB", "/body", "")), "Allow: POST, OPTIONS\r\n");
    expect(ask(f, ASK("HEAD", "/body", "")), "405 Method Not Allowed");
    expect(ask(f, ASK("TRACE", "/", "")), "405 Method Not Allowed");
    expect(ask(f, ASK("CONNECT", "localhost:80", "")), "400 Bad Request");
    expect(ask(f, ASK("get", "/", "")), "405 Method Not Allowed");
    answer = ask(f, ASK("OPTIONS", "/wait", ""));
    expect(answer, "204 No Content");
    expect(answer, "Allow: GET, HEAD, POST, OPTIONS\r\n");
    assert_null(strstr(answer, "Access-Control"));
    fixture_close(f);
}

static void questions_of_browsers(void **state)
{
    struct fixture *f = fixture_open("--http.cors_origins https://app.example");
    const char *answer = ask(f, ASK("OPTIONS", "/body", "Origin: https://app.example\r\n"
                                                        "Access-Control-Request-Method: POST\r\n"));

    expect(answer, "204 No Content");
    expect(answer, "Access-Control-Allow-Origin: https://app.example\r\n");
    expect(answer, "Access-Control-Allow-Headers: Content-Type, Last-Event-ID\r\n");
    answer = ask(f, ASK("OPTIONS", "/body", "Origin: https://evil.example\r\n"));
    assert_null(strstr(answer, "Access-Control"));
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(methods),
        cmocka_unit_test(questions_of_browsers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
