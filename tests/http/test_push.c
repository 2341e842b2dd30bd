/* test_push.c - the requests, the turns, and changes of the configuration. */
#include "push_probe.h"

#include <stdlib.h>

static const char *get(struct fixture *f, const char *query, const char *header)
{
    char request[1024];

    snprintf(request, sizeof(request), "GET /v1/events?%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
             query, header);
    return ask(f, request);
}

static void wrong_requests_are_told_so(void **state)
{
    static const struct { const char *query, *header, *says; } cases[] = {
        { "after=6", "", "after: the log ends at position 5, this is 6" },
        { "", "Last-Event-ID: 6\r\n", "Last-Event-ID: the log ends at position 5, this is 6" },
        { "after=soon", "", "after: expected a position, start or end" },
        { "class=x", "", "class: expected domain" }, { "stream=%24x", "", "not pushed" },
        { "named=1", "", "named: expected true or false" },
    };
    struct fixture *f = fixture_open("");

    for (unsigned i = 0; i < 5; i++)
        probe_append_one(f, "a-1", "tested", NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *answer = get(f, cases[i].query, cases[i].header);

        CHECK_CASE(strncmp(answer, "HTTP/1.1 400", 12) == 0, cases[i].says);
        CHECK_CASE(strstr(answer, cases[i].says) != NULL, cases[i].says);
    }
    assert_int_equal(probe_figure(f, "push_clients_total"), 0);
    fixture_close(f);
}

static void no_more_than_may_be_there(void **state)
{
    struct fixture *f = fixture_open("--push.max_clients 2");
    struct client *a = probe_open(f, ""), *b = probe_open(f, "");
    const char *answer = get(f, "", "");

    assert_non_null(strstr(answer, "HTTP/1.1 503"));
    assert_non_null(strstr(answer, "Retry-After: "));
    assert_non_null(strstr(answer, "push.max_clients"));
    assert_int_equal(probe_figure(f, "push_refused_clients"), 1);
    client_close(a);
    probe_wait_clients(f, 1);
    client_close(probe_open(f, ""));
    client_close(b);
    fixture_close(f);
}

