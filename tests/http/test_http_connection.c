/* test_http_connection.c - connections: how many, how long, and what is said to those that are too much. */
#include "fixture.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "varve/json.h"

/* What is said past libmicrohttpd is a problem like all others. */
static void last_words_are_problems(void **state)
{
    static const struct {
        const struct http_last_words *words;
        const char *begin;
        enum varve_status code;
    } cases[] = {
        { &http_says_timeout, "HTTP/1.1 408 Request Timeout\r\n", VARVE_TIMEOUT },
        { &http_says_overloaded, "HTTP/1.1 503 Service Unavailable\r\n", VARVE_OVERLOADED },
        { &http_says_too_large, "HTTP/1.1 413 Content Too Large\r\n", VARVE_APPEND_TOO_LARGE },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *words = cases[i].words->text, *body = strstr(words, "\r\n\r\n") + 4;
        const char *name = varve_status_name(cases[i].code);
        bool again = cases[i].code == VARVE_OVERLOADED;
        char begin[256];

        snprintf(begin, sizeof(begin), "{\"type\":\"urn:varve:error:%s\",\"title\":\"%s\",\"status\":%.3s,"
                 "\"code\":\"%s\",\"detail\":\"", name, varve_status_meaning(cases[i].code), words + 9, name);
        CHECK_CASE(strtoul(words + 9, NULL, 10) == cases[i].words->status, name);
        CHECK_CASE(strncmp(words, cases[i].begin, strlen(cases[i].begin)) == 0, name);
        CHECK_CASE(strncmp(body, begin, strlen(begin)) == 0, name);
        CHECK_CASE(varve_json_check(varve_view_str(body), NULL, NULL), name);
        CHECK_CASE((strstr(body, ",\"retry_after_ms\":1000}") != NULL) == again, name);
        CHECK_CASE((strstr(words, "\r\nRetry-After: 1\r\n") != NULL) == again, name);
    }
}

static bool has_none(void *user)
{
    return ((struct fixture *)user)->server.http->connection_count == 0;
}

static bool has_two(void *user)
{
    return ((struct fixture *)user)->server.http->connection_count == 2;
}

static void more_than_there_may_be(void **state)
{
    struct fixture *f = fixture_open("--http.max_connections 2");
    struct client *a = client_open(f), *b = client_open(f);

    fixture_wait(f, has_two, f);
    struct client *c = client_open(f);
    client_wait_for_end(c);
    assert_non_null(strstr(c->text, "HTTP/1.1 503 Service Unavailable\r\n"));
    assert_non_null(strstr(c->text, "\"code\":\"OVERLOADED\""));
    assert_int_equal(figure_get(&f->server.figures.http_connections_refused), 1);
    assert_int_equal(figure_get(&f->server.figures.http_connections), 2);
    http_tick(&f->server);
    assert_non_null(strstr(fixture_log(f), "event=http.refused connections=1 limit=2"));
    client_close(a);
    client_close(b);
    client_close(c);
    fixture_wait(f, has_none, f);
    assert_int_equal(figure_get(&f->server.figures.http_connections_total), 2);
    fixture_close(f);
}

/* As if so much time had passed. */
static void age(struct fixture *f, uint64_t ms)
{
    for (struct http_connection *one = f->server.http->connections; one != NULL; one = one->next)
        one->since_ms -= ms;
    http_tick(&f->server);
}

static void a_request_that_does_not_come(void **state)
{
    static const char *const starts[] = { "", "GET / HT", "GET / HTTP/1.1\r\nHost: loc",
                                          ("POST /body HTTP/1.1\r\nHost: localhost\r\n"
                                           "Content-Type: application/json\r\nContent-Length: 5\r\n\r\n{") };
    struct fixture *f = fixture_open("--http.header_timeout 50s --http.idle_timeout 200s");

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct client *c = client_open(f);

        client_send(c, starts[i]);
        assert_true(client_hears_nothing(c));
        age(f, 25000);
        assert_true(client_hears_nothing(c));
        age(f, 26000);
        client_wait_for_end(c);
        assert_non_null(strstr(c->text, "HTTP/1.1 408 Request Timeout\r\n"));
        client_close(c);
        fixture_wait(f, has_none, f);
    }
    fixture_close(f);
}

static bool has_one(void *user)
{
    return ((struct fixture *)user)->server.http->connection_count == 1;
}

static bool has_a_request(void *user)
{
    return has_one(user) && ((struct fixture *)user)->server.http->request_count == 1;
}

/* So often such an answer was counted, as a scrape tells it. */
static unsigned long counted(struct fixture *f, const char *operation, unsigned code)
{
    char row[128];

    snprintf(row, sizeof(row), "\nvarve_http_requests_total{operation=\"%s\",code=\"%u\"} ", operation, code);
    const char *at = strstr(ask(f, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), row);
    return at == NULL ? 0 : strtoul(at + strlen(row), NULL, 10);
}

