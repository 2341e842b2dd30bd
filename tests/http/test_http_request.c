/* test_http_request.c - the life of requests: in a row, waiting, with bodies in pieces, too large, refused. */
#include "fixture.h"

#include <stdlib.h>

static bool is_waiting(void *user)
{
    return ((struct fixture *)user)->waiting != NULL;
}

static void one_after_the_other(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, "GET /v1/echo?text=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                   "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: 2\r\n\r\n{}"
                   "GET /v1/echo?text=3 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait_for(c, "text=3");
    assert_true(strstr(c->text, "text=1") < strstr(c->text, "body of 2: {}"));
    assert_true(strstr(c->text, "body of 2: {}") < strstr(c->text, "text=3"));
    assert_int_equal(figure_get(&f->server.figures.http_requests), 3);
    client_close(c);
    fixture_close(f);
}

static void byte_by_byte(void **state)
{
    static const char request[] = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n"
                                  "Trail: er\r\n\r\n";
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (size_t i = 0; i < sizeof(request) - 1; i++)
        client_send_bytes(c, request + i, 1);
    client_wait_for(c, "body of 7: abcdefg");
    client_close(c);
    fixture_close(f);
}

static void one_that_waits(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, "POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: 2\r\n\r\n{}GET /v1/echo?text=next HTTP/1.1\r\nHost: localhost\r\n\r\n");
    fixture_wait(f, is_waiting, f);
    assert_true(client_hears_nothing(c));
    assert_int_equal(figure_get(&f->server.figures.http_requests_under_way), 1);
    assert_true(http_header(f->waiting, "content-TYPE").size == 16);
    http_reply_text(f->waiting, 200, "text/plain", "at last");
    client_wait_for(c, "text=next");
    assert_true(strstr(c->text, "at last") < strstr(c->text, "text=next"));
    client_close(c);
    fixture_close(f);
}

static void one_whose_peer_has_gone(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    fixture_wait(f, is_waiting, f);
    client_close(c);
    for (unsigned i = 0; i < 10; i++)
        fixture_turn(f);
    assert_false(http_is_idle(&f->server));
    http_reply_text(f->waiting, 200, "text/plain", "to nobody");
    while (!http_is_idle(&f->server))
        fixture_turn(f);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void a_body_may_be_as_large_as_is_said(void **state)
{
    static char request[80000];
    struct fixture *f = fixture_open("--http.max_body 64KiB");
    size_t head;

    for (unsigned more = 0; more < 2; more++) {
        head = (size_t)snprintf(request, sizeof(request), "POST /body HTTP/1.1\r\nHost: localhost\r\n"
                                "Connection: close\r\nContent-Type: application/json\r\n"
                                "Content-Length: %u\r\n\r\n", 65536 + more);
        memset(request + head, 'x', 65537);
        request[head + 65536] = 0;
        assert_int_equal(ask_status(f, request), more ? 413 : 200);
    }
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void a_chunked_body_neither(void **state)
{
    struct fixture *f = fixture_open("--http.max_body 64KiB");
    struct client *c = client_open(f);
    char chunk[4200];

    client_send(c, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n");
    snprintf(chunk, sizeof(chunk), "1000\r\n%04096d\r\n", 0);
    for (unsigned i = 0; i < 17; i++)
        client_send(c, chunk);
    client_wait_for_end(c);
    assert_non_null(strstr(c->text, "413 Content Too Large"));
    client_close(c);
    fixture_close(f);
}

static void the_limit_may_be_small_and_may_shrink(void **state)
{
    struct fixture *f = fixture_open("--http.max_body 1KiB");
    struct client *c = client_open(f);
    static const char head[] = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n";
    char chunk[600];

    client_send(c, head);
    client_send(c, "2\r\n{}\r\n0\r\n\r\n");
    client_wait_for(c, "body of 2: {}");
    client_forget(c);

    f->config.http.max_body_bytes = 4096;
    client_send(c, head);
    snprintf(chunk, sizeof(chunk), "200\r\n%0512d\r\n", 0);
    for (unsigned i = 0; i < 4; i++)
        client_send(c, chunk);
    const struct http_connection *connection = f->server.http->connections;
    while (connection->request == NULL || connection->request->body.size < 2048)
        fixture_turn(f);
    f->config.http.max_body_bytes = 1024; /* As a reload does. */
    client_send(c, chunk);
    client_wait_for_end(c);
    assert_non_null(strstr(c->text, "413 Content Too Large"));
    client_close(c);
    fixture_close(f);
}

/* The memory is not taken before it is known to be there. */
static void a_body_is_charged(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f), *d = client_open(f);
    uint64_t others = f->config.memory_budget_bytes / 4 * 3 - 12000000; /* The last quarter is for what is small. */
    static const char large[] = "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                                "Content-Length: 8000000\r\n\r\n";

    budget_force(&f->server.budget, others);
    client_send(c, large);
    while (f->server.budget.used_bytes < others + 8000000)
        fixture_turn(f);
    client_send(d, large);
    client_wait_for_end(d);
    assert_non_null(strstr(d->text, "HTTP/1.1 429 "));
    assert_int_equal(ask_status(f, "GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 200);
    client_close(c);
    client_close(d);
    while (f->server.budget.used_bytes > others)
        fixture_turn(f);
    budget_give(&f->server.budget, others);
    fixture_close(f);
}

static void without_memory_for_a_request(void **state)
{
    struct fixture *f = fixture_open("");
    uint64_t rest = f->config.memory_budget_bytes;

    budget_force(&f->server.budget, rest);
    const char *answer = ask(f, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "\r\nRetry-After: 1\r\n"));
    assert_non_null(strstr(answer, ",\"retry_after_ms\":1000}"));
    budget_give(&f->server.budget, rest);
    fixture_close(f);
}

/* Its body is read over, and the connection stays, when it was short and had been sent. */
static void a_refused_body(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, "POST /nobody HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: 2\r\n\r\n{}GET /v1/echo?text=next HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait_for(c, "text=next");
    assert_non_null(strstr(c->text, "takes no body"));
    client_close(c);

    c = client_open(f);
    client_send(c, "POST /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_wait_for_end(c);
    assert_int_equal(atoi(c->text + 9), 404);
    client_close(c);

    c = client_open(f);
    client_send(c, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    client_wait_for(c, "100 Continue");
    client_send(c, "{}");
    client_wait_for(c, "body of 2: {}");
    client_close(c);
    fixture_close(f);
}

static void before_the_store_is_open(void **state)
{
    struct fixture *f = fixture_open("");

    fixture_take_store(f);
    const char *answer = ask(f, "GET /v1/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, "HTTP/1.1 503 "));
    assert_non_null(strstr(answer, "\"code\":\"NOT_READY\""));
    assert_non_null(strstr(answer, "Retry-After: "));
    assert_int_equal(ask_status(f, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), 200);
    f->server.store = f->store;
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(one_that_waits),
        cmocka_unit_test(one_whose_peer_has_gone),
        cmocka_unit_test(a_body_may_be_as_large_as_is_said),
        cmocka_unit_test(a_chunked_body_neither),
        cmocka_unit_test(the_limit_may_be_small_and_may_shrink),
        cmocka_unit_test(a_body_is_charged),
        cmocka_unit_test(without_memory_for_a_request),
        cmocka_unit_test(a_refused_body),
        cmocka_unit_test(before_the_store_is_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