static void without_memory_none_comes(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    /* Enough for a request, not for a client. */
    client_send(c, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n");
    for (unsigned i = 0; i < 20; i++)
        fixture_turn(f);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;
    budget_force(&f->server.budget, hog);
    client_send(c, "\r\n");
    client_wait_for(c, "HTTP/1.1 503");
    budget_give(&f->server.budget, hog);
    client_close(c);
    assert_int_equal(f->server.push->client_count, 0);
    fixture_close(f);
}

/* However many have something to do, few are woken in a turn, and all in the end. */
static void turns_are_short(void **state)
{
    enum { COUNT = 150 };
    struct fixture *f = fixture_open("");
    struct client *all[COUNT];

    for (unsigned i = 0; i < COUNT; i++)
        all[i] = probe_open(f, i % 2 == 0 ? "" : "user=u");
    for (unsigned i = 0; i < COUNT; i++)
        client_wait_for(all[i], "caught_up");
    for (struct push_client *c = f->server.push->clients; c != NULL; c = c->next)
        while (c->member.follower == NULL)
            fixture_turn(f);
    uint64_t before = probe_figure(f, "push_events");
    probe_append(f, "a-1", &(struct probe_event){ .user = "u" }, 1);
    uint64_t most = 0;
    while (probe_figure(f, "push_events") < before + COUNT) {
        uint64_t sent = probe_figure(f, "push_events");

        uv_run(&f->server.loop, UV_RUN_NOWAIT);
        http_turn(&f->server);
        sent = probe_figure(f, "push_events") - sent;
        most = sent > most ? sent : most;
    }
    assert_true(most <= 32);
    assert_int_equal(probe_figure(f, "push_events_rendered"), 1);
    for (unsigned i = 0; i < COUNT; i++) {
        client_wait_for(all[i], "id: 1\n");
        client_close(all[i]);
    }
    fixture_close(f);
}

/* What was read is sent even if the time is over, so bytes are counted, too, in turns that are to be short. */
static void bytes_end_a_turn_as_well(void **state)
{
    struct fixture *f = fixture_open("");
    struct push *push = f->server.push;

    push->turn_us = push_grant_many.least_us;
    push->turn_is_fresh = true;
    assert_true(push_may_go_on(push));
    assert_int_equal(push->turn_bytes, push_grant_many.least_us * 1024);
    push->turn_bytes = 0;
    assert_false(push_may_go_on(push));
    push->turn_us = PUSH_TURN_US;
    push->turn_is_fresh = true;
    assert_true(push_may_go_on(push));
    assert_true(push->turn_bytes == UINT64_MAX);
    fixture_close(f);
}

/* In each turn of the loop somebody else has asked for something; clients are served, and stay. */
static void those_who_ask_do_not_keep_it_from_working(void **state)
{
    enum { COUNT = 30, EVENTS = 20 };
    struct fixture *f = fixture_open("");
    struct client *all[COUNT];

    for (unsigned i = 0; i < COUNT; i++)
        all[i] = probe_open(f, "after=start");
    for (unsigned i = 0; i < COUNT; i++)
        client_wait_for(all[i], "caught_up");
    for (unsigned i = 0; i < EVENTS; i++)
        probe_append_one(f, "a-1", "tested", NULL);
    while (probe_figure(f, "push_events") < COUNT * EVENTS) {
        figure_add(&f->server.figures.requests, 1);
        uv_run(&f->server.loop, UV_RUN_NOWAIT);
        http_turn(&f->server);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        client_wait_for(all[i], "id: 20\n");
        client_close(all[i]);
    }
    assert_int_equal(probe_figure(f, "push_dropped_clients"), 0);
    fixture_close(f);
}

static void what_may_be_pushed_can_change(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = probe_open(f, "");
    struct varve_error error;

    probe_append_one(f, "a-1", "secret", "{\"a\":1,\"b\":2}");
    client_wait_for(c, "\"data\":{\"a\":1,\"b\":2}");
    f->config.push.allow_types = "open.*";
    f->config.push.fields = "a";
    assert_int_equal(push_reload(&f->server, &error), VARVE_OK);
    client_forget(c);
    probe_append_one(f, "a-1", "secret", "{\"a\":1,\"b\":2}");
    probe_append_one(f, "a-1", "open.a", "{\"a\":1,\"b\":2}");
    client_wait_for(c, "\"data\":{\"a\":1}");
    assert_null(strstr(c->text, "secret"));
    struct client *late = probe_open(f, "after=start"); /* History is shown by the rules of now. */
    client_wait_for(late, "caught_up");
    assert_null(strstr(late->text, "secret"));
    f->config.push.fields = "a..b";
    assert_int_equal(push_reload(&f->server, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "push.fields");
    client_forget(c);
    probe_append_one(f, "a-1", "open.b", "{\"a\":1,\"b\":2}");
    client_wait_for(c, "\"data\":{\"a\":1}"); /* The old ones hold. */
    f->config.push.allow_types = f->config.push.fields = NULL;
    client_close(c);
    client_close(late);
    fixture_close(f);
}

static void configurations_are_checked(void **state)
{
    struct varve_error error;

    assert_int_equal(push_check_config(&(struct push_config){ .fields = "a b.c" }, &error), VARVE_OK);
    assert_int_equal(push_check_config(&(struct push_config){ .uuid_fields = "nothing" }, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "push.uuid_fields");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_requests_are_told_so), cmocka_unit_test(no_more_than_may_be_there),
        cmocka_unit_test(without_memory_none_comes), cmocka_unit_test(turns_are_short),
        cmocka_unit_test(bytes_end_a_turn_as_well),
        cmocka_unit_test(those_who_ask_do_not_keep_it_from_working),
        cmocka_unit_test(what_may_be_pushed_can_change), cmocka_unit_test(configurations_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
