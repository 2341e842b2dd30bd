/* test_metrics_recent.c - quantiles of the last ten seconds: what came is told, what is older is not. */
#include "fixture.h"

#include "server/metrics_parts.h"

static void measure(struct fixture *f, uint64_t value, unsigned times)
{
    while (times-- > 0)
        metrics_request(f->server.metrics, VARVE_OP_PING, VARVE_OK, value);
}

static void they_tell_of_ten_seconds(void **state)
{
    struct fixture *f = fixture_open("");
    const struct metrics_recent *recent = &f->server.metrics->recent;

    metrics_tick(&f->server);
    assert_int_equal(recent->request_us_p50, 0);
    measure(f, 1000, 100);
    measure(f, 8000, 3);
    metrics_tick(&f->server);
    assert_int_equal(recent->request_us_p50, 1024);
    assert_int_equal(recent->request_us_p99, 8000);
    for (int second = 1; second < RECENT_SECONDS; second++) {
        measure(f, 16, 200);
        metrics_tick(&f->server);
    }
    assert_int_equal(recent->request_us_p50, 16);
    assert_int_equal(recent->request_us_p99, 1024);
    metrics_tick(&f->server);
    assert_int_equal(recent->request_us_p99, 16);
    for (int second = 0; second < RECENT_SECONDS; second++)
        metrics_tick(&f->server);
    assert_int_equal(recent->request_us_p50, 0);
    assert_int_equal(recent->request_us_p99, 0);
    fixture_close(f);
}

static void the_engine_is_in_them(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct metrics_recent *recent = &f->server.metrics->recent;

    client_append(c, "a-1", 3);
    metrics_tick(&f->server);
    assert_int_equal(recent->group_events_p50, 3);
    assert_true(recent->commit_us_p50 > 0 && recent->commit_us_p99 >= recent->commit_us_p50);
    assert_true(recent->sync_us_p99 >= recent->sync_us_p50 && recent->sync_us_p99 <= recent->commit_us_p99);
    assert_int_equal(recent->settle_us_p99, 0);
    assert_int_equal(varve_store_settle(f->store), VARVE_OK);
    metrics_tick(&f->server);
    assert_true(recent->settle_us_p99 > 0);
    client_close(c);
    fixture_close(f);
}

static void before_the_store_is_open_there_are_none(void **state)
{
    struct fixture *f = fixture_open("");
    struct varve_store *store = f->server.store;

    f->server.store = NULL;
    metrics_tick(&f->server);
    f->server.store = store;
    assert_int_equal(f->server.metrics->recent.turn, 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_tell_of_ten_seconds),
        cmocka_unit_test(the_engine_is_in_them),
        cmocka_unit_test(before_the_store_is_open_there_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
