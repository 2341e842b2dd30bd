/* test_http_work.c - work on other threads: it answers from there, what it takes is bounded, and bodies are parsed one
 * after another. */
#include "fixture.h"

#define PARSE "GET /parse HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
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

/* ---- bodies ------------------------------------------------------------------------------------------------------ */

static bool was_asked(void *user)
{
    struct fixture *f = user;

    return f->parses_asked == f->parses_wanted;
}

static struct client *ask_to_parse(struct fixture *f)
{
    struct client *c = client_open(f);

    f->parses_wanted = f->parses_asked + 1;
    client_send(c, PARSE);
    fixture_wait(f, was_asked, f);
    return c;
}

static void one_body_after_another(void **state)
{
    enum { COUNT = 20 };
    struct fixture *f = fixture_open("");
    struct client *c[COUNT];
    char text[32];

    for (unsigned i = 0; i < COUNT; i++)
        c[i] = ask_to_parse(f);
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "parsed as number %u", i + 1);
        assert_non_null(strstr(client_wait_for_end(c[i]), text));
        client_close(c[i]);
    }
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

static void a_body_without_room_is_not_parsed(void **state)
{
    struct fixture *f = fixture_open("");

    f->away_bytes = f->config.memory_budget_bytes;
    assert_int_equal(ask_status(f, PARSE), 429);
    f->away_bytes = 1000;
    assert_int_equal(ask_status(f, PARSE), 200);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

/* The reader threads may have as much as they like to do. */
static void readers_and_bodies_do_not_wait_for_each_other(void **state)
{
    struct fixture *f = fixture_open("");

    f->server.workers.capacity = 0;
    assert_int_equal(ask_status(f, PARSE), 200);
    fixture_close(f);
}

static bool has_parsed(void *user)
{
    return ((struct fixture *)user)->parses == 5;
}

static void those_who_have_left_do_not_stop_the_others(void **state)
{
    struct fixture *f = fixture_open("");

    for (unsigned i = 0; i < 5; i++)
        client_close(ask_to_parse(f));
    fixture_wait(f, has_parsed, f);
    assert_int_equal(ask_status(f, PARSE), 200);
    fixture_close(f);
}

/* The server ends while bodies wait. */
static void what_waits_is_parsed_before_the_end(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c[5];

    for (unsigned i = 0; i < 5; i++)
        c[i] = ask_to_parse(f);
    fixture_close(f);
    for (unsigned i = 0; i < 5; i++)
        client_close(c[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back),
        cmocka_unit_test(without_room_it_does_not_go),
        cmocka_unit_test(with_a_full_queue_neither),
        cmocka_unit_test(nobody_waits_any_more),
        cmocka_unit_test(one_body_after_another),
        cmocka_unit_test(a_body_without_room_is_not_parsed),
        cmocka_unit_test(readers_and_bodies_do_not_wait_for_each_other),
        cmocka_unit_test(those_who_have_left_do_not_stop_the_others),
        cmocka_unit_test(what_waits_is_parsed_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
