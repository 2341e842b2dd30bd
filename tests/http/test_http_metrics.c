/* test_http_metrics.c - a scrape over HTTP: the whole text, its type, and what is said when there is no room for it. */
#include "fixture.h"

#define GET_METRICS "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

static void a_scrape_is_the_whole_text(void **state)
{
    struct fixture *f = fixture_open("");
    const char *answer = ask(f, GET_METRICS);

    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_non_null(strstr(answer, "\r\n\r\n# HELP varve_events_published_total "));
    assert_non_null(strstr(answer, "\nvarve_ready 1\n"));
    assert_non_null(strstr(answer, "\nprocess_start_time_seconds "));
    assert_int_equal(answer[strlen(answer) - 1], '\n');
    answer = ask(f, GET_METRICS);
    assert_non_null(strstr(answer, "\nvarve_http_requests_total{operation=\"metrics\",code=\"200\"} 1\n"));
    fixture_close(f);
}

static void without_room_in_the_budget_it_is_refused(void **state)
{
    struct fixture *f = fixture_open("");

    f->server.budget.used_bytes = f->server.budget.limit_bytes - 128 * 1024;
    assert_int_equal(ask_status(f, GET_METRICS), 429);
    f->server.budget.used_bytes = 0;
    assert_int_equal(ask_status(f, GET_METRICS), 200);
    fixture_close(f);
}

static void before_the_store_is_open_it_tells_what_needs_none(void **state)
{
    struct fixture *f = fixture_open("");

    fixture_take_store(f);
    const char *answer = ask(f, GET_METRICS);
    assert_memory_equal(answer, "HTTP/1.1 200 OK\r\n", 17);
    assert_non_null(strstr(answer, "\nvarve_ready 0\n"));
    assert_non_null(strstr(answer, "\nvarve_build_info{"));
    assert_null(strstr(answer, "last_position"));
    f->server.store = f->store;
    fixture_close(f);
}

static void while_the_server_stops_it_is_refused(void **state)
{
    struct fixture *f = fixture_open("");

    f->server.stopping = true;
    http_stop(&f->server);
    assert_int_equal(ask_status(f, GET_METRICS), 503);
    assert_int_equal(ask_status(f, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"), 200);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scrape_is_the_whole_text),
        cmocka_unit_test(without_room_in_the_budget_it_is_refused),
        cmocka_unit_test(before_the_store_is_open_it_tells_what_needs_none),
        cmocka_unit_test(while_the_server_stops_it_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
