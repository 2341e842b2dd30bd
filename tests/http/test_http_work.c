/* test_http_work.c - work on reader threads: it answers from there, and what it takes is bounded. */
#include "fixture.h"

#define AWAY "GET /away HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static void it_comes_back(void **state)
{
    struct fixture *f = fixture_open("");

    assert_non_null(strstr(ask(f, AWAY), "from afar"));
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void without_room_it_does_not_go(void **state)
{
    struct fixture *f = fixture_open("");
    const char *answer;

    f->away_bytes = f->config.memory_budget_bytes;
    answer = ask(f, AWAY);
    assert_non_null(strstr(answer, "HTTP/1.1 429 "));
    assert_non_null(strstr(answer, "Retry-After: 1\r\n"));
    assert_non_null(strstr(answer, "\"code\":\"OVERLOADED\""));
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void with_a_full_queue_neither(void **state)
{
    struct fixture *f = fixture_open("");

    f->server.workers.capacity = 0;
    assert_int_equal(ask_status(f, AWAY), 429);
    fixture_close(f);
}

/* A client that is gone does not keep the work from ending. */
static void nobody_waits_any_more(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_send(c, AWAY);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back),
        cmocka_unit_test(without_room_it_does_not_go),
        cmocka_unit_test(with_a_full_queue_neither),
        cmocka_unit_test(nobody_waits_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
