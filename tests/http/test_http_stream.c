/* test_http_stream.c - answers without an end: bytes when there are some, the end by us, the end by the peer. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

static struct client *begin(struct fixture *f)
{
    struct client *c = client_open(f);

    client_send(c, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait_for(c, "\r\n\r\n"); /* The head comes before there is anything to send. */
    return c;
}

static void push(struct fixture *f, const char *text)
{
    snprintf(f->to_stream, sizeof(f->to_stream), "%s", text);
    http_stream_wake(f->stream);
    http_stream_wake(f->stream); /* Twice is fine. */
}

static bool is_closed(void *user)
{
    return ((struct fixture *)user)->streams_closed > 0;
}

static void bytes_come_when_there_are_some(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = begin(f);

    assert_non_null(strstr(c->text, "200 OK"));
    assert_non_null(strstr(c->text, "Content-Type: text/event-stream"));
    assert_int_equal(figure_get(&f->server.figures.http_streams), 1);
    assert_true(client_hears_nothing(c));
    unsigned reads = f->reads;
    assert_true(client_hears_nothing(c));
    assert_int_equal(f->reads, reads); /* Nobody asks again and again. */
    push(f, "first;");
    client_wait_for(c, "first;");
    push(f, "second;");
    client_wait_for(c, "second;");
    push(f, "last");
    f->stream_ends = true;
    client_wait_for(c, "last\r\n0\r\n\r\n");
    fixture_wait(f, is_closed, f);
    client_forget(c); /* The connection stays. */
    client_send(c, "GET /v1/echo?text=again HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait_for(c, "text=again");
    assert_int_equal(figure_get(&f->server.figures.http_streams), 0);
    client_close(c);
    fixture_close(f);
}

/* The loop is told so by the socket, though MHD does not look at it. */
static void a_peer_that_goes_away_is_noticed(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = begin(f);

    assert_true(client_hears_nothing(c));
    client_close(c);
    fixture_wait(f, is_closed, f);
    assert_int_equal(f->streams_closed, 1);
    fixture_close(f);
}

static void it_can_be_cut(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = begin(f);

    http_stream_cut(f->stream);
    assert_int_equal(f->streams_closed, 0); /* Not at once. */
    client_wait_for_end(c);
    fixture_wait(f, is_closed, f);
    assert_null(strstr(c->text, "0\r\n\r\n"));
    client_close(c);
    fixture_close(f);
}

static void it_can_be_cut_while_it_is_read(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = begin(f);

    f->stream_cuts = true;
    http_stream_wake(f->stream);
    client_wait_for_end(c);
    fixture_wait(f, is_closed, f);
    client_close(c);
    fixture_close(f);
}

static void stopping_ends_it_with_an_end(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = begin(f);

    http_stop(&f->server);
    client_wait_for(c, "0\r\n\r\n");
    client_wait_for_end(c);
    assert_int_equal(f->streams_closed, 1);
    client_close(c);
    fixture_close(f);
}

static void to_a_head_and_to_the_last_version(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, "HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    client_wait_for(c, "\r\n\r\n");
    fixture_wait(f, is_closed, f);
    client_close(c);

    f->streams_closed = 0;
    c = client_open(f);
    client_send(c, "GET /stream HTTP/1.0\r\n\r\n");
    client_wait_for(c, "\r\n\r\n");
    push(f, "plain");
    client_wait_for(c, "\r\n\r\nplain");
    f->stream_ends = true;
    http_stream_wake(f->stream);
    client_wait_for_end(c);
    client_close(c);
    fixture_close(f);
}

static void many_that_all_leave_at_once(void **state)
{
    enum { MANY = 200 };
    struct fixture *f = fixture_open("");
    struct client *all[MANY];

    for (unsigned i = 0; i < MANY; i++)
        all[i] = begin(f);
    for (unsigned i = 0; i < MANY; i++)
        client_close(all[i]);
    while (f->streams_closed < MANY)
        fixture_turn(f);
    assert_int_equal(figure_get(&f->server.figures.http_streams), 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_when_there_are_some),
        cmocka_unit_test(a_peer_that_goes_away_is_noticed),
        cmocka_unit_test(it_can_be_cut),
        cmocka_unit_test(it_can_be_cut_while_it_is_read),
        cmocka_unit_test(stopping_ends_it_with_an_end),
        cmocka_unit_test(to_a_head_and_to_the_last_version),
        cmocka_unit_test(many_that_all_leave_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
