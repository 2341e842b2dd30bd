/* test_http.c - the port as a whole: off, stopped while requests are under way, cut. */
#include "fixture.h"

static void off(void **state)
{
    struct config config = { .http.listen_count = 0 };
    struct server server = { .config = &config };

    assert_int_equal(http_start(&server, NULL), VARVE_OK);
    assert_null(server.http);
    assert_true(http_is_idle(&server));
    http_turn(&server);
    http_tick(&server);
    http_stop(&server);
    http_close_all(&server);
    http_end(&server);
    assert_int_equal(http_memory_bytes(&config), 0);
}

static bool is_waiting(void *user)
{
    return ((struct fixture *)user)->waiting != NULL;
}

/* What is under way is answered; what comes is not, but for questions about health. */
static void stopping(void **state)
{
#define ASK_ECHO "GET /v1/echo HTTP/1.1\r\nHost: localhost\r\n\r\n"
    struct fixture *f = fixture_open("");
    struct client *waits = client_open(f), *idle = client_open(f);

    client_send(idle, ASK_ECHO);
    client_wait_for(idle, "text=");
    client_send(waits, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n" ASK_ECHO);
    fixture_wait(f, is_waiting, f);
    f->server.stopping = true;
    http_stop(&f->server);
    client_wait_for_end(idle);
    assert_false(http_is_idle(&f->server));
    assert_int_equal(ask_status(f, ASK_ECHO), 503);
    assert_int_equal(ask_status(f, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    assert_int_equal(ask_status(f, "GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n"), 503);
    http_reply_text(f->waiting, 200, "text/plain", "done");
    client_wait_for_end(waits);
    assert_non_null(strstr(waits->text, "Connection: close\r\n"));
    assert_non_null(strstr(waits->text, "done"));
    assert_null(strstr(waits->text, "text="));
    assert_true(http_is_idle(&f->server));
    client_close(waits);
    client_close(idle);
    fixture_close(f);
}

static void cutting(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *waits = client_open(f);

    client_send(waits, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    fixture_wait(f, is_waiting, f);
    http_close_all(&f->server);
    client_wait_for_end(waits);
    assert_string_equal(waits->text, "");
    assert_false(http_is_idle(&f->server)); /* Somebody still works for it. */
    http_reply_text(f->waiting, 200, "text/plain", "too late");
    while (!http_is_idle(&f->server))
        fixture_turn(f);
    client_close(waits);
    fixture_close(f);
}

static void its_memory(void **state)
{
    struct fixture *f = fixture_open("--http.max_connections 1000");

    assert_int_equal(http_memory_bytes(&f->config), (1000 + HTTP_SPARE_CONNECTIONS) * 20480);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off),
        cmocka_unit_test(stopping),
        cmocka_unit_test(cutting),
        cmocka_unit_test(its_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
