/* test_session.c - the life of a connection: how many there may be, how each of its ends comes about. */
#include "fixture.h"

#include "server/dispatch.h"

static void wait_until_gone(struct fixture *f)
{
    while (f->server.session_count > 0)
        fixture_turn(f);
}

static void one_too_many_is_told(void **state)
{
    struct fixture *f = fixture_open("--max-connections 2");
    struct client *clients[4];

    for (int i = 0; i < 2; i++)
        clients[i] = client_open(f);
    for (int i = 2; i < 4; i++) {
        clients[i] = client_connect(f);
        client_receive_error(clients[i], 0, VARVE_OVERLOADED);
        client_expect_closed(clients[i]);
    }
    assert_int_equal(figure_get(&f->server.figures.connections), 2);
    assert_int_equal(figure_get(&f->server.figures.connections_refused), 2);
    client_append(clients[0], "a", 1); /* The others do not notice. */
    client_close(clients[1]);
    while (figure_get(&f->server.figures.connections) > 1)
        fixture_turn(f);
    clients[1] = client_open(f); /* There is a place again. */
    for (int i = 0; i < 4; i++)
        client_close(clients[i]);
    fixture_close(f);
}

static void beyond_the_spare_ones_they_are_cut(void **state)
{
    struct fixture *f = fixture_open("--max-connections 1");
    struct client *clients[SERVER_SPARE_CONNECTIONS + 3];

    for (size_t i = 0; i < COUNT_OF(clients); i++)
        clients[i] = client_connect(f);
    assert_true(f->server.session_count <= SERVER_SPARE_CONNECTIONS + 3);
    client_expect_closed(clients[COUNT_OF(clients) - 1]);
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        client_close(clients[i]);
    wait_until_gone(f);
    fixture_close(f);
}

static void a_peer_that_leaves_is_forgotten(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *silent = client_connect(f), *greeted = client_open(f);

    client_close(silent);
    client_close(greeted);
    wait_until_gone(f);
    assert_int_equal(figure_get(&f->server.figures.connections), 0);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void who_says_no_more_still_hears(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, 10);
    varve_encode_stats(&c->out, 4);
    client_send(c);
    client_shut(c);
    struct varve_frame first = client_receive(c), second = client_receive(c);
    assert_int_equal(first.request_id + second.request_id, 7);
    client_expect_closed(c);
    wait_until_gone(f);
    client_close(c);
    fixture_close(f);
}

static void dismissed_with_a_reason(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_error why;

    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, 10);
    client_send(c);
    varve_fail(&why, VARVE_PROTOCOL, NULL, "for the test");
    session_dismiss(f->server.sessions, 0, &why);
    uint32_t seen = 0;
    for (int i = 0; i < 2; i++)
        seen |= client_receive(c).opcode == VARVE_OP_ERROR ? 1 : 2; /* In whichever order, both are said. */
    assert_int_equal(seen, 3);
    client_expect_closed(c);
    assert_non_null(strstr(fixture_log(f), "session.dismissed"));
    client_close(c);
    fixture_close(f);
}

static void late_ones_are_closed(void **state)
{
    struct fixture *f = fixture_open("--hello-timeout 1s");
    uint64_t began_ms = uv_now(&f->server.loop); /* Before it comes: what follows may take long. */
    struct client *silent = client_connect(f), *greeted = client_open(f);

    while (f->server.session_count == 2) {
        fixture_turn(f);
        session_tick_all(&f->server);
    }
    assert_true(uv_now(&f->server.loop) - began_ms >= 900);
    client_expect_closed(silent);
    client_append(greeted, "a", 1);
    assert_non_null(strstr(fixture_log(f), "no HELLO in time"));
    client_close(silent);
    client_close(greeted);
    fixture_close(f);
}

static void stopping_closes_all_in_order(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *silent = client_connect(f), *idle = client_open(f), *busy = client_open(f);
    struct varve_error why;

    client_encode_append(busy, 3, "a", VARVE_EXPECTED_ANY, 1, 10);
    client_send(busy);
    f->server.stopping = true;
    dispatch_stopping_error(&why);
    session_stop_all(&f->server, &why);
    client_receive_error(silent, 0, VARVE_NOT_READY);
    client_expect_closed(silent);
    client_expect_closed(idle);
    client_expect(busy, VARVE_OP_APPEND_OK, 3);
    client_expect_closed(busy);
    client_close(silent);
    client_close(idle);
    client_close(busy);
    wait_until_gone(f);
    fixture_close(f);
}

static void refused_ones_share_a_log_line(void **state)
{
    struct fixture *f = fixture_open("--max-connections 1");
    struct client *clients[6];

    for (size_t i = 0; i < COUNT_OF(clients); i++)
        clients[i] = client_connect(f);
    session_tick_all(&f->server);
    session_tick_all(&f->server);
    const char *log = fixture_log(f);
    const char *line = strstr(log, "server.connections_refused refused=5");
    assert_non_null(line);
    assert_null(strstr(line + 1, "server.connections_refused"));
    assert_null(strstr(log, "session.dismissed"));
    for (size_t i = 0; i < COUNT_OF(clients); i++)
        client_close(clients[i]);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_too_many_is_told), cmocka_unit_test(beyond_the_spare_ones_they_are_cut),
        cmocka_unit_test(a_peer_that_leaves_is_forgotten), cmocka_unit_test(who_says_no_more_still_hears),
        cmocka_unit_test(dismissed_with_a_reason), cmocka_unit_test(late_ones_are_closed),
        cmocka_unit_test(stopping_closes_all_in_order), cmocka_unit_test(refused_ones_share_a_log_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