static void what_is_told_past_the_handlers_is_counted(void **state)
{
    char more[30001];
    static const struct {
        const char *text, *answer, *operation;
        unsigned code, requests; /* that came far enough to be one */
        unsigned more;           /* bytes that come then; 0: nothing comes for too long */
    } cases[] = {
        { "", "408 Request Timeout", "none", 408, 0, 0 },
        { "GET / HT", "408 Request Timeout", "none", 408, 0, 0 },
        { "GET / HTTP/1.1\r\nHost: loc", "408 Request Timeout", "none", 408, 1, 0 },
        { "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{",
          "408 Request Timeout", "body", 408, 1, 0 },
        /* It was answered already, and the rest of it was to be read over. */
        { "POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{",
          "408 Request Timeout", "none", 404, 1, 0 },
        { "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
          "Transfer-Encoding: chunked\r\n\r\n401\r\n", "413 Content Too Large", "body", 413, 1, 1025 },
        { "GET / HTTP/1.1\r\nX-Large: ", "HTTP/1.1 431 ", "none", 431, 1, 30000 }, /* libmicrohttpd itself. */
    };
    struct fixture *f = fixture_open("--http.header_timeout 50s --http.max_body 1KiB");

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned long failed = figure_get(&f->server.figures.http_requests_failed);
        unsigned long before = counted(f, cases[i].operation, cases[i].code);
        struct client *c = client_open(f);

        client_send(c, cases[i].text);
        fixture_wait(f, cases[i].requests > 0 ? has_a_request : has_one, f);
        snprintf(more, sizeof(more), "%0*u", (int)cases[i].more, 0u);
        if (cases[i].more > 0)
            client_send(c, more);
        else
            age(f, 51000);
        client_wait_for_end(c);
        CHECK_CASE(strstr(c->text, cases[i].answer) != NULL, cases[i].text);
        client_close(c);
        fixture_wait(f, has_none, f);
        CHECK_CASE(counted(f, cases[i].operation, cases[i].code) == before + cases[i].requests, cases[i].text);
        CHECK_CASE(figure_get(&f->server.figures.http_requests_failed) == failed + cases[i].requests, cases[i].text);
    }
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

/* What it was told must be true: that the rest of its request comes just then changes nothing. */
static void one_that_was_cut_is_not_served(void **state)
{
    struct fixture *f = fixture_open("--http.header_timeout 50s");
    struct client *c = client_open(f);

    client_send(c, "POST /wait HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: 2\r\n\r\n{");
    fixture_wait(f, has_a_request, f);
    assert_int_equal(send(c->fd, "}", 1, MSG_NOSIGNAL), 1); /* Which waits in the socket. */
    age(f, 51000);
    client_wait_for_end(c);
    assert_non_null(strstr(c->text, "HTTP/1.1 408 Request Timeout\r\n"));
    client_close(c);
    fixture_wait(f, has_none, f);
    assert_null(f->waiting);
    assert_true(http_is_idle(&f->server));
    fixture_close(f);
}

static void one_that_idles(void **state)
{
    struct fixture *f = fixture_open("--http.header_timeout 50s --http.idle_timeout 200s");
    struct client *c = client_open(f);

    client_send(c, "GET /v1/echo?text=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait_for(c, "text=1");
    client_forget(c);
    age(f, 150000);
    assert_true(client_hears_nothing(c));
    age(f, 51000);
    assert_string_equal(client_wait_for_end(c), "");
    client_close(c);
    fixture_close(f);
}

/* It takes nothing: what it was to get is not kept for ever. */
static void one_that_does_not_read(void **state)
{
    struct fixture *f = fixture_open("--send-timeout 2s");
    struct client *c = client_open(f);

    client_send(c, "GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (f->server.http->connections == NULL || f->server.http->connections->state != HTTP_SENDING)
        fixture_turn(f);
    for (unsigned i = 0; i < 100; i++)
        fixture_turn(f);
    age(f, 3000); /* The first look learns how far it is. */
    assert_int_equal(f->server.http->connection_count, 1);
    age(f, 3000);
    fixture_wait(f, has_none, f);
    assert_int_equal(figure_get(&f->server.figures.slow_consumers), 1);
    assert_int_equal(f->server.budget.used_bytes, 0);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_words_are_problems),
        cmocka_unit_test(more_than_there_may_be),
        cmocka_unit_test(a_request_that_does_not_come),
        cmocka_unit_test(what_is_told_past_the_handlers_is_counted),
        cmocka_unit_test(one_that_was_cut_is_not_served),
        cmocka_unit_test(one_that_idles),
        cmocka_unit_test(one_that_does_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
