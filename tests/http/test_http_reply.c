/* test_http_reply.c - answers: what they say of themselves, problems, and what is said without memory. */
#include "fixture.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static void expect(const char *answer, const char *text)
{
    if (strstr(answer, text) == NULL)
        fail_msg("no %s in %s", text, answer);
}

static void every_answer(void **state)
{
    struct fixture *f = fixture_open("");
    const char *answer = ask(f, GET("/v1/echo?text=a"));

    expect(answer, "HTTP/1.1 200 OK\r\n");
    expect(answer, "Content-Type: text/plain\r\n");
    expect(answer, "Cache-Control: no-store\r\n");
    expect(answer, "X-Content-Type-Options: nosniff\r\n");
    expect(answer, "X-Test: yes\r\n");
    expect(answer, "Content-Length: 13\r\n");
    expect(answer, "\r\n\r\ntext=a agent=");
    assert_null(strstr(answer, "Access-Control"));
    answer = ask(f, "HEAD /v1/echo?text=a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    expect(answer, "Content-Length: 13\r\n");
    assert_null(strstr(answer, "text=a"));
    fixture_close(f);
}

static void problems(void **state)
{
    struct fixture *f = fixture_open("");
    const char *answer = ask(f, GET("/conflict"));

    expect(answer, "HTTP/1.1 409 Conflict\r\n");
    expect(answer, "Content-Type: application/problem+json\r\n");
    expect(answer, "{\"type\":\"urn:varve:error:WRONG_EXPECTED_VERSION\",\"title\":\"a stream is not at the "
                   "version the append expected\",\"status\":409,\"code\":\"WRONG_EXPECTED_VERSION\",\"detail\":"
                   "\"it is at \\\"2\\\", not 1: ?\",\"field\":\"streams[0]\",\"conflicts\":[2]}\n");
    answer = ask(f, GET("/overloaded"));
    expect(answer, "HTTP/1.1 429 Too Many Requests\r\n");
    expect(answer, "Retry-After: 2\r\n");
    expect(answer, "\"retry_after_ms\":1500}");
    expect(ask(f, GET("/failed")), "HTTP/1.1 503 Service Unavailable\r\n");
    assert_int_equal(figure_get(&f->server.figures.http_requests_failed), 3);
    fixture_close(f);
}

static void pages_that_may_read(void **state)
{
#define FROM(origin) "GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nOrigin: " origin "\r\nConnection: close\r\n\r\n"
    struct fixture *f = fixture_open("--http.cors_origins https://app.example,http://localhost:3000");
    const char *answer = ask(f, FROM("http://localhost:3000"));

    expect(answer, "Access-Control-Allow-Origin: http://localhost:3000\r\n");
    expect(answer, "Vary: Origin\r\n");
    answer = ask(f, FROM("https://evil.example"));
    assert_null(strstr(answer, "Access-Control-Allow-Origin"));
    expect(answer, "Vary: Origin\r\n");
    fixture_close(f);
}

/* Each code has a status, and none is taken for a success. */
static void statuses(void **state)
{
#define VARVE_ERROR(number, name, retryable, details, meaning) assert_true(http_status_of(VARVE_##name) >= 400);
#include "varve/errors.def"
#undef VARVE_ERROR
    assert_int_equal(http_status_of(VARVE_OK), 200);
    assert_int_equal(http_status_of(VARVE_NOT_READY), 503);
    assert_int_equal(http_status_of(VARVE_STREAM_NOT_FOUND), 404);
    assert_int_equal(http_status_of(VARVE_CORRUPT), 500);
}

static void a_large_one(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, GET("/big"));
    client_wait_for(c, "Content-Length: 8388608\r\n");
    assert_true(f->server.budget.used_bytes > 8 << 20); /* Charged until it is sent. */
    client_wait_for_end(c);
    while (f->server.budget.used_bytes > 0)
        fixture_turn(f);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer),
        cmocka_unit_test(problems),
        cmocka_unit_test(pages_that_may_read),
        cmocka_unit_test(statuses),
        cmocka_unit_test(a_large_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
